"""The plan as data: what a push would write. Built over a reader that cannot write, and free of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from llmcompile.push.resolve import Payload
from llmcompile.push.store import StoreReader
from llmcompile.secret_ids import Kind

PLAN_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one secret."""

    action: Literal["create", "change", "unchanged"]
    kind: Kind
    owner: str
    secret: str
    old_version: int | None
    """The newest version now."""
    new_version: int | None
    """The version that the push adds; None where nothing changes."""
    old_size: int | None
    new_size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to all secrets, in the order in which a push writes: what is referred to comes first."""

    changes: tuple[Change, ...]

    @property
    def pending(self) -> tuple[Change, ...]:
        """Those that write."""
        return tuple(each for each in self.changes if each.action != "unchanged")


def make_plan(payloads: Iterable[Payload], store: StoreReader) -> Plan:
    """Compare documents with a store, byte by byte."""
    return Plan(tuple(_change(each, store) for each in payloads))


def _change(payload: Payload, store: StoreReader) -> Change:
    document, data = payload.document, payload.data
    newest = store.newest(document.secret)
    action: Literal["create", "change", "unchanged"] = "create"
    if newest is not None:
        action = "unchanged" if newest.payload == data else "change"
    old = newest.number if newest else None
    return Change(
        action=action,
        kind=document.kind,
        owner=document.owner,
        secret=document.secret,
        old_version=old,
        new_version=None if action == "unchanged" else (old or 0) + 1,
        old_size=len(newest.payload) if newest else None,
        new_size=len(data),
    )
