"""Staying within a service's quotas: limits that wait, and backoff with jitter for what is refused anyway."""

from __future__ import annotations

import random
import threading
from collections import deque
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
class Window:
    """Lets ``count`` calls pass in any ``seconds``, at once where they come at once. Threads may share it."""

    count: int
    seconds: float
    clock: Clock
    _times: deque[float] = field(default_factory=deque)
    """When the last ``count`` calls went, or will go."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Wait until a call may go."""
        with self._lock:
            now = self.clock.now()
            at = max(now, self._times.popleft() + self.seconds) if len(self._times) == self.count else now
            self._times.append(at)
        if at > now:
            self.clock.sleep(at - now)


@dataclass(slots=True)
class Windows:
    """A window for each name."""

    count: int
    seconds: float
    clock: Clock
    _by_name: dict[str, Window] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> None:
        """Wait until a call for this name may go."""
        with self._lock:
            window = self._by_name.setdefault(name, Window(self.count, self.seconds, self.clock))
        window.take()


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each further attempt: in all more than a minute, in which others' use is forgotten."""

    first: float = 0.5
    longest: float = 32.0
    attempts: int = 10
    chance: random.Random = field(default_factory=random.Random)

    def waits(self) -> Iterator[float]:
        """Seconds, twice as long each time, of which chance takes up to half: many do not come back at once."""
        for attempt in range(self.attempts - 1):
            yield self.chance.uniform(0.5, 1) * min(self.longest, self.first * 2**attempt)
