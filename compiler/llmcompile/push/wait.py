"""Waiting until readers of ``latest`` get what was pushed: that may be minutes behind."""

from __future__ import annotations

from collections.abc import Mapping

from llmcompile.errors import OutsideError
from llmcompile.push.clock import Clock
from llmcompile.push.store import StoreReader

_BETWEEN = 2.0
"""Seconds."""


def wait_for_readers(pushed: Mapping[str, int], store: StoreReader, seconds: float, clock: Clock) -> None:
    """Return when every secret's ``latest`` is the version pushed, or a later one.

    Raises ``OutsideError`` that names those that are not there after ``seconds``; what was pushed stays.
    """
    end, left = clock.now() + seconds, dict(pushed)
    while left := {secret: number for secret, number in left.items() if (store.latest(secret) or 0) < number}:
        if clock.now() >= end:
            message = f"after {seconds:g} s, readers do not get yet: {', '.join(sorted(left))}"
            raise OutsideError(message, "everything is written; wait, then look with llmcompile drift")
        clock.sleep(min(_BETWEEN, max(0.0, end - clock.now())))
