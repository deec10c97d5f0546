"""Which endpoints rest at the moment: for as long as they asked for, or because they failed several times in a row.

A rest is the endpoint's, not one deployment's: what shares a quota shares its end. When it is over, one request tries
the endpoint; the others go on avoiding it until that one has an answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from llmrouter.entities import Candidate

_IN_A_ROW = 3  # failures before a rest
_LONGEST_FACTOR = 12  # of the cooldown, after many of them
_LONGEST_ASKED = 600.0  # seconds; whoever asks for more is tried once in between
_Key = tuple[str, ...]
Problem = Literal["quota", "failure", "missing"]


@dataclass(slots=True)
class _State:
    failures: int = 0
    until: float = 0.0
    quota: bool = False
    probing: bool = False


class Health:
    """The endpoints of one process. ``cooldown`` is the first rest in seconds; 0: none ever rests."""

    def __init__(self, cooldown: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._cooldown, self._clock = cooldown, clock
        self._states: dict[_Key, _State] = {}

    def ready(self, candidate: Candidate) -> bool:
        """Whether to try it now; where it is due for a trial, the caller is the one to make it."""
        if not self._states:
            return True
        found = [state for key in _keys(candidate) if (state := self._states.get(key)) is not None and state.until]
        if any(state.probing or state.until > self._clock() for state in found):
            return False
        for state in found:
            state.probing = True
        return True

    def wait(self, candidate: Candidate) -> float:
        """Seconds that its quota asks for; 0 where it may be tried as a last resort, quota being no matter."""
        states = [self._states.get(key) for key in _keys(candidate)]
        return max([0.0, *(state.until - self._clock() for state in states if state is not None and state.quota)])

    def worked(self, candidate: Candidate) -> None:
        """It gave an answer that is the client's."""
        for key in _keys(candidate) if self._states else ():
            self._states.pop(key, None)

    def left(self, candidate: Candidate) -> None:
        """Nobody knows how it went: the client has left."""
        for key in _keys(candidate) if self._states else ():
            if key in self._states:
                self._states[key].probing = False

    def failed(self, candidate: Candidate, problem: Problem, asked: float | None = None) -> None:
        """It did not. ``asked``: the seconds that it wants to be left alone."""
        if not self._cooldown:
            return
        self.left(candidate)
        endpoint, deployment = _keys(candidate)
        state = self._states.setdefault(deployment if problem == "missing" else endpoint, _State())
        state.failures, state.quota = state.failures + 1, problem == "quota"
        if problem == "quota" and asked is not None:
            rest = min(asked, _LONGEST_ASKED)
        elif problem == "failure" and state.failures < _IN_A_ROW:
            return
        else:
            beyond = max(0, state.failures - _IN_A_ROW)
            rest = self._cooldown * min(2**beyond, _LONGEST_FACTOR)
        state.until = self._clock() + rest

    def resting(self) -> dict[str, float]:
        """Seconds that are left, by endpoint (and deployment, where that is missing)."""
        now = self._clock()
        found = {" ".join(key[::2]): round(state.until - now, 1) for key, state in self._states.items()}
        return {name: seconds for name, seconds in found.items() if seconds > 0}


def _keys(candidate: Candidate) -> tuple[_Key, _Key]:
    """Of its endpoint, and of its deployment there."""
    endpoint = candidate.endpoint
    return (endpoint.label, endpoint.base_url), (endpoint.label, endpoint.base_url, candidate.upstream_model)


def asked_seconds(milliseconds: bytes, seconds: bytes) -> float | None:
    """What ``retry-after-ms`` and ``Retry-After`` (seconds or a date) ask for; None: nothing that can be read."""
    for text, unit in ((milliseconds, 1000.0), (seconds, 1.0)):
        try:
            found = float(text) / unit
        except ValueError:
            continue
        if 0 <= found < float("inf"):
            return found
    try:
        date = parsedate_to_datetime(seconds.decode("latin-1"))
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
