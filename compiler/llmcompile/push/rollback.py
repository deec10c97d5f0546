"""Rollback: an earlier version's bytes as a new version. ``latest`` is always the newest created, so that nothing
needs to be disabled, and every version stays what it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from llmcompile.emit.canonical import digest
from llmcompile.errors import OutsideError, RefusedError, UsageError
from llmcompile.push.apply import Write
from llmcompile.push.ledger import Entry
from llmcompile.push.meaning import DocumentChange, meaning, read
from llmcompile.push.newest import newest
from llmcompile.push.ownership import is_ours
from llmcompile.push.plan import Change, Plan
from llmcompile.push.store import Held, Reviver, StoreReader, Version
from llmcompile.secret_ids import owner_of


@dataclass(frozen=True, slots=True)
class Back:
    """One secret, and the version that it goes back to."""

    secret: str
    held: Held
    newest: Version
    to: int
    payload: bytes = field(repr=False)

    @property
    def write(self) -> Write:
        """What is added. It is no document of git's, so its digest is empty."""
        return Write(self.secret, self.payload, "", self.held, self.newest.number)


def secrets_of_last_run(store: StoreReader, secrets: Sequence[str], runs: Iterable[Entry]) -> list[str]:
    """Those of the secrets that the newest run wrote that wrote any of them; all where no run tells.

    Of a rollback that stopped half-way, those that it did not come to, and of a whole one none: running it again
    finishes it, and never brings back what it took away. Raises ``UsageError`` where a run wrote more than the ledger
    holds.
    """
    for run in runs:
        if run.count and not run.writes:
            message = f"run {run.number} wrote {run.count:,} secrets, too many for the ledger to name"
            raise UsageError(message, "name the document: --document")
        planned = [each for each in secrets if each in run.writes]
        written = [each for each in planned if _reached(store, each, run.writes[each])]
        if written and run.command == "rollback":
            return [each for each in planned if each not in written]
        if written:
            return written
    return list(secrets)


def _reached(store: StoreReader, secret: str, number: int) -> bool:
    top = newest(store, secret, store.held(secret))
    return top is not None and top.number >= number


def back(store: Reviver, secret: str, to: int | None, *, only_look: bool = False) -> Back:
    """The version ``to`` of a secret, or the one before the newest.

    A disabled one is enabled while it is read. Raises ``RefusedError`` where it is destroyed, where the secret is not
    ours, or where it is disabled and to be looked at only; ``UsageError`` where there is no such version.
    """
    held = store.held(secret)
    top = newest(store, secret, held)
    if held is None or top is None:
        raise UsageError(f"{secret} has no version in this store")
    if not is_ours(held):
        raise RefusedError(f"{secret} does not carry our label", "llmcompile adopt")
    number = to if to is not None else top.number - 1
    if number == top.number:
        raise UsageError(f"version {number} of {secret} is the newest already", _LIST)
    if number < 1 or number > top.number:
        raise UsageError(f"{secret} has no version {number}; the newest is {top.number}", _LIST)
    return Back(secret, held, top, number, _payload(store, secret, number, only_look))


def _payload(store: Reviver, secret: str, number: int, only_look: bool) -> bytes:
    found = store.read(secret, number)
    if found is not None and found.state == "disabled":
        if only_look:
            raise RefusedError(f"version {number} of {secret} is disabled: to be looked at, it has to be enabled", _DO)
        store.enable(secret, number)
        try:
            found = store.read(secret, number)
        finally:
            store.disable(secret, number)
    if found is None or found.state == "destroyed":
        raise RefusedError(f"version {number} of {secret} is destroyed: nobody has its payload any more", _LIST)
    if found.payload is None:
        raise OutsideError(f"version {number} of {secret} cannot be read though it was enabled")
    return found.payload


def rollback_plan(backs: Sequence[Back], store: str) -> Plan:
    """What a rollback does, as a plan."""
    changes, documents = [], []
    for each in backs:
        kind, owner = owner_of(each.secret) or ("CUSTOMER_LLM_CONFIG", each.secret)
        old, new = each.newest.payload, each.payload
        size = len(old) if old is not None else None
        number = each.newest.number
        changes.append(Change("change", kind, owner, each.secret, number, number + 1, size, len(new), f"as {each.to}"))
        documents.append(DocumentChange(kind, owner, read(old), read(new)))
    rows = [[each.secret, each.newest.number, each.to] for each in backs]
    return Plan(store, tuple(changes), meaning(documents), digest(json.dumps(["rollback", store, rows]).encode()))


_LIST = "see its versions: llmcompile history"
_DO = "without --dry-run, it is enabled while it is read, and its bytes are brought back"
