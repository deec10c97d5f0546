"""Writes that survive an answer that did not arrive: look before trying again, so that nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from llmcompile.errors import OutsideError, RefusedError
from llmcompile.push.clock import Clock
from llmcompile.push.ownership import is_ours
from llmcompile.push.store import ConflictError, Held, Store, UncertainError

_ATTEMPTS = 15
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
"""Seconds; doubled each time, some five minutes in all: what is read of a secret itself may be minutes behind."""


@dataclass(frozen=True, slots=True)
class Steady:
    """A store whose writes may be uncertain, and the clock to wait by."""

    store: Store
    clock: Clock

    def make(self, secret: str, annotations: Mapping[str, str]) -> Held:
        """The secret, made unless someone has made it. Raises ``RefusedError`` where it is not ours."""
        for wait in self._waits(f"{secret} was made, but cannot be read yet"):
            try:
                return self.store.create(secret, annotations)
            except (ConflictError, UncertainError):
                self.clock.sleep(wait)
            if held := self.store.held(secret):  # may lag behind the one that made it
                if is_ours(held):
                    return held
                message = f"{secret} appeared meanwhile and does not carry our label"
                raise RefusedError(message, "take it over: llmcompile adopt")
        raise AssertionError

    def note(
        self,
        held: Held,
        annotate: Callable[[Mapping[str, str]], Mapping[str, str]],
        conflict: Callable[[], None] = lambda: None,
    ) -> Held:
        """The secret with its annotations changed by its etag, whoever else changes them at the same time.

        ``conflict`` is called where it has another etag than it had: it may raise, and nothing is noted then.
        """
        for wait in self._waits(f"{held.secret} could not be claimed"):
            wanted = annotate(held.annotations)
            try:
                return self.store.update(held, wanted)
            except ConflictError:
                conflict()
                self.clock.sleep(wait)
            except UncertainError:
                self.clock.sleep(wait)
            # What is read may lag behind what was carried out without our hearing of it: then it conflicts again.
            held = self.store.held(held.secret) or held
            if held.annotations == wanted:
                return held
        raise AssertionError

    def add(self, secret: str, payload: bytes, expected: int) -> int:
        """The number of the version with this payload, added once; ``expected`` is the first that it may have."""
        for wait in self._waits(f"{secret} could not be written"):
            try:
                return self.store.add(secret, payload)
            except UncertainError:
                self.clock.sleep(wait)
                number = expected
                while version := self.store.read(secret, number):
                    if version.payload == payload:
                        return number
                    number += 1
        raise AssertionError

    @staticmethod
    def _waits(failure: str) -> Iterator[float]:
        for attempt in range(_ATTEMPTS):
            yield min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)
        raise OutsideError(f"{failure} after {_ATTEMPTS} attempts", "run it again: it writes what is left")
