"""What only a shared store can promise: replicas agree, the dead make room, nothing counts twice, and its absence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from redis_process import PASSWORD, RedisProcess

from llmrouter.budgets import month_of
from llmrouter.entities import Budget, Limits
from llmrouter.errors import ApiError
from llmrouter.limits import Alert, Ask
from llmrouter.limits_lua import ADMIT, CLOCK, SETTLE
from llmrouter.limits_redis import RedisLimiter, is_usable
from llmrouter.owed import Owed
from llmrouter.secret import Secret

LONG = 30.0  # seconds of patience, far more than anything takes


async def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not met():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


class Replicas:
    """Several processes' limiters on one Redis, in one process; closed at the end."""

    def __init__(self, server: RedisProcess) -> None:
        self.server = server
        self.said: list[str] = []
        self.alerts: list[Alert] = []
        self.open: list[RedisLimiter] = []

    def add(self, patience: float = LONG, lease: float = LONG) -> RedisLimiter:
        found = RedisLimiter(Secret(self.server.url), patience, self.alerts.append, self.said.append, lease)
        self.open.append(found)
        return found

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await scenario()
            finally:
                self.server.go_on()
                for each in self.open:
                    await each.close()

        asyncio.run(whole())


@pytest.fixture
def replicas(redis_server: RedisProcess) -> Replicas:
    return Replicas(redis_server)


@pytest.fixture
def own_replicas() -> Iterator[Replicas]:
    """On a Redis that may be killed."""
    if not RedisProcess.available:
        pytest.skip("redis-server is not installed")
    server = RedisProcess()
    yield Replicas(server)
    server.close()


async def is_admitted(limiter: RedisLimiter, ask: Ask) -> bool:
    found = await asyncio.gather(limiter.admit([ask]), return_exceptions=True)
    assert not isinstance(found[0], BaseException) or isinstance(found[0], ApiError)
    return not isinstance(found[0], ApiError)


def test_replicas_share_what_they_count(replicas: Replicas) -> None:
    async def scenario() -> None:
        a, b = replicas.add(), replicas.add()
        ask = Ask("acme", "", Limits(requests_per_minute=3, concurrent=2))
        first = await a.admit([ask])
        await b.admit([ask])
        for each in (a, b):
            assert not await is_admitted(each, ask)  # two run
        first.end()
        await until(lambda: replicas.server.client.zcard("llmrouter:acme::running") == 1)
        await b.admit([ask])
        with pytest.raises(ApiError, match="3 requests a minute"):
            await a.admit([ask])

    replicas.run(scenario)


def test_money_outlives_the_processes_and_is_told_of_once(replicas: Replicas) -> None:
    ask = Ask("acme", "bot", budget=Budget("EUR", Decimal("0.5"), Decimal(1)))

    async def scenario() -> None:
        a, b = replicas.add(), replicas.add()
        for each in (a, b):
            await each.admit([ask])
            each.count(ask, 0, Decimal("0.6"))
            await each.close()  # hands over what it has counted
        assert [(each.level, each.spent) for each in replicas.alerts] == [
            ("soft", Decimal("0.6")),
            ("hard", Decimal("1.2")),
        ]
        replicas.open.clear()
        later = replicas.add()
        with pytest.raises(ApiError) as caught:
            await later.admit([ask])
        assert caught.value.code == "budget_exceeded"
        assert [amount for _, amount in later.spent()] == [Decimal("1.2")]

    replicas.run(scenario)


def test_a_process_that_died_makes_room_and_a_living_one_keeps_its_place(replicas: Replicas) -> None:
    async def scenario() -> None:
        living, dead = replicas.add(lease=60), replicas.add(lease=10)
        ask = Ask("acme", "", Limits(concurrent=2))
        await living.admit([ask])
        await dead.admit([ask])
        assert not await is_admitted(living, ask)
        dead._task.cancel()
        replicas.server.age(11)  # seconds without a sign of life
        assert await is_admitted(living, ask)
        assert not await is_admitted(living, ask)

    replicas.run(scenario)


