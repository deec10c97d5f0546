"""Time as a port: what waits can be tested without waiting."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only go forward, and sleep."""

    def now(self) -> float:
        """Seconds since some instant."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)


class VirtualClock:
    """The fake: sleeping is what makes it go on."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """The seconds slept so far."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Go on at once."""
        with self._lock:
            self._now += max(0.0, seconds)
