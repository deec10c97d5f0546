"""Writes that survive an answer that did not arrive: look before trying again, so that nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmcompile.errors import OutsideError, RefusedError
from llmcompile.push.clock import Clock
from llmcompile.push.ownership import is_ours
from llmcompile.push.store import ConflictError, Held, Store, UncertainError

Annotate = Callable[[Mapping[str, str]], Mapping[str, str]]
"""From the annotations that a secret has to those that it should have."""
_ATTEMPTS = 15
_WAITS = [min(0.5 * 2**attempt, 30.0) for attempt in range(_ATTEMPTS)]
"""Seconds after each attempt, some five minutes in all: what is read of a secret itself may be minutes behind."""


@dataclass(frozen=True, slots=True)
class Steady:
    """A store whose writes may be uncertain, and the clock to wait by.

    Every write raises ``OutsideError`` with what failed last where no attempt gets through.
    """

    store: Store
    clock: Clock

    def make(self, secret: str, annotations: Mapping[str, str]) -> Held:
        """The secret, made unless someone has made it. Raises ``RefusedError`` where it is not ours."""
        failed: OutsideError | None = None
        for wait in _WAITS:
            try:
                return self.store.create(secret, annotations)
            except (ConflictError, UncertainError) as error:
                failed = error
            self.clock.sleep(wait)
            if held := self.store.held(secret):  # may lag behind the one that made it
                if is_ours(held):
                    return held
                message = f"{secret} appeared meanwhile and does not carry our label"
                raise RefusedError(message, "take it over, if it is meant to be ours: llmcompile adopt")
        raise _given_up(f"{secret} could not be made, or cannot be read yet", failed)

    def note(
        self,
        held: Held,
        annotate: Annotate,
        conflict: Callable[[], None] = lambda: None,
    ) -> Held:
        """The secret with its annotations changed by its etag, whoever else changes them at the same time.

        ``conflict`` is called where it has another etag than it had: it may raise, and nothing is noted then.
        """
        failed: OutsideError | None = None
        for wait in _WAITS:
            wanted = annotate(held.annotations)
            try:
                return self.store.update(held, wanted)
            except ConflictError as error:
                conflict()
                failed = error
            except UncertainError as error:
                failed = error
            self.clock.sleep(wait)
            # What is read may lag behind what was carried out without our hearing of it: then it conflicts again.
            held = self.store.held(held.secret) or held
            if held.annotations == wanted:
                return held
        raise _given_up(f"{held.secret} could not be claimed", failed)

    def add(self, secret: str, payload: bytes, expected: int) -> int:
        """The number of the version with this payload, added once; ``expected`` is the first that it may have."""
        failed: OutsideError | None = None
        for wait in _WAITS:
            try:
                return self.store.add(secret, payload)
            except (ConflictError, UncertainError) as error:
                failed = error
            self.clock.sleep(wait)
            number = expected
            while version := self.store.read(secret, number):
                if version.payload == payload:
                    return number
                number += 1
        raise _given_up(f"{secret} could not be written", failed)


def _given_up(what: str, error: OutsideError | None) -> OutsideError:
    return OutsideError(f"{what}, in {_ATTEMPTS} attempts: {error}", "run it again: it writes what is left")
