"""What can be gone at once: an endpoint, a cloud's region, a credential, a token endpoint, each with all that it takes.

Where nothing says in which region an Azure endpoint runs, it may be any: it is gone with each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from llmcompile.azure_regions import region_in
from llmcompile.inputs.urls import host_of
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
class Fall:
    """An outage whose name does not matter."""

    cause: int
    """The position of what is gone."""
    takes: frozenset[int]
    unsure: frozenset[int]


Cause = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What takes an endpoint along when it is gone, the endpoint itself first."""

    causes: tuple[Cause, ...]
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


def _causes(endpoint: Endpoint, location: str | None) -> Iterator[Cause]:
    host = host_of(endpoint.base_url)
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


@dataclass(frozen=True, slots=True)
class Pattern:
    """How endpoints fall together, whatever they and their causes are called: equal for all that fall alike."""

    endpoints: tuple[tuple[bool, tuple[int, ...]], ...]
    """Whether each is Azure's, and the positions of its causes among all there are."""
    kinds: tuple[Kind, ...]
    """Of each cause."""
    unknown: int | None
    """The position of the unknown location, where an endpoint is there."""

    @classmethod
    def of(cls, endpoints: Iterable[Standing]) -> tuple[Pattern, tuple[Cause, ...]]:
        """The pattern, and the causes that its positions mean."""
        causes: dict[Cause, int] = {}
        rows = tuple(
            [(each.azure, tuple([causes.setdefault(one, len(causes)) for one in each.causes])) for each in endpoints]
        )
        named = tuple(causes)
        return cls(rows, tuple([kind for kind, _ in named]), causes.get(("location", UNKNOWN))), named

    def falls(self) -> tuple[Fall, ...]:
        """Everything that may be gone; what takes the fewest first."""
        takes: list[set[int]] = [set() for _ in self.kinds]
        for at, (_, causes) in enumerate(self.endpoints):
            for each in causes:
                takes[each].add(at)
        azure = {at for at, (is_azure, _) in enumerate(self.endpoints) if is_azure}
        unknown = frozenset[int]() if self.unknown is None else frozenset(takes[self.unknown])
        found = []
        for cause, (kind, taken) in enumerate(zip(self.kinds, takes, strict=True)):
            unsure = unknown if kind == "location" and not azure.isdisjoint(taken) else frozenset[int]()
            found.append(Fall(cause, unsure.union(taken), unsure))
        return tuple(sorted(found, key=lambda each: len(each.takes)))


def smallest(router: Router, name: str, of: tuple[Fall, ...], limit: int) -> tuple[int, ...] | None:
    """The fewest outages, at most ``limit``, that leave nothing to serve a name, as positions in ``of``; else None."""
    used = {hop.at for hop in router.chain(name)}
    relevant: dict[frozenset[int], int] = {}
    for at, each in enumerate(of):
        if not used.isdisjoint(each.takes):
            relevant.setdefault(each.takes, at)  # of those that take the same the first: the others strand no more
    for size in range(1, limit + 1):
        for chosen in combinations(relevant.values(), size):
            down = frozenset[int]().union(*(of[at].takes for at in chosen))
            if not router.chain(name, down=down):
                return chosen
    return None
