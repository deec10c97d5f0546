"""What a proof looks at: every account in each of its regions, with the router that it gets there.

Accounts of one shape share a router, so that ten thousand of them cost little more than one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llmcompile.diagnostics import Place
from llmcompile.emit.documents import Document
from llmcompile.link.catalogue import Account, Catalogue, Endpoint, Region
from llmcompile.prove.router import Decide, Router, decide
from llmcompile.show.explain import snapshot_of

_PRIVATE = ("base_url", "api_key", "oauth_token_url", "oauth_client_id", "oauth_client_secret", "scopes")
"""What differs from account to account and decides nothing, except by being there."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who calls: a key, or the account where it has none."""

    what: str
    place: Place
    allowed: frozenset[str]
    key: int | None
    """The key's position in the account."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An account in one of its regions."""

    account: Account
    region: Region
    router: Router
    policy: Mapping[str, Any]
    """The account's ROUTER_POLICY."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The account's own and then the platform's; a hop's ``at`` is a position here."""
        return (*self.account.endpoints.values(), *self.region.endpoints.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The models and route groups that the account may call, sorted."""
        return tuple(self.policy["allowed"])

    @property
    def place(self) -> Place:
        """Where the account says that it is in the region."""
        regions, name = self.account.input.regions, self.region.input.region
        return Place(self.account.file, ("regions", regions.index(name)) if regions else ("region",))

    def callers(self) -> Iterator[Caller]:
        """Everyone who may call."""
        account, policy = self.account, self.policy
        if not policy["keys"]:
            place = Place(account.file, ("account",))
            yield Caller(f"account '{account.id}'", place, frozenset(policy["allowed"]), None)
        for at, names in enumerate(_keys(policy)):
            what = f"key '{account.input.keys[at].id}' of account '{account.id}'"
            yield Caller(what, Place(account.file, ("keys", at, "id")), frozenset(names), at)

    def label(self, at: int) -> str:
        """The endpoint as the router names it."""
        side = "tenant" if at < len(self.account.endpoints) else "platform"
        return f"{side}:{self.endpoints[at].name}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything that a proof may look at."""

    catalogue: Catalogue
    as_of: datetime
    documents: tuple[Document, ...]
    sizes: tuple[int, ...]
    """The bytes that each document takes in a store; empty where nobody measured them."""
    seats: tuple[Seat, ...]


def survey(
    catalogue: Catalogue,
    as_of: datetime,
    documents: Iterable[Document],
    *,
    sizes: Iterable[int] = (),
    accounts: Iterable[Account] | None = None,
    decide: Decide = decide,
) -> Fleet:
    """The fleet, or the part of it that these ``accounts`` are."""
    kept = tuple(documents)
    held = {(each.kind, each.owner): each for each in kept}
    routers: dict[str, Router] = {}
    seats = []
    for account in catalogue.accounts.values() if accounts is None else accounts:
        for name in account.input.all_regions:
            region = catalogue.regions[name]
            customer, policy = held["CUSTOMER_LLM_CONFIG", account.id], held["ROUTER_POLICY", account.id]
            shape = _shape(customer.content, policy.content, region)
            if shape not in routers:
                three = (customer, held["PROVISIONED_OPENAI_CONFIG", name], policy)
                routers[shape] = Router(snapshot_of(three, account.id, name), decide)
            seats.append(Seat(account, region, routers[shape], policy.content))
    return Fleet(catalogue, as_of, kept, tuple(sizes), tuple(seats))


def _shape(customer: Mapping[str, Any], policy: Mapping[str, Any], region: Region) -> str:
    """All that the router decides by. Endpoints go by position, unless their name means a platform endpoint too."""
    own = {name: name if name in region.endpoints else f"#{at}" for at, name in enumerate(customer)}
    groups = {
        name: [group["policy"], [{**each, "endpoint": _own_name(own, each)} for each in group["members"]]]
        for name, group in policy["route_groups"].items()
    }
    # What a model says follows from what is allowed: it is the same catalogue for everyone.
    keys = sorted({tuple(names) for names in _keys(policy)})
    facts = [region.input.region, policy["source"], policy["allowed"], keys, groups]
    return json.dumps([*facts, [(own[name], _stripped(each)) for name, each in customer.items()]], default=str)


def _own_name(own: Mapping[str, str], member: Mapping[str, Any]) -> str | None:
    name = member.get("endpoint")
    return own.get(name, name) if name is not None else None


def _stripped(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value is not None if field in _PRIVATE else value for field, value in endpoint.items()}


def _keys(policy: Mapping[str, Any]) -> Iterator[list[str]]:
    """What each key may call: its own list, else its team's, else the account's."""
    for key in policy["keys"]:
        above = policy["teams"][key["team"]]["allowed"] if "team" in key else policy["allowed"]
        yield key.get("allowed", above)
