"""The ledger: one secret whose versions are the runs that wrote to a store, and by whose numbers two runs agree.

Adding a version and reading it by number is all that a store promises to be fresh, so that is the lock: an entry
names the number that it expects to follow, and counts only if it got the next one. It holds no secret.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from llmcompile.errors import OutsideError, RefusedError
from llmcompile.push.newest import newest
from llmcompile.push.steady import Steady
from llmcompile.push.store import StoreReader, Version
from llmcompile.secret_ids import owner_of

LEDGER = "llmcompile_ledger"
_FORMAT = 1
_TEXT = {
    "run": re.compile(r"[0-9a-f]{16}"),
    "command": re.compile(r"push|rollback"),
    "revision": re.compile(r"([0-9a-f]{40,64}(-dirty)?)?"),
    "plan": re.compile(r"sha256:[0-9a-f]{64}"),
    "started": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"),
}
"""What an entry of ours looks like: anyone may have written to the secret, and entries are shown."""
_ID = re.compile(r"[a-z0-9_-]{1,255}")
_ROOM = 60_000
"""Bytes; a version holds 65,536."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run."""

    after: int
    """The number of the entry before."""
    run: str
    """A random id."""
    command: str
    """``push`` or ``rollback``."""
    revision: str
    """The git commit; empty where there is none."""
    plan: str
    """The digest of the plan."""
    started: str
    """A UTC timestamp."""
    writes: dict[str, int] = field(default_factory=dict)
    """The secrets that it set out to write, and the number that each version was to get; empty where too many."""
    count: int = 0
    """How many those are."""
    number: int = 0
    """Its own number; 0 until it has one."""

    @property
    def counts(self) -> bool:
        """Whether nobody came between it and the entry that it was to follow."""
        return self.after == self.number - 1

    @classmethod
    def of(cls, version: Version | None) -> Self | None:
        """The entry that a version holds; None where it is not readable as one."""
        if version is None or version.payload is None:
            return None
        try:
            data = json.loads(version.payload)
            texts = {key: _TEXT[key].fullmatch(data[key])[0] for key in _TEXT}  # type: ignore[index]
            writes = {name: int(number) for name, number in data["writes"].items() if _named(name)}
            return cls(int(data["after"]), **texts, writes=writes, count=int(data["count"]), number=version.number)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def encoded(self) -> bytes:
        """As a version holds it."""
        data: dict[str, Any] = {"format": _FORMAT, **asdict(self)}
        del data["number"]
        text = json.dumps(data, separators=(",", ":"))
        return text.encode() if len(text) <= _ROOM or not self.writes else replace(self, writes={}).encoded()


def _named(secret: str) -> bool:
    """Whether it is the name of a document's secret, and so may be shown."""
    return bool(_ID.fullmatch(secret) and owner_of(secret))


def last(store: StoreReader) -> tuple[int, Entry | None]:
    """The highest number in the ledger, 0 where there is none, and the newest entry that counts."""
    found = newest(store, LEDGER, store.held(LEDGER))
    if found is None:
        return 0, None
    if found.payload is None:
        message = f"the newest version of {LEDGER} is {found.state}: nobody can tell what was pushed last"
        raise OutsideError(message, f"enable it: gcloud secrets versions enable {found.number} --secret={LEDGER}")
    version: Version | None = found
    while version:
        entry = Entry.of(version)
        if entry and entry.counts:
            return found.number, entry
        version = store.read(LEDGER, version.number - 1) if version.number > 1 else None
    return found.number, None


def begin(steady: Steady, entry: Entry) -> Entry:
    """Enter a run. Raises ``RefusedError`` where another one was entered first; nothing else was written then."""
    if entry.after == 0:
        steady.make(LEDGER, {})
    begun = replace(entry, number=steady.add(LEDGER, entry.encoded(), entry.after + 1))
    if not begun.counts:
        raise RefusedError("another push began at the same time; nothing was written", "look at the plan again")
    return begun


def successor(store: StoreReader, entry: Entry) -> Entry | None:
    """The run that was entered after this one, and with that took over; None while this is the last."""
    number = entry.number
    while version := store.read(LEDGER, number := number + 1):
        found = Entry.of(version)
        if found and found.counts:
            return found
    return None
