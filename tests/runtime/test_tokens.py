"""Access tokens on a clock that the test moves, over the port's own fake."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from llmrouter.entities import OAuth
from llmrouter.secret import Secret
from llmrouter.tokens import LIMITS, TokenError, Tokens
from llmrouter.upstream import TimeLimits, UpstreamRequest
from llmrouter.upstream_fake import FakeAnswer, FakeUpstream

GRANT = OAuth("http://idp/token", "client", Secret("s"), ("scope",))


class World:
    """A token endpoint that counts, and a clock."""

    def __init__(self) -> None:
        self.now, self.lifetime, self.status = 0.0, 1000, 200
        self.upstream = FakeUpstream({"http://idp/": self.answer})
        self.told: list[tuple[str, str]] = []
        self.tokens = Tokens(self.upstream, lambda: self.now, told=lambda *each: self.told.append(each))

    def answer(self, _: UpstreamRequest) -> FakeAnswer:
        body = {"access_token": f"t{len(self.upstream.requests)}", "expires_in": str(self.lifetime)}
        return FakeAnswer(self.status, chunks=[json.dumps(body).encode()])

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def run(scenario: Any) -> None:
    asyncio.run(scenario(World()))


def test_many_waiters_share_one_fetch() -> None:
    async def scenario(world: World) -> None:
        assert set(await asyncio.gather(*(world.tokens.get(GRANT) for _ in range(50)))) == {"t1"}
        assert len(world.upstream.requests) == 1

    run(scenario)


def test_one_waiter_that_leaves_takes_nothing_from_the_others() -> None:
    async def scenario(world: World) -> None:
        first, second = (asyncio.create_task(world.tokens.get(GRANT)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "t1"

    run(scenario)


def test_refreshed_early_and_in_the_background() -> None:
    async def scenario(world: World) -> None:
        await world.tokens.get(GRANT)
        world.now = 799
        await world.tokens.get(GRANT)
        await world.settle()
        assert len(world.upstream.requests) == 1
        world.now = 801
        assert await world.tokens.get(GRANT) == "t1"  # nobody waits for the new one
        await world.settle()
        assert await world.tokens.get(GRANT) == "t2"

    run(scenario)


def test_each_fetch_is_told_and_so_is_one_that_nobody_waits_for() -> None:
    async def scenario(world: World) -> None:
        await asyncio.gather(*(world.tokens.get(GRANT) for _ in range(5)))
        world.now, world.status = 850, 503
        await world.tokens.get(GRANT)
        await world.settle()
        assert world.told == [("client", "ok"), ("client", "failed")]

    run(scenario)


def test_the_old_one_serves_while_it_is_valid() -> None:
    async def scenario(world: World) -> None:
        await world.tokens.get(GRANT)
        world.status = 503
        world.now = 850
        for _ in range(3):
            assert await world.tokens.get(GRANT) == "t1"
            await world.settle()
        assert len(world.upstream.requests) == 2  # not one attempt per request
        world.now = 995
        with pytest.raises(TokenError):
            await world.tokens.get(GRANT)
        world.status = 200
        assert (await world.tokens.get(GRANT)).startswith("t")

    run(scenario)


def test_every_part_of_the_grant_counts() -> None:
    async def scenario(world: World) -> None:
        others = [
            OAuth("http://idp/token2", "client", Secret("s"), ("scope",)),
            OAuth("http://idp/token", "client2", Secret("s"), ("scope",)),
            OAuth("http://idp/token", "client", Secret("s2"), ("scope",)),
            OAuth("http://idp/token", "client", Secret("s"), ("scope", "b")),
        ]
        same = OAuth("http://idp/token", "client", Secret("s"), ("scope",))
        got = [await world.tokens.get(each) for each in (GRANT, *others, same)]
        assert got == ["t1", "t2", "t3", "t4", "t5", "t1"]

    run(scenario)


def test_only_the_rejected_token_is_forgotten() -> None:
    async def scenario(world: World) -> None:
        await world.tokens.get(GRANT)
        world.tokens.reject(GRANT, "an older one")
        assert await world.tokens.get(GRANT) == "t1"
        world.tokens.reject(GRANT, "t1")
        assert await world.tokens.get(GRANT) == "t2"

    run(scenario)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b"{}",
        b'{"access_token": ""}',
        b'{"access_token": null, "expires_in": 10}',
        b'{"access_token": "a b", "expires_in": 10}',
        b'{"access_token": "a\\r\\nx: y", "expires_in": 10}',
        b'{"access_token": "a", "expires_in": "soon"}',
        b'{"access_token": "a", "expires_in": -5}',
        b'{"access_token": "a", "expires_in": NaN}',
        b'{"access_token": "a", "expires_in": 1' + b"0" * 400 + b"}",
    ],
)
def test_no_token_is_an_error_never_an_empty_bearer(body: bytes) -> None:
    async def scenario() -> None:
        upstream = FakeUpstream({"http://idp/": lambda _: FakeAnswer(chunks=[body])})
        with pytest.raises(TokenError, match="gave no token"):
            await Tokens(upstream).get(GRANT)

    asyncio.run(scenario())


def test_a_token_without_a_lifetime_is_good_for_a_while() -> None:
    async def scenario() -> None:
        upstream = FakeUpstream({"http://idp/": lambda _: FakeAnswer(chunks=[b'{"access_token": "a"}'])})
        tokens = Tokens(upstream)
        assert [await tokens.get(GRANT) for _ in range(2)] == ["a", "a"]
        assert len(upstream.requests) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("routers", "expected"),
    [
        (TimeLimits(connect=1.0, first_byte=2.0, idle=3.0), TimeLimits(connect=1.0, first_byte=2.0, idle=3.0)),
        (TimeLimits(connect=60.0, first_byte=600.0, idle=60.0), LIMITS),
    ],
)
def test_it_gets_no_more_time_than_the_router_gives(routers: TimeLimits, expected: TimeLimits) -> None:
    async def scenario() -> None:
        upstream = FakeUpstream({"http://idp/": lambda _: FakeAnswer(chunks=[b'{"access_token": "a"}'])})
        await Tokens(upstream, limits=routers).get(GRANT)
        assert upstream.requests[0].limits == expected

    asyncio.run(scenario())
