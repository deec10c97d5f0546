"""A deadline that is set and unset for every read, and seldom reached: one timer stays, and looks when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Alarm:
    """Calls ``ring`` once its deadline has passed, as often as one is set and not unset before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop, self._ring = loop, ring
        self._deadline = self._due = inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, deadline: float) -> None:
        """Ring then."""
        self._deadline = deadline
        if deadline < self._due:
            self.close()
            self._due, self._timer = deadline, self._loop.call_at(deadline, self._look)

    def unset(self) -> None:
        """Ring no more."""
        self._deadline = inf

    def close(self) -> None:
        """Let go of the timer."""
        self._due = inf
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._due, deadline = inf, self._deadline
        if deadline <= self._loop.time():
            self._ring()
        elif deadline < inf:
            self.set(deadline)
