"""What a change of documents means: facts that a reviewer can judge, instead of a difference of JSON.

Pure, and free of secrets: of a credential it says that it was replaced. Documents that differ have a fact, whatever
differs; documents that are equal have none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmcompile.push.meaning.documents import RULES, UNREADABLE, read, said_of
from llmcompile.push.meaning.facts import CODES, SEVERITIES, Fact, Owner, Said, Severity, fold
from llmcompile.push.meaning.marks import ACCOUNT_CREATED, ACCOUNT_REMOVED
from llmcompile.push.meaning.shown import Name
from llmcompile.push.meaning.walk import Rules, Sayer, difference
from llmcompile.secret_ids import Kind

__all__ = [
    "CODES", "SEVERITIES", "UNREADABLE", "DocumentChange", "Fact", "Name", "Owner", "Severity", "meaning", "read",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document before and after, as ``read`` gives it, with its secrets: not to be shown."""

    kind: Kind
    owner: str
    old: Any = field(repr=False)
    """None: there is none yet."""
    new: Any = field(repr=False)
    """None: git knows it no more."""

    @property
    def of(self) -> Owner:
        """Whose document it is."""
        return Owner("region" if self.kind == "PROVISIONED_OPENAI_CONFIG" else "account", self.owner)


def meaning(
    changes: Iterable[DocumentChange], rules: Mapping[Kind, Rules] = RULES, rest: Sayer = difference
) -> tuple[Fact, ...]:
    """What these changes mean: losses first, the same of many owners once.

    Documents are looked at one after the other and let go: a fleet's need not be in memory together. ``rest`` says
    what no rule does.
    """
    said: list[tuple[Owner, Said]] = []
    ends: defaultdict[Owner, dict[Kind, str]] = defaultdict(dict)
    for change in changes:
        ends[change.of][change.kind] = "removed" if change.new is None else "created" if change.old is None else ""
        said += [(change.of, each) for each in said_of(change.kind, change.old, change.new, rules[change.kind], rest)]
    return fold(said, {owner: _whole(kinds) for owner, kinds in ends.items()})


def _whole(kinds: Mapping[Kind, str]) -> set[str]:
    """An account comes or goes where both of its documents do; one alone was lost or added by someone."""
    both = {kinds.get("CUSTOMER_LLM_CONFIG"), kinds.get("ROUTER_POLICY")}
    return {ACCOUNT_CREATED} if both == {"created"} else {ACCOUNT_REMOVED} if both == {"removed"} else set()
