"""What the page shows, as plain frozen data. No secret is in it: neither a value nor the hash of a key.

All text is meant to be shown as it is; what comes from the YAML was masked when it was collected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

State = Literal["survives", "fallback", "falls", "unserved"]
"""How a name stands: any one outage leaves it an endpoint, or a fallback; one outage strands it; nothing serves it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a file."""

    file: str
    """Path below the root, with forward slashes."""
    line: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnostic."""

    severity: str
    code: str
    message: str
    hint: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Claim:
    """A proof and what it came to."""

    name: str
    claim: str
    state: Literal["holds", "fails", "not proven"]
    says: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something dated."""

    at: str
    """A date, or a UTC timestamp."""
    distance: str
    """From now, in words."""
    overdue: bool
    kind: str
    what: str
    breaks: str
    """The code of the error that it is from then on; empty: nothing breaks."""
    spot: Spot


@dataclass(frozen=True, slots=True)
class Size:
    """The bytes that a document takes in a secret, with room for what its refs stand for."""

    kind: str
    owner: str
    size: int
    spot: Spot


@dataclass(frozen=True, slots=True)
class Step:
    """A price from one instant to another."""

    start: datetime
    end: datetime | None
    """Exclusive; None: it never ends."""
    price: Decimal


@dataclass(frozen=True, slots=True)
class Timeline:
    """The prices of one unit of a model, by ascending start."""

    unit: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A row of prices as it is written."""

    start: datetime
    end: datetime | None
    """Exclusive; None: it never ends."""
    prices: Mapping[str, Decimal]
    """Per million tokens, by unit."""
    holds: bool
    """Whether it holds now."""
    spot: Spot


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the catalogue."""

    code: str
    name: str
    type: str
    groups: tuple[str, ...]
    currency: str
    rows: tuple[PriceRow, ...]
    timelines: tuple[Timeline, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One upstream."""

    label: str
    """``tenant:NAME`` or ``platform:NAME``, as the router logs it."""
    provider: str
    host: str
    geo: str
    """Empty: nothing says."""
    spot: Spot
    served: Mapping[str, int]
    """The line, in the same file, that lists each model."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region with the platform's endpoints there."""

    name: str
    endpoints: tuple[Endpoint, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers for a name, and what remains when something is gone."""

    hops: tuple[tuple[str, int], ...]
    """Model and endpoint, first choice first: positions count the account's own endpoints, then the region's."""
    state: State
    strands: str
    """The outage after which nothing serves it; empty: no single one does."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An account in one of its regions."""

    region: str
    must: int
    """Outages at once that its names must survive."""
    answers: Mapping[str, Answer]
    """By each model and route group that the account may call."""
    spot: Spot


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who may call: the account itself, a team or a key."""

    kind: Literal["account", "team", "key"]
    name: str
    allowed: tuple[str, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account."""

    id: str
    source: str
    tier: str
    endpoints: tuple[Endpoint, ...]
    groups: Mapping[str, str]
    """Its route groups: how each chooses, in words."""
    seats: tuple[Seat, ...]
    callers: tuple[Caller, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page."""

    as_of: datetime
    horizon: datetime
    """Up to here every price must be known."""
    models: tuple[Model, ...]
    regions: tuple[Region, ...]
    accounts: tuple[Account, ...]
    problems: tuple[Problem, ...]
    claims: tuple[Claim, ...]
    events: tuple[Event, ...]
    sizes: tuple[Size, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of everything."""
        owned = [each.endpoints for each in self.regions] + [each.endpoints for each in self.accounts]
        keys = sum(each.kind == "key" for account in self.accounts for each in account.callers)
        return {
            "accounts": len(self.accounts),
            "models": len(self.models),
            "regions": len(self.regions),
            "endpoints": sum(map(len, owned)),
            "keys": keys,
            "documents": len(self.sizes),
        }

    @property
    def weakest(self) -> list[tuple[str, int]]:
        """Each single outage that strands something, with how much; the worst first."""
        every = (answer for account in self.accounts for seat in account.seats for answer in seat.answers.values())
        found = Counter(each.strands for each in every if each.strands)
        return sorted(found.items(), key=lambda each: (-each[1], each[0]))

    @property
    def standing(self) -> dict[State, int]:
        """How many combinations of account, region and name stand in each way."""
        found: dict[State, int] = {"survives": 0, "fallback": 0, "falls": 0, "unserved": 0}
        for account in self.accounts:
            for seat in account.seats:
                for answer in seat.answers.values():
                    found[answer.state] += 1
        return found