def test_a_sign_of_life_is_given_while_a_request_runs(replicas: Replicas) -> None:
    def ends() -> list[float]:
        return [end for _, end in replicas.server.client.zrange("llmrouter:acme::running", 0, -1, withscores=True)]

    async def scenario() -> None:
        limiter = replicas.add(lease=0.9)
        admission = await limiter.admit([Ask("acme", "", Limits(concurrent=2))])
        began = ends()[0]
        await until(lambda: ends() > [began + 0.5])  # twice, and once more
        admission.end()
        await until(lambda: not ends())

    replicas.run(scenario)


def test_who_leaves_or_gives_up_while_it_waits_takes_up_no_place(replicas: Replicas) -> None:
    async def scenario() -> None:
        limiter, ask = replicas.add(patience=0.5, lease=600), Ask("acme", "", Limits(concurrent=1))
        assert await is_admitted(limiter, Ask("acme", "x", Limits(concurrent=1)))
        for leaves in (True, False):
            replicas.server.hold()
            waiting = asyncio.create_task(limiter.admit([ask]))
            for _ in range(50):  # it is on its way to Redis
                await asyncio.sleep(0)
            if leaves:
                waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            replicas.server.go_on()
            await until(lambda: limiter.state()["reachable"] and not limiter._owed and not limiter._batch)
            admission = await replicas.add(lease=600).admit([ask])
            admission.end()
            await until(lambda: not replicas.server.client.zcard("llmrouter:acme::running"))

    replicas.run(scenario)


@pytest.mark.parametrize("closed", [False, True])
def test_a_redis_that_hangs_holds_nobody_up(replicas: Replicas, closed: bool) -> None:
    """Open: each counts for itself, from what it knows. Closed: nothing limited passes."""

    async def scenario() -> None:
        limiter = replicas.add(patience=0.5)
        ask = Ask("acme", "", Limits(requests_per_minute=100), Budget("EUR", None, Decimal(1)))
        spent = Ask("acme", "bot", budget=Budget("EUR", None, Decimal(1)))
        await limiter.admit([ask])
        limiter.count(spent, 0, Decimal(1))
        await until(lambda: not limiter._owed and not limiter._batch)
        assert limiter.state() == {"store": "redis", "reachable": True}
        replicas.server.hold()
        begun = time.monotonic()
        for _ in range(3):
            if closed:
                with pytest.raises(ApiError) as caught:
                    await limiter.admit([ask], closed)
                assert (caught.value.status, caught.value.code) == (503, "limits_unavailable")
            else:
                (await limiter.admit([ask])).end()
                with pytest.raises(ApiError) as caught:
                    await limiter.admit([spent])
                assert caught.value.code == "budget_exceeded"  # it is known to be spent
        assert time.monotonic() - begun < 10  # one of them waited
        limiter.count(ask, 0, Decimal("0.25"))
        assert limiter.state() == {"store": "redis", "reachable": False}
        assert len(replicas.said) == 1
        replicas.server.go_on()
        await until(lambda: limiter.state()["reachable"])
        await until(lambda: not limiter._owed and not limiter._batch)
        key = f"llmrouter:acme::spent:{month_of(time.time())}:EUR"
        assert replicas.server.client.get(key) == "250000000"  # what was counted meanwhile is not lost
        assert PASSWORD not in "".join(replicas.said)

    replicas.run(scenario)


def test_a_redis_that_comes_back_empty_is_used_again(own_replicas: Replicas) -> None:
    async def scenario() -> None:
        limiter, ask = own_replicas.add(), Ask("acme", "", Limits(requests_per_minute=2))
        assert await is_admitted(limiter, ask)
        own_replicas.server.kill()
        assert await is_admitted(limiter, ask)  # told by the connection, or at once
        await until(lambda: not limiter.state()["reachable"])
        own_replicas.server.start()
        await until(lambda: limiter.state()["reachable"])
        assert [await is_admitted(limiter, ask) for _ in range(3)] == [True, True, False]
        own_replicas.server.client.script_flush()
        assert await is_admitted(limiter, ask)  # by itself, while the scripts are sent again
        await until(lambda: limiter.state()["reachable"])
        assert not await is_admitted(limiter, ask)
        assert len(own_replicas.said) == 4

    own_replicas.run(scenario)


