"""Documents that change while the router serves: read and checked beside what serves, then put in its place.

Whatever is wrong with new documents, those of before go on serving, and it is said.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from llmrouter.reader import DocumentError
from llmrouter.snapshot import Snapshot
from llmrouter.sources import Stamp, load, stamp

_TURN_SECONDS = 0.0005  # that a document which is being read holds the interpreter in one go

Objection = Callable[[Snapshot], str | None]
"""Why a snapshot may not be served here, although its documents are right."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Live:
    """What is served now, and how it came to be."""

    snapshot: Snapshot
    environment: Mapping[str, str]
    stamp: Stamp
    """Of the files when they were read."""
    objection: Objection
    since: str = field(default_factory=_now)
    reloads: int = 0
    failures: int = 0
    error: str | None = None
    """Why the last attempt failed; None: it did not."""
    failed_at: str | None = None
    _asked: bool = False

    @classmethod
    def start(cls, environment: Mapping[str, str], objection: Objection) -> Live:
        """Raises DocumentError where there is nothing to serve yet."""
        seen = stamp(environment)
        return cls(_read(environment), environment, seen, objection)

    def ask(self) -> None:
        """Look again at the next turn, changed or not."""
        self._asked = True

    async def turn(self) -> bool:
        """Reload if it was asked for or a file has changed; returns whether something else is served now."""
        seen = stamp(self.environment)
        if seen == self.stamp and not self._asked:
            return False
        self.stamp, self._asked = seen, False
        try:
            snapshot = await asyncio.to_thread(_read_aside, self.environment)
        except DocumentError as error:
            return self._failed(f"{error}; {error.hint}")
        problem = self.objection(snapshot)
        if problem is not None:
            return self._failed(problem)
        self.error = self.failed_at = None
        if snapshot.digests == self.snapshot.digests:
            return False
        self.snapshot, self.since, self.reloads = snapshot, _now(), self.reloads + 1
        _say(f"reloaded (account {snapshot.account or '(no policy)'}, {len(snapshot.candidates)} models)")
        return True

    def _failed(self, problem: str) -> bool:
        self.error, self.failed_at, self.failures = problem, _now(), self.failures + 1
        _say(f"not reloaded, the documents of before go on serving: {problem}")
        return False

    def told(self) -> dict[str, Any]:
        """For /readyz."""
        last = {"error": self.error, "at": self.failed_at} if self.error else None
        return {
            "documents": dict(self.snapshot.digests),
            "since": self.since,
            "reloads": self.reloads,
            "reload_failures": self.failures,
            "last_reload_error": last,
        }


def _read(environment: Mapping[str, str]) -> Snapshot:
    return Snapshot.build(load(environment))


def _read_aside(environment: Mapping[str, str]) -> Snapshot:
    """In a thread, and giving way: by default requests would wait 5 ms, again and again, for their turn."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        return _read(environment)
    finally:
        sys.setswitchinterval(before)


def _say(line: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"llmrouter: {line}\n")
        sys.stderr.flush()
