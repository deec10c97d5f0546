"""What a fact is, every code that one can have, and how the same fact of many owners becomes one.

Facts hold words of ours and names out of documents by turns, told apart by type: a renderer can quote the names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["loss", "change", "gain"]
SEVERITIES: tuple[Severity, ...] = ("loss", "change", "gain")

Subject = Literal["owner", "access", "key", "limits", "endpoint", "routing", "price", "model", "rest"]

CODES: Mapping[str, tuple[Severity, Subject]] = {
    "account-removed": ("loss", "owner"),
    "region-removed": ("loss", "owner"),
    "document-removed": ("loss", "owner"),
    "document-unreadable": ("change", "owner"),
    "document-created": ("gain", "owner"),
    "policy-created": ("change", "owner"),
    "account-created": ("gain", "owner"),
    "region-created": ("gain", "owner"),
    "model-lost": ("loss", "access"),
    "model-gained": ("gain", "access"),
    "team-model-lost": ("loss", "access"),
    "team-model-gained": ("gain", "access"),
    "team-restricted": ("change", "access"),
    "team-unrestricted": ("change", "access"),
    "key-model-lost": ("loss", "access"),
    "key-model-gained": ("gain", "access"),
    "key-restricted": ("loss", "access"),
    "key-unrestricted": ("gain", "access"),
    "key-lost": ("loss", "key"),
    "key-gained": ("gain", "key"),
    "key-replaced": ("change", "key"),
    "key-team": ("change", "key"),
    "keys-none": ("loss", "key"),
    "keys-first": ("change", "key"),
    "limits-lowered": ("loss", "limits"),
    "limits-raised": ("gain", "limits"),
    "limits-changed": ("change", "limits"),
    "limits-unavailable": ("change", "limits"),
    "budget-lowered": ("loss", "limits"),
    "budget-raised": ("gain", "limits"),
    "budget-changed": ("change", "limits"),
    "endpoint-lost": ("loss", "endpoint"),
    "endpoint-gained": ("gain", "endpoint"),
    "endpoint-model-lost": ("loss", "endpoint"),
    "endpoint-model-gained": ("gain", "endpoint"),
    "endpoint-order": ("change", "endpoint"),
    "endpoint-provider": ("change", "endpoint"),
    "endpoint-url": ("change", "endpoint"),
    "endpoint-version": ("change", "endpoint"),
    "endpoint-prefix": ("change", "endpoint"),
    "endpoint-upstream-name": ("change", "endpoint"),
    "endpoint-auth": ("change", "endpoint"),
    "endpoint-credential": ("change", "endpoint"),
    "endpoint-oauth": ("change", "endpoint"),
    "endpoint-header": ("change", "endpoint"),
    "endpoint-path-style": ("change", "endpoint"),
    "endpoint-timeout": ("change", "endpoint"),
    "endpoint-weight": ("change", "endpoint"),
    "endpoint-tags": ("change", "endpoint"),
    "region-model-lost": ("loss", "routing"),
    "region-model-gained": ("gain", "routing"),
    "failover-order": ("change", "routing"),
    "source": ("change", "routing"),
    "route-group-lost": ("loss", "routing"),
    "route-group-gained": ("gain", "routing"),
    "route-group-policy": ("change", "routing"),
    "route-group-members": ("change", "routing"),
    "fallbacks": ("change", "routing"),
    "price-changed": ("change", "price"),
    "price-lost": ("loss", "price"),
    "price-gained": ("gain", "price"),
    "price-rows": ("change", "price"),
    "model-type": ("change", "model"),
    "model-realtime": ("change", "model"),
    "model-default": ("change", "model"),
    "model-batch-inputs": ("change", "model"),
    "batching": ("change", "model"),
    "policy-format": ("change", "rest"),
    "policy-account": ("change", "rest"),
    "rewritten": ("change", "rest"),
    "difference": ("change", "rest"),
}
"""Every code, stable, with how much it hurts and what it is about. Facts are shown in the order of the subjects."""

_SUBJECTS = list(dict.fromkeys(subject for _, subject in CODES.values()))


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """The account or region whose documents say it."""

    kind: Literal["account", "region"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Said:
    """A fact of one document, before it is known whether another document of its owner says it already."""

    code: str
    parts: tuple[str, ...]
    tells: tuple[str, ...] = ()
    """Marks that it leaves on its owner."""
    only: str = ""
    """It holds only where its owner has this mark."""
    unless: str = ""
    """It is said already where its owner has this mark."""


def say(code: str, *parts: str, tells: tuple[str, ...] = (), only: str = "", unless: str = "") -> Said:
    """A fact of words and names. What comes out of a document must be a ``Name``; the rest is words of ours."""
    return Said(code, parts, tells, only, unless)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a push changes, for everyone for whom it changes alike."""

    code: str
    parts: tuple[str, ...]
    """Words, and names of the documents as ``Name``."""
    owners: tuple[Owner, ...]
    """Accounts or regions, never both; sorted."""

    @property
    def text(self) -> str:
        """The fact without its owners, in one line."""
        return "".join(self.parts)

    @property
    def severity(self) -> Severity:
        """Whether it takes something away."""
        return CODES[self.code][0]


def fold(said: Iterable[tuple[Owner, Said]], marks: Mapping[Owner, set[str]]) -> tuple[Fact, ...]:
    """Facts of owners, the same of many as one: losses first, then what concerns the most.

    ``marks`` are what holds of owners as a whole; what is said adds its own.
    """
    held = [(owner, each) for owner, each in said if not each.only or each.only in marks[owner]]
    left = {owner: set(of) for owner, of in marks.items()}
    for owner, each in held:
        left[owner].update(each.tells)
    owners: defaultdict[tuple[str, str, tuple[str, ...]], set[Owner]] = defaultdict(set)
    for owner, each in held:
        if each.unless not in left[owner]:
            owners[owner.kind, each.code, each.parts].add(owner)
    facts = (Fact(code, parts, tuple(sorted(of))) for (_, code, parts), of in owners.items())
    return tuple(sorted(facts, key=_rank))


def _rank(fact: Fact) -> tuple[object, ...]:
    severity, subject = CODES[fact.code]
    return SEVERITIES.index(severity), _SUBJECTS.index(subject), -len(fact.owners), fact.owners, fact.text, fact.code
