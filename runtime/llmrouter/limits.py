"""Limits of the account's tier and of a key, for platform traffic: requests a minute, tokens a day, concurrent.

They are counted in this process and outlive a reload. Tokens are counted once they are known, so the request that
crosses the line is the last one to pass.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil

from llmrouter.entities import Key, Limits
from llmrouter.errors import ApiError, over_limit
from llmrouter.snapshot import Snapshot
from llmrouter.upstream import Headers

_MINUTE, _DAY = 60.0, 86_400.0
_SOON = 1.0  # seconds after which to ask again for a place among the concurrent


@dataclass(slots=True)
class _Meter:
    """What one account or key has used."""

    begun: deque[float] = field(default_factory=deque)
    """When the requests of the last minute came."""
    day: int = 0
    tokens: int = 0
    running: int = 0

    def turn(self, now: float) -> None:
        """Forget what is over: requests after a minute, tokens at midnight UTC."""
        while self.begun and self.begun[0] <= now - _MINUTE:
            self.begun.popleft()
        if int(now // _DAY) != self.day:
            self.day, self.tokens = int(now // _DAY), 0

    def objection(self, limits: Limits, now: float) -> tuple[str, float] | None:
        """The limit that is reached, and the seconds until it is worth to ask again."""
        if limits.tokens_per_day is not None and self.tokens >= limits.tokens_per_day:
            return f"{limits.tokens_per_day} tokens a day", _DAY - now % _DAY
        if limits.requests_per_minute is not None and len(self.begun) >= limits.requests_per_minute:
            return f"{limits.requests_per_minute} requests a minute", self.begun[0] + _MINUTE - now
        if limits.concurrent is not None and self.running >= limits.concurrent:
            return f"{limits.concurrent} requests at a time", _SOON
        return None


@dataclass(slots=True)
class Admission:
    """A request that was let in."""

    meters: list[tuple[_Meter, Limits]]
    now: float

    def headers(self) -> Headers:
        """What the client learns: of two limits the one that leaves less."""
        found: list[tuple[bytes, bytes]] = []
        requests = [(limits.requests_per_minute, m) for m, limits in self.meters if limits.requests_per_minute]
        if requests:
            limit, meter = min(requests, key=lambda each: each[0] - len(each[1].begun))
            reset = meter.begun[0] + _MINUTE - self.now
            found += _told(b"requests", limit, limit - len(meter.begun), reset)
        tokens = [(limits.tokens_per_day, m) for m, limits in self.meters if limits.tokens_per_day]
        if tokens:
            limit, meter = min(tokens, key=lambda each: each[0] - each[1].tokens)
            found += _told(b"tokens", limit, limit - meter.tokens, _DAY - self.now % _DAY)
        return found

    def end(self, tokens: int) -> None:
        """It is through; ``tokens``: what it used of the platform, as far as that is known."""
        for meter, _ in self.meters:
            meter.running -= 1
            meter.tokens += tokens


def _told(what: bytes, limit: int, remaining: int, reset: float) -> Headers:
    values = {b"limit": limit, b"remaining": max(0, remaining)}
    told = [(b"x-ratelimit-%b-%b" % (name, what), b"%d" % value) for name, value in values.items()]
    return [*told, (b"x-ratelimit-reset-" + what, b"%ds" % ceil(reset))]


class Limiter:
    """The meters of one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._meters: dict[tuple[str, str], _Meter] = {}

    def admit(self, snapshot: Snapshot, key: Key | None) -> Admission:
        """Let a request in, to be ended whatever happens. Raises ApiError 429."""
        now = self._clock()
        meters = [(self._meter(*name), limits) for name, limits in _applying(snapshot, key)]
        for meter, limits in meters:
            meter.turn(now)
            objection = meter.objection(limits, now)
            if objection is not None:
                raise self._refused(*objection, Admission(meters, now))
        for meter, _ in meters:
            meter.begun.append(now)
            meter.running += 1
        return Admission(meters, now)

    def _refused(self, limit: str, seconds: float, admission: Admission) -> ApiError:
        filled = Admission([each for each in admission.meters if each[0].begun], admission.now)
        return over_limit(limit, seconds, [(name.decode(), value.decode()) for name, value in filled.headers()])

    def _meter(self, kind: str, name: str) -> _Meter:
        return self._meters.setdefault((kind, name), _Meter())


def _applying(snapshot: Snapshot, key: Key | None) -> Iterable[tuple[tuple[str, str], Limits]]:
    if snapshot.limits is not None:
        yield ("account", snapshot.account or ""), snapshot.limits
    if key is not None and key.limits is not None:
        yield ("key", key.id), key.limits
