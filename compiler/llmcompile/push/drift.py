"""Drift: where a store is not what git says, and why. Pure; it is given what was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from llmcompile.push.look import Seen
from llmcompile.push.ownership import Record, is_ours, retired
from llmcompile.secret_ids import Kind, subject

DRIFT_FORMAT = 1

Code = Literal[
    "missing", "foreign", "unreadable", "edited", "foreign-version",
    "unrecorded", "rolled-back", "respelled", "rotated", "behind", "left",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """One secret that is not what git says, or that git cannot account for."""

    code: Code
    kind: Kind
    owner: str
    secret: str
    version: int | None
    """The newest."""
    message: str
    next_step: str


_PUSH = "push brings it to what git says"


def drifts(seen: Iterable[Seen]) -> tuple[Drift, ...]:
    """All drift, in the order of the secrets."""
    return tuple(drift for each in seen for drift in _of(each))


def _of(seen: Seen) -> Iterator[Drift]:
    found = _left(seen) if seen.wanted is None else _unreadable(seen) or _unlike(seen)
    if found:
        code, message, next_step = found
        number = seen.newest.number if seen.newest else None
        yield Drift(code, seen.kind, seen.owner, seen.secret, number, message, next_step)


def _left(seen: Seen) -> tuple[Code, str, str] | None:
    if seen.held and retired(seen.held):
        return None
    return "left", "git knows it no more", "push, and confirm that it has left"


def _unreadable(seen: Seen) -> tuple[Code, str, str] | None:
    """Readers get nothing, or nothing of ours."""
    if seen.held is None and seen.newest is None:
        return "missing", "the store has no such secret", _PUSH
    if seen.newest is None:
        return "missing", "the secret has no version", _PUSH
    if seen.held is None or not is_ours(seen.held):
        return "foreign", "it does not carry our label", f"llmcompile adopt {subject(seen.kind, seen.owner)} --to STORE"
    if seen.newest.payload is None:
        message = f"version {seen.newest.number}, the newest, is {seen.newest.state}: readers get nothing"
        return "unreadable", message, _PUSH
    return None


def _unlike(seen: Seen) -> tuple[Code, str, str] | None:
    """The newest version is not what git says, or not one that we wrote."""
    assert seen.newest is not None and seen.held is not None and seen.wanted is not None  # noqa: S101, PT018 - not missing
    record, number = Record.of(seen.held), seen.newest.number
    if record is None or number < record.version:
        if seen.equal:
            return "unrecorded", "it is what git says, but its annotations do not say that we wrote it", _PUSH
        return "edited", f"version {number} is not what git says, and nobody recorded it", _PUSH
    if number > record.version:
        if seen.equal:
            message = f"version {number} is what git says, but someone else added it"
            return "foreign-version", message, "find out who; nothing has to be done"
        return "edited", f"version {number} was added by someone else and is not what git says", _PUSH
    if seen.equal:
        return None
    if not record.document:
        return "rolled-back", f"version {number} is a rollback", "revert the commit too, or push to undo the rollback"
    if seen.old() == seen.new():
        return "respelled", "it is what git says, written differently: it was adopted", "push writes it once as ours"
    if record.document == seen.wanted.document.digest:
        return "rotated", "a value behind a ref has changed since the push", _PUSH
    pushed = record.revision[:12] or "no commit"
    return "behind", f"version {number} was pushed from {pushed}; git has gone on", _PUSH
