"""Staying within a service's quotas: token buckets that wait, and backoff with jitter for what is refused anyway."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from llmcompile.push.clock import Clock


@dataclass(slots=True)
class Bucket:
    """Lets ``rate`` calls a second pass, ``burst`` of them at once. Threads may share it."""

    rate: float
    burst: int
    clock: Clock
    _free_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Wait until a call may go."""
        with self._lock:
            now, spacing = self.clock.now(), 1 / self.rate
            # When the bucket would be full again; each call moves that by its share.
            free_at = max(self._free_at if self._free_at is not None else now, now) + spacing
            self._free_at = free_at
            wait = free_at - now - self.burst * spacing
        if wait > 0:
            self.clock.sleep(wait)


@dataclass(slots=True)
class Buckets:
    """A bucket for each name."""

    rate: float
    burst: int
    clock: Clock
    _by_name: dict[str, Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> None:
        """Wait until a call for this name may go."""
        with self._lock:
            bucket = self._by_name.setdefault(name, Bucket(self.rate, self.burst, self.clock))
        bucket.take()


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each further attempt."""

    first: float = 0.5
    longest: float = 32.0
    attempts: int = 9
    """In all: some three minutes at the worst."""
    chance: random.Random = field(default_factory=random.Random)

    def waits(self) -> Iterator[float]:
        """Seconds, each chosen by chance up to twice the one before: many who were refused do not come back at once."""
        for attempt in range(self.attempts - 1):
            yield self.chance.uniform(0, min(self.longest, self.first * 2**attempt)) + 0.05
