"""What the checks of the whole fleet need to know of one account: little, so that ten thousand of them are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from llmcompile.check import lifetimes
from llmcompile.diagnostics import Diagnostic, Route
from llmcompile.link.access import Grant, account_grant
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
    groups: frozenset[str]
    """The access groups that it, its teams and its keys were given."""
    grant: Grant
    """What it may call."""
    platform: tuple[str, ...]
    """The regions whose platform endpoints it uses; none where its source is its own endpoints."""
    served: tuple[tuple[str, Route], ...]
    """Every model that its endpoints serve, with the route in its file to the first place that says so."""
    ends: tuple[tuple[datetime, Diagnostic], ...]
    """What is an error from an instant on."""


def facts(subject: Account) -> Facts:
    """What the fleet needs to know of an account."""
    tiers = (subject.input.tier, *(key.tier for key in subject.input.keys))
    served: dict[str, Route] = {}
    for endpoint in subject.endpoints.values():
        for each in endpoint.served:
            served.setdefault(each.code, each.place.route)
    ends = [(each.at, each.past) for each in lifetimes.of_account(subject) if each.past]
    return Facts(
        subject.id,
        subject.file,
        subject.input.previously,
        frozenset(filter(None, tiers)),
        _groups(subject),
        account_grant(subject.input),
        subject.input.all_regions if subject.input.source in ("auto", "platform") else (),
        tuple(served.items()),
        tuple(ends),
    )


def _groups(subject: Account) -> frozenset[str]:
    written = subject.input
    given = [each.groups for each in (*written.teams.values(), *written.keys)]
    return frozenset().union(written.access.groups if written.access else (), *given)
