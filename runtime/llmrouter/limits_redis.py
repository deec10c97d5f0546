"""Limits and budgets that replicas share, in Redis.

One task talks to it over one connection; what waits meanwhile goes along at once. So a request waits for a round trip
or two, a client that leaves breaks no command off, and what is counted is off the requests' way. What this process
knows is kept in memory too, to go on from while Redis is out of reach.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, get_args

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from llmrouter.budgets import billionths, of_billionths
from llmrouter.errors import limits_unavailable
from llmrouter.limits import MINUTE, Admission, Alert, Ask, MemoryLimiter, Reached, Reading, refusal, told_of
from llmrouter.limits_lua import ADMIT, SETTLE
from llmrouter.owed import Batch, Owed, place
from llmrouter.secret import Secret
from llmrouter.upstream import Headers

_LEASE_SECONDS = 30.0  # that a running request keeps its place without a sign of life of its process
_BEATS = 3  # signs of life in that time
_BATCH_SECONDS = 2.0  # for Redis to take a connection, or to answer
_AGAIN_SECONDS = 0.3  # from one attempt to reach it to the next
_REACHED: dict[str, Reached] = {each: each for each in get_args(Reached)}
_GRACE_SECONDS = 2.0  # for what is still to be counted, at the end


def is_usable(url: Secret) -> bool:
    """Whether it is a URL of a Redis: ``redis://``, ``rediss://`` or ``unix://``."""
    try:
        parse_url(url.reveal())
    except ValueError:
        return False
    return True


class _Waiting(NamedTuple):
    asks: Sequence[Ask]
    lease: str
    answer: asyncio.Future[str | None]


@dataclass(frozen=True, slots=True)
class _SharedAdmission:
    readings: list[Reading]
    now: float
    leave: Callable[[], None]

    def headers(self) -> Headers:
        """As the meters were when it was let in."""
        return told_of(self.readings, self.now)

    def end(self) -> None:
        """Make room."""
        self.leave()


def _say(line: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"llmrouter: {line}\n")
        sys.stderr.flush()


