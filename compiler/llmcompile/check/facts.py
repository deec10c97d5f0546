"""What the checks of the whole fleet need to know of one account: little, so that ten thousand of them are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from llmcompile.check import lifetimes
from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.link.catalogue import Account


@dataclass(frozen=True, slots=True)
class Facts:
    """An account, as far as others are concerned."""

    id: str
    file: str
    former: tuple[str, ...]
    """Its former ids."""
    tiers: frozenset[str]
    """The tiers that it and its keys have."""
    served: tuple[tuple[str, Place], ...]
    """Every model that its endpoints serve, with the first place that says so."""
    ends: tuple[tuple[datetime, Diagnostic], ...]
    """What is an error from an instant on."""


def facts(subject: Account) -> Facts:
    """What the fleet needs to know of an account."""
    tiers = (subject.input.tier, *(key.tier for key in subject.input.keys))
    served: dict[str, Place] = {}
    for endpoint in subject.endpoints.values():
        for each in endpoint.served:
            served.setdefault(each.code, each.place)
    ends = [(each.at, each.past) for each in lifetimes.of_account(subject) if each.past]
    return Facts(
        subject.id,
        subject.file,
        subject.input.previously,
        frozenset(filter(None, tiers)),
        tuple(served.items()),
        tuple(ends),
    )