def test_a_redis_that_is_not_there_at_the_start(own_replicas: Replicas) -> None:
    async def scenario() -> None:
        own_replicas.server.kill()
        limiter, ask = own_replicas.add(), Ask("acme", "", Limits(requests_per_minute=1))
        assert await is_admitted(limiter, ask)
        assert not await is_admitted(limiter, ask)
        own_replicas.server.start()
        await until(lambda: limiter.state()["reachable"])
        assert await is_admitted(limiter, ask)

    own_replicas.run(scenario)


def test_a_password_that_is_wrong_is_not_told(replicas: Replicas) -> None:
    async def scenario() -> None:
        url, ask = replicas.server.listen(), Ask("acme", "", Limits(requests_per_minute=1))
        for each in (url, url.replace(PASSWORD, f"{PASSWORD}-wrong")):
            replicas.open.append(RedisLimiter(Secret(each), LONG, say=replicas.said.append))
        right, wrong = replicas.open
        assert [await is_admitted(right, ask) for _ in range(2)] == [True, False]
        assert await is_admitted(wrong, ask)
        assert (right.state()["reachable"], wrong.state()["reachable"]) == (True, False)
        assert len(replicas.said) == 1
        assert "AuthenticationError" in replicas.said[0]
        assert PASSWORD not in replicas.said[0]

    replicas.run(scenario)


def test_a_batch_that_comes_twice_counts_once(redis_server: RedisProcess) -> None:
    owed, client = Owed(), redis_server.client
    ask = Ask("acme", "", Limits(tokens_per_day=10), Budget("EUR", Decimal(1)))
    answers = []
    for _ in range(2):
        owed.count(ask, 7, Decimal(2))
        batch = owed.batch({}, 1)
        answers += [client.eval(SETTLE, 1, "llmrouter:settled:a", batch.text) for _ in range(2)]
    month = month_of(time.time())
    assert answers == [
        [["2000000000", month, ["soft"]]],
        [["2000000000", month, []]],
        [["4000000000", month, []]],
        [["4000000000", month, []]],
    ]
    assert [client.get(key) for key in redis_server.keys("*:tokens:*")] == ["14"]
    assert all(client.ttl(key) > 0 for key in redis_server.keys("*"))  # nothing stays for ever


def test_the_calendar_of_the_scripts(redis_server: RedisProcess) -> None:
    script = CLOCK.replace("redis.call('TIME')", "{at, 0}")
    assert script != CLOCK
    script = f"local found = {{}} for i, at in ipairs(ARGV) do {script} found[i] = month end return found"
    first = datetime(2023, 12, 30, tzinfo=UTC)
    instants = [(first + timedelta(days=days, seconds=-each)).timestamp() for days in range(3000) for each in (0, 1)]
    found = redis_server.client.eval(script, 0, *map(int, instants))
    assert found == [month_of(each) for each in instants]


def test_scripts_declare_where_they_begin() -> None:
    assert "redis.call('TIME')" in CLOCK
    assert CLOCK in ADMIT
    assert CLOCK in SETTLE


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("redis://localhost", True),
        ("rediss://:secret@localhost:6380/1", True),
        ("unix:///run/redis.sock", True),
        ("localhost:6379", False),
        ("http://localhost", False),
        ("redis://localhost:port", False),
    ],
)
def test_urls(url: str, usable: bool) -> None:
    assert is_usable(Secret(url)) == usable


def test_batches_are_plain_json() -> None:
    owed = Owed("me")
    owed.release("l", ["here"])
    batch = json.loads(owed.batch({"k": ["there"]}, 2).text)
    assert batch["id"] == "me:1"
    assert (batch["extend"], batch["release"]) == ([["there", "k"]], [["here", "l"]])
    assert not owed
