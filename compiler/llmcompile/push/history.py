"""History: the runs in the ledger, and which of them wrote a version. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcompile.push import ledger
from llmcompile.push.ledger import LEDGER, Entry
from llmcompile.push.store import StoreReader, VersionInfo

HISTORY_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Written:
    """A version, and the run that set out to write it; None where no run of the ledger did."""

    secret: str
    version: VersionInfo
    run: Entry | None


def runs(store: StoreReader, limit: int) -> Iterator[Entry]:
    """The runs that count, newest first."""
    number, found = ledger.last(store)[0], 0
    while number > 0 and found < limit:
        version = store.read(LEDGER, number)
        if version is None or version.state == "destroyed":
            return  # pruned, and all before it
        entry = Entry.of(version)
        number -= 1
        if entry and entry.counts:
            found += 1
            yield entry


def versions(store: StoreReader, secret: str, known: Sequence[Entry]) -> Iterator[Written]:
    """All versions of a secret, newest first. The newest may be missing for some minutes."""
    for version in store.versions(secret):
        by = next((each for each in known if each.writes.get(secret) == version.number), None)
        yield Written(secret, version, by)
