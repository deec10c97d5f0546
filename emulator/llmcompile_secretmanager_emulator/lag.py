"""Eventual consistency: which past state a lagging read sees. Off until ``set``.

What lags: GetSecret, ListSecrets, GetSecretVersion (?), ListSecretVersions, and access by `latest` or alias.
What does not: every write with its etag check, and access by number (after a change of state too: ?).
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass

from llmcompile_secretmanager_emulator.model import Snapshot


@dataclass(frozen=True, slots=True)
class _Past:
    call: int
    at: float
    state: Snapshot


class Lag:
    def __init__(self) -> None:
        self._calls = 0
        self._seconds = 0.0
        self._random: random.Random | None = None
        self._past: deque[_Past] = deque([_Past(0, -math.inf, {})])

    def set(self, calls: int = 0, seconds: float = 0.0, seed: int | None = None) -> None:
        """A write shows after ``calls`` further calls and ``seconds`` of the clock; all zero turns it off.

        With a seed each read draws its own number of calls from 0 to ``calls``: as from replicas, an older state may
        follow a newer one.
        """
        self._calls, self._seconds = calls, seconds
        self._random = None if seed is None else random.Random(seed)  # noqa: S311 (no secret)

    def settle(self) -> None:
        """All that was written so far shows at once."""
        self._past = deque([_Past(0, -math.inf, self._past[-1].state)])

    def record(self, call: int, at: float, state: Snapshot) -> None:
        """After each write, with the number of its call."""
        if not (self._calls or self._seconds):
            self._past.clear()
        self._past.append(_Past(call, at, state))

    def view(self, call: int, at: float, present: Snapshot) -> Snapshot:
        """What the read with this number sees."""
        if not (self._calls or self._seconds):
            return present
        behind = self._calls if self._random is None else self._random.randint(0, self._calls)
        while len(self._past) > 1 and self._shows(self._past[1], call, at, self._calls):
            self._past.popleft()
        return next(
            past for past in reversed(self._past) if self._shows(past, call, at, behind) or past is self._past[0]
        ).state

    def _shows(self, past: _Past, call: int, at: float, behind: int) -> bool:
        return call - past.call > behind and at - past.at >= self._seconds