class RedisLimiter:
    """One process' part in what all of them count. To be made inside a running event loop.

    ``patience``: seconds that a request waits for Redis; ``lease``: that a running request of a process that died
    keeps its place.
    """

    def __init__(
        self,
        url: Secret,
        patience: float,
        alert: Callable[[Alert], None] = lambda _: None,
        say: Callable[[str], None] = _say,
        lease: float = _LEASE_SECONDS,
    ) -> None:
        # A command that may have been carried out is never repeated by the client: it could count twice.
        self._client = Redis.from_url(url.reveal(), decode_responses=True, retry=Retry(NoBackoff(), 0))
        self._patience, self._alert, self._say, self._lease = patience, alert, say, lease
        self._memory, self._owed, self._leases = MemoryLimiter(), Owed(), itertools.count()
        self._waiting: list[_Waiting] = []
        self._running: dict[str, list[str]] = {}
        self._batch: Batch | None = None
        self._scripts: list[str] = []
        self._up, self._closing, self._beat_at = True, False, 0.0
        self._wake, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._task = self._loop.create_task(self._work())

    async def admit(self, asks: Sequence[Ask], closed: bool = False) -> Admission:
        """Let a request in. Raises ApiError 429; 503 where it is closed and Redis does not answer in time."""
        lease = f"{self._owed.replica}:{next(self._leases)}"
        answer = await self._asked(asks, lease) if self._up else None
        if answer is None:
            if closed:
                raise limits_unavailable()
            return await self._memory.admit(asks)
        written, objecting, reached, *found = answer.split(" ")
        now, at, readings = float(written), int(objecting), []
        for ask, each in zip(asks, found, strict=True):
            begun, oldest, tokens, spent = each.split(",")
            leaves = float(oldest) + MINUTE - now if oldest else 0.0
            readings.append(Reading(ask.limits, int(begun), leaves, int(tokens)))
            self._memory.know(ask, int(tokens), of_billionths(int(spent)))
        if at:
            raise refusal(asks[at - 1], _REACHED[reached], readings, at - 1, now)
        if places := _places(asks):
            self._running[lease] = places
        return _SharedAdmission(readings, now, lambda: self._left(lease))

    async def _asked(self, asks: Sequence[Ask], lease: str) -> str | None:
        waiting = _Waiting(asks, lease, self._loop.create_future())
        self._waiting.append(waiting)
        self._wake.set()
        try:
            async with asyncio.timeout(self._patience):
                return await waiting.answer
        except BaseException as error:
            self._owed.release(lease, _places(asks))  # it may be let in yet, with nobody there
            self._wake.set()
            if isinstance(error, TimeoutError):
                self._lost(f"no answer within {self._patience * 1000:g} ms")
                return None
            raise

    def _left(self, lease: str) -> None:
        self._owed.release(lease, self._running.pop(lease, ()))
        self._wake.set()

    def count(self, ask: Ask, tokens: int, cost: Decimal | None) -> None:
        """What a request has used; Redis is told in a moment."""
        self._memory.add(ask, tokens, cost)
        self._owed.count(ask, tokens, cost)
        self._wake.set()

    def spent(self) -> Iterable[tuple[Ask, Decimal]]:
        """As Redis told last."""
        return self._memory.spent()

    def state(self) -> dict[str, Any]:
        """Whether Redis can be asked."""
        return {"store": "redis", "reachable": self._up}

    async def close(self) -> None:
        """Tell Redis what it does not know yet, if it can be reached."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=_GRACE_SECONDS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def _work(self) -> None:
        while not self._closing or self._batch or self._owed:
            try:
                await self._turn()
            except Exception as error:
                # Whatever it is: requests go on without Redis, and it is tried again.
                self._lost(type(error).__name__)
                self._scripts = []
                with suppress(Exception):
                    await self._client.connection_pool.disconnect()
            if not self._up:
                await asyncio.sleep(_AGAIN_SECONDS)
            if not self._up or self._closing:
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._lease / _BEATS):
                    await self._wake.wait()
            self._wake.clear()

    async def _turn(self) -> None:
        """Say and ask what there is. Raises whatever goes wrong."""
        async with asyncio.timeout(_BATCH_SECONDS):
            if not self._scripts:
                self._scripts = [await self._client.script_load(each) for each in (ADMIT, SETTLE)]
            begun = self._loop.time()
            await self._send()
        if not self._up and self._loop.time() - begun <= self._patience:
            self._up = True
            self._say("limits: Redis can be asked again")

    async def _send(self) -> None:
        """Ask for all that wait, and tell what is owed."""
        waiting = [each for each in self._waiting if not each.answer.done()]
        self._waiting.clear()
        batch = self._batch = self._batch or self._due()
        pipeline = self._client.pipeline(transaction=False)
        for each in waiting:
            keys = [place(ask) for ask in each.asks]
            pipeline.evalsha(self._scripts[0], len(keys), *keys, each.lease, self._lease, *map(_limits, each.asks))
        if batch is not None:
            pipeline.evalsha(self._scripts[1], 1, f"llmrouter:settled:{self._owed.replica}", batch.text)
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except BaseException:
            answers = []
            raise
        finally:
            for each, answer in itertools.zip_longest(waiting, answers[: len(waiting)]):
                if not each.answer.done():
                    each.answer.set_result(None if isinstance(answer, Exception) else answer)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        if batch is not None:
            self._batch = None
            self._settled(batch, answers[-1])

    def _due(self) -> Batch | None:
        """What Redis is to be told; at times, only that this process is alive."""
        beat = self._loop.time() >= self._beat_at or not self._up
        if not beat and not self._owed:
            return None
        if beat:
            self._beat_at = self._loop.time() + self._lease / _BEATS
        return self._owed.batch(self._running if beat else {}, self._lease)

    def _settled(self, batch: Batch, answer: Any) -> None:
        for ask, (total, month, crossed) in zip(batch.spent, answer, strict=True):
            for level in crossed:
                self._alert(Alert(ask, level, of_billionths(int(total)), month))

    def _lost(self, why: str) -> None:
        if self._up:
            self._up = False
            self._say(f"limits: Redis cannot be asked ({why}); when_unavailable in /readyz is what holds until it can")


def _places(asks: Sequence[Ask]) -> list[str]:
    """Where a running request takes up room."""
    return [place(ask) for ask in asks if ask.limits.concurrent is not None]


def _limits(ask: Ask) -> str:
    """As the script reads them."""
    limits, hard = ask.limits, ask.budget.hard if ask.budget else None
    lines = (limits.requests_per_minute, limits.tokens_per_day, limits.concurrent, hard and billionths(hard)[0])
    return ",".join([*("" if line is None else str(line) for line in lines), ask.budget.currency if ask.budget else ""])
