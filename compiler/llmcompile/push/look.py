"""What a store holds for every document, and which secrets of ours have no document any more. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from llmcompile.push.ledger import LEDGER
from llmcompile.push.meaning.documents import read
from llmcompile.push.newest import newest
from llmcompile.push.ownership import is_ours, retired
from llmcompile.push.resolve import Payload
from llmcompile.push.store import Held, StoreReader, Version
from llmcompile.secret_ids import Kind, owner_of

WORKERS = 16
"""Reads at once: a read over the network mostly waits."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A secret: what git wants it to hold, and what it holds. Not to be shown: both have values."""

    secret: str
    kind: Kind
    owner: str
    wanted: Payload | None
    """None where git knows the secret no more."""
    held: Held | None
    newest: Version | None
    """The newest version by number; not read of a secret that is retired."""

    @property
    def equal(self) -> bool:
        """Whether there is nothing to write."""
        return self.wanted is not None and self.newest is not None and self.newest.payload == self.wanted.data

    def old(self) -> Any:
        """The document that the store holds; None where there is none, ``UNREADABLE`` where it is none."""
        return read(self.newest.payload) if self.newest else None

    def new(self) -> Any:
        """The document that git wants; None where it wants none."""
        return read(self.wanted.data) if self.wanted else None


def look(
    payloads: Iterable[Payload],
    store: StoreReader,
    workers: int = WORKERS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Sequence[Seen]:
    """Every document's secret in the documents' order, then the secrets of ours that have no document."""
    wanted = {each.document.secret: each for each in payloads}
    there = {each.secret: each for each in store.secrets()}

    def wanted_one(payload: Payload) -> Seen:
        document = payload.document
        held = there.get(document.secret)
        found = newest(store, document.secret, held)
        return Seen(document.secret, document.kind, document.owner, payload, held, found)

    def left_one(held: Held) -> Seen | None:
        owner = owner_of(held.secret)
        if owner is None:
            return None
        found = None if retired(held) else newest(store, held.secret, held)
        return Seen(held.secret, *owner, None, held, found)

    left = [there[name] for name in sorted(there.keys() - wanted.keys() - {LEDGER}) if is_ours(there[name])]
    found: list[Seen] = []
    with ThreadPoolExecutor(workers) as pool:
        for each in chain(pool.map(wanted_one, wanted.values()), pool.map(left_one, left)):
            found += [each] if each else []
            progress(len(found), len(wanted) + len(left))
    return found
