"""What counts limits and budgets: the same promises, in memory and over a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from redis_process import RedisProcess

from llmrouter.budgets import month_of, seconds_left
from llmrouter.entities import Budget, Limits
from llmrouter.errors import ApiError
from llmrouter.limits import Admission, Alert, Ask, Limiter, MemoryLimiter
from llmrouter.limits_redis import RedisLimiter
from llmrouter.secret import Secret

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()
LONG = 30.0  # seconds of patience, far more than anything takes


class World:
    """A limiter, and the time that passes for it."""

    limiter: Limiter

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def elapse(self, seconds: float) -> None: ...

    def next_day(self) -> None: ...

    def next_month(self) -> None: ...

    async def settled(self) -> None:
        """Until all that was counted is known."""

    @property
    def now(self) -> float: ...

    async def admit(self, *asks: Ask) -> Admission:
        return await self.limiter.admit(asks)

    async def refused(self, *asks: Ask) -> ApiError:
        with pytest.raises(ApiError) as caught:
            await self.limiter.admit(asks)
        assert caught.value.status == 429
        return caught.value


class MemoryWorld(World):
    def __init__(self) -> None:
        super().__init__()
        self._now = NOON
        self.limiter = MemoryLimiter(self.alerts.append, lambda: self._now)

    def elapse(self, seconds: float) -> None:
        self._now += seconds

    def next_day(self) -> None:
        self._now += 86_400 - self._now % 86_400

    def next_month(self) -> None:
        self._now += seconds_left(self._now)

    @property
    def now(self) -> float:
        return self._now


class RedisWorld(World):
    def __init__(self, server: RedisProcess) -> None:
        super().__init__()
        self._server = server
        self.limiter = self._shared = RedisLimiter(Secret(server.url), LONG, self.alerts.append)

    def elapse(self, seconds: float) -> None:
        self._server.age(seconds)

    def next_day(self) -> None:
        day = int(self.now // 86_400)
        self._server.rename("*:tokens:*", str(day), str(day - 1))

    def next_month(self) -> None:
        for what in ("spent", "said"):
            self._server.rename(f"*:{what}:*", month_of(self.now), "1999-12")

    async def settled(self) -> None:
        until = time.monotonic() + LONG
        while self._shared._owed or self._shared._batch:
            assert time.monotonic() < until
            await asyncio.sleep(0.002)

    @property
    def now(self) -> float:
        return time.time()


Scenario = Callable[[World], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    server: RedisProcess | None = request.getfixturevalue("redis_server") if request.param == "redis" else None

    async def all_of(scenario: Scenario) -> None:
        world = RedisWorld(server) if server else MemoryWorld()
        try:
            await scenario(world)
        finally:
            await world.limiter.close()

    return lambda scenario: asyncio.run(all_of(scenario))


def limited(**limits: int) -> Ask:
    return Ask("acme", "", Limits(**limits))


def budget(hard: str | None, soft: str | None = None, currency: str = "EUR", key: str = "") -> Ask:
    lines = [None if each is None else Decimal(each) for each in (soft, hard)]
    return Ask("acme", key, budget=Budget(currency, *lines))


def test_requests_a_minute_slide(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        ask = limited(requests_per_minute=3)
        for _ in range(3):
            (await world.admit(ask)).end()
            world.elapse(10)
        assert 20 <= int((await world.refused(ask)).headers["retry-after"]) <= 30
        world.elapse(31)  # the first of them is over, not all
        await world.admit(ask)
        await world.refused(ask)

    run(scenario)


def test_tokens_a_day_end_at_midnight(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        ask = limited(tokens_per_day=100)
        for tokens in (99, 50):  # the second is the one that crosses the line
            (await world.admit(ask)).end()
            world.limiter.count(ask, tokens, None)
            await world.settled()
        error = await world.refused(ask)
        left = 86_400 - world.now % 86_400
        assert left <= int(error.headers["retry-after"]) <= left + 30
        assert error.headers["x-ratelimit-remaining-tokens"] == "0"
        world.next_day()
        assert dict((await world.admit(ask)).headers())[b"x-ratelimit-remaining-tokens"] == b"100"

    run(scenario)


def test_concurrent_ones_make_room(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        ask = limited(concurrent=2)
        first = await world.admit(ask)
        await world.admit(ask)
        await world.refused(ask)
        first.end()
        await world.settled()
        await world.admit(ask)
        await world.refused(ask)

    run(scenario)


def test_a_key_has_limits_of_its_own_within_the_accounts(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        account = limited(requests_per_minute=3)
        narrow, wide = (Ask("acme", key, Limits(requests_per_minute=n)) for key, n in (("k", 1), ("w", 100)))
        told = dict((await world.admit(account, narrow)).headers())
        assert told[b"x-ratelimit-limit-requests"] == b"1"
        assert told[b"x-ratelimit-remaining-requests"] == b"0"
        await world.refused(account, narrow)
        for _ in range(2):  # who was refused has used up nothing
            await world.admit(account, wide)
        error = await world.refused(account, wide)
        assert (error.code, error.headers["x-ratelimit-remaining-requests"]) == ("rate_limit_exceeded", "0")
        await world.admit(wide)
        await world.admit(Ask("other", "", Limits(requests_per_minute=1)))

    run(scenario)


def test_no_more_than_the_limit_pass_at_once(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        asks = [limited(requests_per_minute=7, concurrent=9)]
        found = await asyncio.gather(*(world.limiter.admit(asks) for _ in range(50)), return_exceptions=True)
        assert len([each for each in found if not isinstance(each, BaseException)]) == 7
        assert {each.code for each in found if isinstance(each, ApiError)} == {"rate_limit_exceeded"}

    run(scenario)


def test_a_budget_lasts_to_the_months_end(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        ask = budget("1", soft="0.5")
        for spent in range(1, 11):
            (await world.admit(ask)).end()
            world.limiter.count(ask, 0, Decimal("0.1"))  # ten of them are 1, exactly
            await world.settled()
            assert [each.level for each in world.alerts] == ["soft"] * (spent >= 5) + ["hard"] * (spent >= 10)
        error = await world.refused(ask)
        assert (error.code, error.kind) == ("budget_exceeded", "insufficient_quota")
        left = seconds_left(world.now)
        assert left <= int(error.headers["retry-after"]) <= left + 30
        assert [(each.key, amount) for each, amount in world.limiter.spent()] == [("", Decimal(1))]
        assert world.alerts[0].line.startswith("account acme reached the soft budget of 0.5 EUR for 2")
        await world.admit(budget("1.5"))  # who raises it goes on
        await world.admit(budget("1", currency="USD"))  # each currency for itself
        await world.admit(budget("1", key="other"))
        world.next_month()
        await world.admit(ask)
        world.limiter.count(ask, 0, Decimal("0.5"))
        await world.settled()
        assert [each.level for each in world.alerts] == ["soft", "hard", "soft"]

    run(scenario)


def test_what_is_less_than_a_billionth_adds_up(run: Callable[[Scenario], None]) -> None:
    async def scenario(world: World) -> None:
        ask = budget("0.000000001")
        for _ in range(20):
            await world.admit(ask)
            world.limiter.count(ask, 0, Decimal("0.00000000005"))
            await world.settled()
        await world.refused(ask)

    run(scenario)


@pytest.mark.parametrize(("year", "month", "days"), [(2026, 1, 31), (2026, 2, 28), (2028, 2, 29), (2026, 12, 31)])
def test_months(year: int, month: int, days: int) -> None:
    start = datetime(year, month, 1, tzinfo=UTC).timestamp()
    assert seconds_left(start) == days * 86_400
    last = start + days * 86_400 - 1
    assert seconds_left(last) == 1
    assert month_of(start) == month_of(last) == f"{year}-{month:02d}"
    assert month_of(last + 1) != month_of(start)
