"""What can be gone at once: an endpoint, a cloud's region, a credential, a token endpoint, each with all that it takes.

Where nothing says in which region an Azure endpoint runs, it may be any: it is gone with each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal
from urllib.parse import urlsplit

from llmcompile.azure_regions import region_in
from llmcompile.link.catalogue import Account, Endpoint, OAuth, Region
from llmcompile.prove.router import Router

Kind = Literal["endpoint", "location", "host", "credential", "token endpoint"]
UNKNOWN = "unknown"
"""The location of Azure endpoints that do not say theirs."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One thing that is gone."""

    kind: Kind
    name: str
    takes: frozenset[int]
    """Positions of the endpoints that are gone with it."""
    unsure: frozenset[int] = frozenset()
    """Those of them of which nothing says that they are elsewhere."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What takes an endpoint along when it is gone, the endpoint itself first."""

    causes: tuple[tuple[Kind, str], ...]
    azure: bool


def standings(owner: Account | Region) -> tuple[Standing, ...]:
    """How the endpoints of an account or a region stand, in their order."""
    side = "tenant" if isinstance(owner, Account) else "platform"
    return tuple(
        Standing(
            (("endpoint", f"{side}:{name}"), *_causes(endpoint, owner.input.endpoints[name].location)),
            endpoint.provider.name == "azure",
        )
        for name, endpoint in owner.endpoints.items()
    )


def _causes(endpoint: Endpoint, location: str | None) -> Iterator[tuple[Kind, str]]:
    host = urlsplit(endpoint.base_url).hostname or ""
    if endpoint.provider.name == "azure":
        location = location or region_in(host) or region_in(endpoint.name) or UNKNOWN
    if location:
        yield "location", location
    yield "host", host
    if isinstance(endpoint.auth, OAuth):
        yield "credential", f"{endpoint.auth.client_id} ({endpoint.auth.client_secret})"
        yield "token endpoint", endpoint.auth.token_url
    elif endpoint.auth is not None:
        yield "credential", str(endpoint.auth)


def outages(endpoints: Iterable[Standing]) -> tuple[Outage, ...]:
    """Everything that may be gone, by the positions of the endpoints; what takes the fewest of them first."""
    groups: defaultdict[tuple[Kind, str], set[int]] = defaultdict(set)
    azure = set()
    for at, endpoint in enumerate(endpoints):
        for cause in endpoint.causes:
            groups[cause].add(at)
        if endpoint.azure:
            azure.add(at)
    unknown = frozenset(groups.get(("location", UNKNOWN), ()))
    found = []
    for (kind, name), takes in groups.items():
        unsure = unknown if kind == "location" and not azure.isdisjoint(takes) else frozenset[int]()
        found.append(Outage(kind, name, unsure.union(takes), unsure))
    return tuple(sorted(found, key=lambda each: len(each.takes)))


def smallest(router: Router, name: str, of: tuple[Outage, ...], limit: int) -> tuple[int, ...] | None:
    """The fewest outages, at most ``limit``, that leave nothing to serve a name, as positions in ``of``; else None."""
    used = {hop.at for hop in router.chain(name)}
    relevant = [at for at, each in enumerate(of) if not used.isdisjoint(each.takes)]
    for size in range(1, limit + 1):
        for chosen in combinations(relevant, size):
            down = frozenset[int]().union(*(of[at].takes for at in chosen))
            if not router.chain(name, down=down):
                return chosen
    return None
