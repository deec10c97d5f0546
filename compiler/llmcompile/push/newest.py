"""The true newest version of a secret, found by number: lists, metadata and ``latest`` may be minutes behind."""

from __future__ import annotations

from llmcompile.push.ownership import Record
from llmcompile.push.store import Held, StoreReader, Version


def newest(store: StoreReader, secret: str, held: Held | None) -> Version | None:
    """The version with the highest number; None where there is none.

    Starts at what our record says, or at the list of versions, and goes up until there is no next number. Versions
    are numbered without gaps, and a destroyed one still answers to its number, so the first gap is the end.
    """
    found = _start(store, secret, held)
    while after := store.read(secret, found.number + 1 if found else 1):
        found = after
    return found


def _start(store: StoreReader, secret: str, held: Held | None) -> Version | None:
    """A version that exists, as near to the newest as is known."""
    if held is None:
        return None
    if record := Record.of(held):
        # The number is noted before the version is added: a push that died in between leaves one too many.
        for number in (record.version, record.version - 1):
            if number > 0 and (found := store.read(secret, number)):
                return found
    listed = next(iter(store.versions(secret)), None)
    return store.read(secret, listed.number) if listed else None
