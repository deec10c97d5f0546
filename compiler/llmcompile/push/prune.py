"""Prune: which old versions go. Every version that is not destroyed is billed; a push destroys none.

Never the newest, never one that an alias or a ref in git points to, and nothing of a secret whose newest version
cannot be read: its older ones are all that is left of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from llmcompile.link.catalogue import Catalogue
from llmcompile.push.ledger import LEDGER
from llmcompile.push.newest import newest
from llmcompile.push.resolve import ref_places
from llmcompile.push.store import Held, StoreReader
from llmcompile.refs import Ref

LEDGER_KEEP = 50
"""Runs that are always kept: rollback and history read them."""


@dataclass(frozen=True, slots=True)
class Old:
    """A version to destroy."""

    secret: str
    number: int
    created: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """What to keep."""

    keep: int
    """The newest versions of each secret, at least 1."""
    min_age: timedelta
    """Nothing younger is destroyed."""
    now: datetime
    referenced: Collection[tuple[str, int]] = ()
    """Secrets and versions that refs in git point to."""


def referenced(catalogue: Catalogue) -> frozenset[tuple[str, int]]:
    """The secrets and versions that refs in git are pinned to, in whichever project: one may go by two names.

    Also those in a folder: ``ref+file://STORE/SECRET/N``.
    """
    return frozenset(pinned for ref, _ in ref_places(catalogue) if (pinned := _pinned(ref)))


def _pinned(ref: Ref) -> tuple[str, int] | None:
    folder, _, last = ref.target.rpartition("/")
    if ref.scheme == "gcpsecrets" and ref.version:
        return last, ref.version
    is_version = ref.scheme == "file" and last.isascii() and last.isdecimal()
    return (folder.rpartition("/")[2], int(last)) if is_version else None


def prunable(store: StoreReader, held: Held, policy: Policy) -> Iterator[Old]:
    """The versions of a secret that go, newest first."""
    top = newest(store, held.secret, held)
    if top is None or top.payload is None:
        return
    keep = max(policy.keep, LEDGER_KEEP if held.secret == LEDGER else 1)
    # The list may lag, and then shows fewer of the newest: counted by number, it keeps more, never less.
    for version in store.versions(held.secret):
        spared = (
            version.number > top.number - keep
            or version.state == "destroyed"
            or version.number in held.aliased
            or (held.secret, version.number) in policy.referenced
            or policy.now - version.created < policy.min_age
        )
        if not spared:
            yield Old(held.secret, version.number, version.created)
