"""What a push does not do without being told so: each refusal names the one flag that confirms just it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from llmcompile.inputs.project import Guards
from llmcompile.push.ledger import Entry
from llmcompile.push.plan import Change, Plan
from llmcompile.push.revision import Revision
from llmcompile.secret_ids import subject


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that a push would not do."""

    code: str
    message: str
    confirmation: str
    """The flag that allows it; empty where none does."""
    next_step: str = ""
    """What to do instead."""


@dataclass(frozen=True, slots=True)
class Confirmations:
    """What was confirmed on the command line."""

    changes: int | None = None
    """The exact number of secrets that may change."""
    removed: frozenset[str] = frozenset()
    """Accounts and regions that have left, as ``account/ID`` and ``region/ID``."""
    emptied: frozenset[str] = frozenset()
    """Accounts and regions that may be left without endpoints."""
    revision: str = ""
    """The commit pushed last, which this one does not follow."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the guards look at."""

    plan: Plan
    guards: Guards
    pushed_last: Entry | None
    revision: Revision
    confirmed: Confirmations = field(default_factory=Confirmations)


def refusals(situation: Situation) -> tuple[Refusal, ...]:
    """All that stands in the way of a push; nothing where there is nothing to write."""
    plan = situation.plan
    if not plan.writes:
        return ()
    return tuple(each for guard in _GUARDS for each in guard(situation))


def _foreign(situation: Situation) -> Iterator[Refusal]:
    for change in situation.plan.having("foreign"):
        message = f"{change.secret} exists and does not carry our label: someone else made it"
        yield Refusal(
            "foreign", message, "", f"take it over: llmcompile adopt {subject(change.kind, change.owner)} --to STORE"
        )


def _too_many(situation: Situation) -> Iterator[Refusal]:
    plan, guards = situation.plan, situation.guards
    changed = len(plan.having("change"))
    there = changed + len(plan.having("unchanged"))
    percent = 100 * changed / there if there else 0
    if changed <= guards.min_changes or percent <= guards.max_change_percent or situation.confirmed.changes == changed:
        return
    allowed = f"llmcompile.yaml allows {guards.max_change_percent}%"
    message = f"{changed} of {there} secrets would change, {percent:.0f}%; {allowed}"
    yield Refusal("too-many-changes", message, f"--confirm-changes {changed}")


def _removed(situation: Situation) -> Iterator[Refusal]:
    for name in _subjects(situation.plan.having("orphan"), situation.confirmed.removed):
        yield Refusal("removed", f"{name} is no longer in git; its secrets stay", f"--confirm-removed {name}")


def _emptied(situation: Situation) -> Iterator[Refusal]:
    emptied = (each for each in situation.plan.changes if each.emptied)
    for name in _subjects(emptied, situation.confirmed.emptied):
        yield Refusal("emptied", f"{name} would be left without any endpoint", f"--confirm-emptied {name}")


def _stale(situation: Situation) -> Iterator[Refusal]:
    last, now = situation.pushed_last, situation.revision
    if last is None or not last.revision or now.follows(last.revision) or situation.confirmed.revision == last.revision:
        return
    here = f"commit {now.commit[:12]}" if now.commit else "what is here, in no git repository,"
    message = f"{here} does not follow commit {last.revision[:12]}, which was pushed last (run {last.number})"
    next_step = "push what is newest, from a full clone (fetch-depth: 0)"
    yield Refusal("stale", message, f"--confirm-revision {last.revision}", next_step)


_GUARDS = (_foreign, _too_many, _removed, _emptied, _stale)


def _subjects(changes: Iterable[Change], confirmed: frozenset[str]) -> list[str]:
    return sorted({subject(each.kind, each.owner) for each in changes} - confirmed)
