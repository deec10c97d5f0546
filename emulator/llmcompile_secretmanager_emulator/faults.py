"""What goes wrong, by rule: errors, cut connections, delays, corrupted payloads, or a function of the test's own.

A rule picks calls by method, secret, caller and count; several may match one call and then act in the order they were
added. This module only decides; the service acts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from llmcompile_secretmanager_emulator.errors import Status
from llmcompile_secretmanager_emulator.journal import Call

Action = Literal["error", "drop", "delay", "corrupt_request", "corrupt_reply", "none"]


@dataclass(frozen=True, slots=True)
class Fault:
    """``nth`` picks one matching call (1 is the next), ``every`` each n-th; without them all match.

    ``after_commit`` acts once the store has changed but before the reply. ``run`` is called first, without any lock
    held, with the call so far: it may kill the client, or read the store.
    """

    do: Action = "error"
    method: str = "*"
    secret: str = "*"  # noqa: S105 (a glob)
    caller: str = "*"
    writes_only: bool = False
    nth: int | None = None
    every: int | None = None
    after_commit: bool = False
    status: Status = "UNAVAILABLE"
    message: str = "The service is currently unavailable."
    seconds: float = 0.0
    run: Callable[[Call], object] | None = None

    def matches(self, call: Call) -> bool:
        pairs = ((call.method, self.method), (call.secret, self.secret), (call.caller, self.caller))
        return (call.is_write or not self.writes_only) and all(fnmatchcase(value, glob) for value, glob in pairs)

    def due(self, count: int) -> bool:
        if self.nth is not None:
            return count == self.nth
        return self.every is None or count % self.every == 0


class Faults:
    def __init__(self) -> None:
        self._rules: list[tuple[Fault, list[int]]] = []

    def add(self, *faults: Fault) -> None:
        self._rules.extend((fault, [0]) for fault in faults)

    def clear(self) -> None:
        self._rules.clear()

    def due(self, call: Call) -> list[Fault]:
        """Counts the call for every rule that matches it."""
        due = []
        for fault, count in self._rules:
            if fault.matches(call):
                count[0] += 1
                if fault.due(count[0]):
                    due.append(fault)
        return due


def flipped(payload: bytes) -> bytes:
    """The same bytes with one bit turned."""
    return payload[:-1] + bytes([payload[-1] ^ 1]) if payload else payload
