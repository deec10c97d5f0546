"""What the source comes to, between its words and ours: deployments, and the repository that is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from llmcompile.importing.source import Value
from llmcompile.importing.texts import Data
from llmcompile.refs import Ref

Prices = dict[str, Decimal]
"""Per million tokens, by unit."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a model does."""

    type: str
    realtime: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, by ref."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Named:
    """A named credential of ``llmcompile.yaml``."""

    name: str


@dataclass(frozen=True, slots=True)
class OAuth:
    """OAuth client credentials."""

    token_url: str
    client_id: str
    client_secret: Ref
    scope: str


Auth = Key | Named | OAuth | None


@dataclass(frozen=True, slots=True)
class Target:
    """Everything that an endpoint says besides its models: deployments that agree on it share an endpoint."""

    provider: str
    base_url: str | None = None
    """None: the provider's default."""
    version: str | None = None
    auth: Auth = None
    header: tuple[str, str] | None = None
    """Name and format of a header of the upstream's own."""
    timeout: Decimal | None = None
    """Seconds."""
    weight: int | None = None
    tags: tuple[str, ...] = ()
    batching: tuple[tuple[str, Data], ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of the source's list, understood."""

    at: Value
    name: str
    """The model, as the source's clients call it."""
    code: str
    """The same, by our code."""
    upstream: str
    """The model, as the upstream names it."""
    target: Target
    kind: Kind
    order: int = 0
    """Priority: lower comes first, equal ones in the order of the source."""
    id: str = ""
    """What other parts of the source call it."""
    label: str = ""
    """The same, if the source wrote it."""
    prices: Prices = field(default_factory=dict)
    priced_as: tuple[str, ...] = ()
    """The names under which a price list may have it, the surest first."""
    groups: tuple[str, ...] = ()
    defaults: dict[str, Data] = field(default_factory=dict)
    batch_inputs: int | None = None


@dataclass(slots=True)
class Endpoint:
    """An endpoint on its way."""

    target: Target
    models: dict[str, str] = field(default_factory=dict)
    """Upstream names by code."""
    labels: list[str] = field(default_factory=list)
    """What the source calls its deployments; empty for one that it does not name."""
    name: str = ""


@dataclass(slots=True)
class Model:
    """A model on its way."""

    code: str
    name: str
    """What the source calls it."""
    kind: Kind
    groups: tuple[str, ...] = ()
    defaults: dict[str, Data] = field(default_factory=dict)
    batch_inputs: int | None = None
    prices: Prices = field(default_factory=dict)
    fallbacks: dict[str, list[str]] = field(default_factory=dict)
    """Codes, by the field of our model."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a route group."""

    model: str
    endpoint: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """A route group."""

    name: str
    policy: str
    groups: tuple[str, ...]
    members: tuple[Member, ...]


@dataclass(slots=True)
class Fleet:
    """The repository on its way."""

    models: dict[str, Model] = field(default_factory=dict)
    endpoints: list[Endpoint] = field(default_factory=list)
    chains: dict[str, list[Endpoint]] = field(default_factory=dict)
    """Endpoints by priority, by code."""
    by_id: dict[str, tuple[str, Endpoint]] = field(default_factory=dict)
    """The model and endpoint that a deployment of the source became."""
    credentials: dict[str, Ref] = field(default_factory=dict)
    route_groups: list[RouteGroup] = field(default_factory=list)
