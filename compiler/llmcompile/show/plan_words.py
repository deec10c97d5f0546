"""Words that every form of a plan shares: how much there is to do, for whom, and from which version to which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from llmcompile.push.meaning import Owner
from llmcompile.push.plan import Action, Change, Plan

_COUNTED: dict[Action, str] = {
    "create": "to create",
    "change": "to change",
    "orphan": "no longer in git",
    "foreign": "of someone else",
    "unchanged": "unchanged",
    "retired": "retired",
}
"""In the order in which they are counted."""


def counts(plan: Plan) -> dict[Action, int]:
    """How many secrets there are of each action, zeros too."""
    found = Counter(each.action for each in plan.changes)
    return {action: found[action] for action in _COUNTED}


def headline(plan: Plan) -> str:
    """What a push would do, in one line."""
    words = [f"{count:,} {_COUNTED[action]}" for action, count in counts(plan).items() if count]
    return ", ".join([*(["nothing to write"] if not plan.pending else []), *words])


def listed(plan: Plan) -> list[Change]:
    """The secrets to show one by one: those at which something happens, or should."""
    return [each for each in plan.changes if each.action not in ("unchanged", "retired")]


def touched(plan: Plan) -> list[Owner]:
    """The accounts, then the regions, whose documents change or leave."""
    return sorted(
        {
            Owner("region" if each.kind == "PROVISIONED_OPENAI_CONFIG" else "account", each.owner)
            for each in plan.having("create", "change", "orphan")
        }
    )


def number_of(owners: Iterable[Owner]) -> str:
    """How many accounts and regions these are."""
    found = Counter(each.kind for each in owners)
    return " and ".join(_counted(found[kind], kind) for kind in ("account", "region") if found[kind]) or "nobody"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def whose(owners: Sequence[Owner], shown: Sequence[str], most: int) -> str:
    """For whom a fact holds; ``shown`` are their names as the form writes them. Regions are called that."""
    before = "" if owners[0].kind == "account" else "region " if len(owners) == 1 else "regions "
    if len(owners) <= most:
        return before + ", ".join(shown)
    more = _counted(len(owners) - most, f"more {owners[0].kind}")
    return f"{before}{', '.join(shown[:most])} and {more}"


def versions(change: Change) -> str:
    """From which version and size to which."""
    old = _version(change.old_version, change.old_size)
    new = _version(change.new_version, change.new_size)
    if change.action == "orphan":
        return f"{old} stays" if old else "stays"
    return " -> ".join(each for each in (old, new) if each) or "no version"


def _version(number: int | None, size: int | None) -> str:
    if number is None:
        return ""
    return f"version {number}" + (f" ({size:,} byte{'s' if size != 1 else ''})" if size is not None else "")


def printable(text: str) -> str:
    """A name from a store, which may be anything, in one line."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
