"""What can be gone at once: an endpoint, a cloud's region, a credential, a token endpoint, each with all that it takes.

Where nothing says in which region an Azure endpoint runs, it may be any: it is gone with each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal
from urllib.parse import urlsplit

from llmcompile.inputs.endpoint import Endpoint as EndpointInput
from llmcompile.link.catalogue import Endpoint, OAuth
from llmcompile.prove.azure_regions import region_in
from llmcompile.prove.fleet import Seat
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


def outages(seat: Seat) -> tuple[Outage, ...]:
    """Everything that may be gone for an account in a region; what takes the fewest endpoints first."""
    groups: defaultdict[tuple[Kind, str], set[int]] = defaultdict(set)
    azure = set()
    for at, (label, endpoint, written) in enumerate(_endpoints(seat)):
        groups["endpoint", label].add(at)
        for cause in _causes(endpoint, written):
            groups[cause].add(at)
        if endpoint.provider.name == "azure":
            azure.add(at)
    unknown = frozenset(groups.get(("location", UNKNOWN), ()))
    found = []
    for (kind, name), takes in groups.items():
        unsure = unknown if kind == "location" and not azure.isdisjoint(takes) else frozenset[int]()
        found.append(Outage(kind, name, unsure.union(takes), unsure))
    return tuple(sorted(found, key=lambda each: len(each.takes)))


def _endpoints(seat: Seat) -> Iterator[tuple[str, Endpoint, EndpointInput]]:
    for name, endpoint in seat.account.endpoints.items():
        yield f"tenant:{name}", endpoint, seat.account.input.endpoints[name]
    for name, endpoint in seat.region.endpoints.items():
        yield f"platform:{name}", endpoint, seat.region.input.endpoints[name]


def _causes(endpoint: Endpoint, written: EndpointInput) -> Iterator[tuple[Kind, str]]:
    """What takes this endpoint along, apart from itself."""
    host = urlsplit(endpoint.base_url).hostname or ""
    location = written.location
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
