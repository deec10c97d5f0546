"""All that is to be said of a change: what differs in the documents, which decisions change, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from llmcompile.diff.bill import Bill
from llmcompile.diff.impact import Impact, impact
from llmcompile.diff.sides import Side, pairs
from llmcompile.push.meaning import DocumentChange, Fact, meaning

_REGION = "PROVISIONED_OPENAI_CONFIG"


@dataclass(frozen=True, slots=True)
class Report:
    """The difference between two fleets."""

    before: str
    """What the older one is called."""
    after: str
    facts: tuple[Fact, ...]
    """What differs in the documents, in the words of a plan."""
    documents: int
    """How many of them differ, come or go."""
    impact: Impact
    bill: Bill | None = None
    """The usage that was given, priced under both."""


def report(names: tuple[str, str], old: Side, new: Side, bill: Bill | None = None) -> Report:
    """Compare two fleets."""
    changes = list(_changes(old, new))
    return Report(*names, meaning(changes), len(changes), impact(old, new), bill)


def _changes(old: Side, new: Side) -> Iterator[DocumentChange]:
    """Every document that is another one; that of an account with another id is still that account's."""
    was = {now: before for before, now in pairs(old, new) if before and now}
    now = {before: after for after, before in was.items()}
    left = [(kind, owner) for kind, owner in old.documents if kind == _REGION or owner not in now]
    for kind, owner in dict.fromkeys([*new.documents, *left]):
        name = owner if kind == _REGION else was.get(owner, owner)
        before, after = old.documents.get((kind, name)), new.documents.get((kind, owner))
        if before != after:
            data = (json.loads(each) if each is not None else None for each in (before, after))
            yield DocumentChange(kind, owner, *data)
