"""The accounts that proofs look at, one after the other.

Accounts of one shape share a router, so that ten thousand of them cost little more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from llmcompile.emit.documents import Document, Made
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.prove.reading import Reader
from llmcompile.prove.router import Decide, Router, decide
from llmcompile.prove.seats import Caller, Seat, Subject

_PRIVATE = frozenset(("base_url", "api_key", "oauth_token_url", "oauth_client_id", "oauth_client_secret", "scopes"))
"""What differs from account to account and decides nothing, except by being there."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all accounts share."""

    catalogue: Catalogue
    """Its accounts are nobody's business."""
    as_of: datetime
    made: tuple[Made, ...]
    """The regions' documents."""


class Surveyor:
    """Turns accounts into subjects, and remembers routers by what they decide by."""

    def __init__(self, ground: Ground, decide: Decide = decide) -> None:
        self._regions, self._decide = ground.catalogue.regions, decide
        self._reader = Reader(each.document for each in ground.made)
        self._routers: dict[tuple[str, str], Router] = {}

    def subject(self, account: Account, made: tuple[Made, ...]) -> Subject:
        """An account with its two documents."""
        customer, policy = (each.document for each in made)
        callers = tuple(_callers(account, policy.content))
        shapes: dict[tuple[str, ...], str] = {}
        seats = []
        for name in account.input.all_regions:
            region = self._regions[name]
            shared = tuple([each for each in customer.content if each in region.endpoints])
            if shared not in shapes:
                shapes[shared] = _shape(customer.content, policy.content, shared)
            shape = (name, shapes[shared])
            if shape not in self._routers:
                self._routers[shape] = Router(self._reader.snapshot(customer, policy, name), self._decide)
            seats.append(Seat(account, region, self._routers[shape], policy.content, callers))
        return Subject(account, made, tuple(seats))


@dataclass(frozen=True, slots=True)
class Fleet:
    """All accounts at once, for those who ask more than a proof says."""

    ground: Ground
    subjects: tuple[Subject, ...]

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Every account in each of its regions."""
        return tuple(seat for each in self.subjects for seat in each.seats)

    @property
    def made(self) -> tuple[Made, ...]:
        """Every document."""
        return (*self.ground.made, *(made for each in self.subjects for made in each.made))


def survey(catalogue: Catalogue, as_of: datetime, documents: Iterable[Document], *, decide: Decide = decide) -> Fleet:
    """The fleet of a catalogue that compiled to these documents."""
    held = {(each.kind, each.owner): Made.of(each) for each in documents}
    regions = tuple(made for (kind, _), made in held.items() if kind == "PROVISIONED_OPENAI_CONFIG")
    ground = Ground(replace(catalogue, accounts={}), as_of, regions)
    surveyor = Surveyor(ground, decide)
    subjects = [
        surveyor.subject(each, (held["CUSTOMER_LLM_CONFIG", each.id], held["ROUTER_POLICY", each.id]))
        for each in catalogue.accounts.values()
    ]
    return Fleet(ground, tuple(subjects))


def _callers(account: Account, policy: Mapping[str, Any]) -> Iterator[Caller]:
    if not policy["keys"]:
        yield Caller(account, frozenset(policy["allowed"]), None)
    for at, names in enumerate(_keys(policy)):
        yield Caller(account, frozenset(names), at)


def _shape(customer: Mapping[str, Any], policy: Mapping[str, Any], shared: tuple[str, ...]) -> str:
    """All that the router decides by. Endpoints go by position, unless their name is ``shared`` with a platform's."""
    own = {name: name if name in shared else f"#{at}" for at, name in enumerate(customer)}
    groups = [
        (name, group["policy"], [{**each, "endpoint": _own_name(own, each)} for each in group["members"]])
        for name, group in policy["route_groups"].items()
    ]
    # What a model says follows from what is allowed: it is the same catalogue for everyone.
    keys = sorted({tuple(names) for names in _keys(policy)})
    endpoints = [(own[name], _stripped(each)) for name, each in customer.items()]
    return repr((policy["source"], policy["allowed"], keys, groups, endpoints))


def _own_name(own: Mapping[str, str], member: Mapping[str, Any]) -> str | None:
    name = member.get("endpoint")
    return own.get(name, name) if name is not None else None


def _stripped(endpoint: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(field, value is not None if field in _PRIVATE else value) for field, value in endpoint.items()]


def _keys(policy: Mapping[str, Any]) -> Iterator[list[str]]:
    """What each key may call: its own list, else its team's, else the account's."""
    for key in policy["keys"]:
        above = policy["teams"][key["team"]]["allowed"] if "team" in key else policy["allowed"]
        yield key.get("allowed", above)
