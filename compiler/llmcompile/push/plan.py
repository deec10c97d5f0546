"""The plan as data: what a push would do, in secrets and in meaning. Free of values, and of what they could be
guessed by. Built from what was read; it has no store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from llmcompile.push.look import Seen
from llmcompile.push.meaning import DocumentChange, Fact, meaning
from llmcompile.push.ownership import Record, is_ours, retired
from llmcompile.push.resolve import Payload
from llmcompile.secret_ids import Kind

PLAN_FORMAT = 2

Action = Literal["create", "change", "unchanged", "orphan", "retired", "foreign"]
"""An orphan's account or region has left git; it is retired once someone confirmed that. A foreign secret has the name
of one of ours and not our label."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one secret."""

    action: Action
    kind: Kind
    owner: str
    secret: str
    old_version: int | None
    """The newest version now."""
    new_version: int | None
    """The version that the push adds; None where it adds none."""
    old_size: int | None
    """Bytes; None where there is none, or none that can be read."""
    new_size: int | None
    """Bytes; None where git knows the secret no more."""
    reason: str = ""
    """Why it is written, where that is not plain: the newest version is disabled."""
    emptied: bool = False
    """Whether it had endpoints and has none any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to all secrets."""

    store: str
    """The store's URI."""
    changes: tuple[Change, ...]
    """In the order in which a push goes through them."""
    facts: tuple[Fact, ...]
    """The same in meaning."""
    digest: str
    """Of the documents with their refs, their sizes, and the versions that the store has now."""

    @property
    def pending(self) -> tuple[Change, ...]:
        """Those that add a version."""
        return tuple(each for each in self.changes if each.new_version is not None)

    @property
    def writes(self) -> bool:
        """Whether a push would write anything, or be asked to."""
        return bool(self.pending or self.having("orphan", "foreign"))

    def having(self, *actions: Action) -> tuple[Change, ...]:
        """Those with one of these actions."""
        return tuple(each for each in self.changes if each.action in actions)


def make_plan(seen: Sequence[Seen], store: str, resume: str = "") -> Plan:
    """Compare what is wanted with what was seen, byte by byte.

    ``resume`` is the digest of a plan that may have been carried out in part: what it has written counts as not yet
    written in the digest, so that the rest of a reviewed plan still has the reviewed digest.
    """
    changes = [_change(each) for each in seen]
    facts = meaning(
        DocumentChange(each.kind, each.owner, each.old(), each.new())
        for each, change in zip(seen, changes, strict=True)
        if change.action in ("create", "change", "orphan")
    )
    order = sorted(range(len(seen)), key=lambda index: (_only_loses(seen[index]), index))
    return Plan(store, tuple(changes[index] for index in order), facts, _digest(store, seen, resume))


def _change(seen: Seen) -> Change:
    old = seen.newest.number if seen.newest else None
    old_payload = seen.newest.payload if seen.newest else None
    action, reason = _action(seen)
    writes = action in ("create", "change")
    return Change(
        action=action,
        kind=seen.kind,
        owner=seen.owner,
        secret=seen.secret,
        old_version=old,
        new_version=(old or 0) + 1 if writes else None,
        old_size=len(old_payload) if old_payload is not None else None,
        new_size=len(seen.wanted.data) if seen.wanted else None,
        reason=reason,
        emptied=writes and _emptied(seen),
    )


def _action(seen: Seen) -> tuple[Action, str]:
    if seen.wanted is None:
        return ("retired" if seen.held and retired(seen.held) else "orphan"), ""
    if seen.held is not None and not is_ours(seen.held):
        return "foreign", "it does not carry our label"
    if seen.equal:
        return "unchanged", ""
    if seen.newest is None:
        return "create", "it has no version yet" if seen.held else ""
    return "change", f"version {seen.newest.number} is {seen.newest.state}" if seen.newest.payload is None else ""


def _names(kind: Kind, document: object) -> tuple[set[str], set[str]]:
    """The endpoints and the models that a document of endpoints names; policies refer to them, and name none."""
    if not isinstance(document, dict) or kind == "ROUTER_POLICY":
        return set(), set()
    if kind == "PROVISIONED_OPENAI_CONFIG":
        endpoints, models = document.get("endpoints"), document.get("models")
        return set(endpoints if isinstance(endpoints, dict) else ()), set(models if isinstance(models, dict) else ())
    served = (each.get("supported_models") for each in document.values() if isinstance(each, dict))
    return set(document), {str(name) for each in served if isinstance(each, list) for name in each}


def _names_before_and_after(seen: Seen) -> tuple[tuple[set[str], set[str]], tuple[set[str], set[str]]]:
    return _names(seen.kind, seen.old()), _names(seen.kind, seen.new())


def _emptied(seen: Seen) -> bool:
    old, new = _names_before_and_after(seen)
    return bool(old[0]) and not new[0]


def _only_loses(seen: Seen) -> bool:
    """Whether a document that others refer to only loses names: it is written after those that refer to it."""
    if seen.equal:
        return False
    old, new = _names_before_and_after(seen)
    return old != new and all(now <= before for before, now in zip(old, new, strict=True))


def _digest(store: str, seen: Iterable[Seen], resume: str) -> str:
    rows = [
        [each.secret, _version_before(each, resume), *_bound(each.wanted)]
        for each in sorted(seen, key=lambda each: each.secret)
    ]
    data = json.dumps([PLAN_FORMAT, store, rows], separators=(",", ":"))
    return f"sha256:{hashlib.sha256(data.encode()).hexdigest()}"


def _bound(payload: Payload | None) -> list[object]:
    """What a plan is bound to of a document: never its bytes, by which a weak secret could be guessed."""
    return [payload.document.digest, len(payload.data), *payload.pinned] if payload else []


def _version_before(seen: Seen, plan: str) -> int | None:
    """The newest version before the plan wrote its own; None where there was none."""
    if seen.newest is None:
        return None
    record = Record.of(seen.held) if seen.held else None
    ours = record and record.plan == plan and record.version == seen.newest.number and seen.equal
    return ((seen.newest.number - 1) or None) if ours else seen.newest.number
