"""What the router routes between: endpoints, candidates, models, groups and keys.

Plain frozen data with the few answers that follow from it alone. It knows two URL shapes and a few ways
to authenticate, and nothing of any provider.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

from llmrouter.prices import TokenCost
from llmrouter.secret import Secret

PathStyle = Literal["azure", "openai"]
Source = Literal["auto", "platform", "tenant", "local"]
Origin = Literal["tenant", "platform"]
Level = Literal["soft", "hard"]
AuthKind = Literal["api-key", "bearer", "oauth", "custom", "none"]

DEFAULT_API_VERSION = "2024-10-21"


@dataclass(frozen=True, slots=True)
class OAuth:
    """A client-credentials grant."""

    token_url: str
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthHeader:
    """A header of the upstream's own for the key; ``format`` holds ``{api_key}``."""

    name: str
    format: str


@dataclass(frozen=True)  # without slots, which leave no room for what is worked out once
class Endpoint:
    """One upstream base URL with its credential."""

    name: str
    source: Origin
    provider: str
    """For logs alone; nothing is decided by it."""
    base_url: str
    """Without a slash at the end."""
    path_style: PathStyle
    version: str | None
    """API version of the azure path style, the default filled in."""
    api_key: Secret | None = None
    oauth: OAuth | None = None
    auth_header: AuthHeader | None = None
    deployment_prefix: str = ""
    upstream_names: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Model code to the upstream's own name, where it is not prefix and code."""
    timeout_seconds: float | None = None
    """Limit to the first byte; None: the router's."""
    weight: int | None = None
    """Share among neighbours that have one too."""
    tags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name with its source, which makes it unique: ``tenant:default``."""
        return f"{self.source}:{self.name}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """OAuth scopes; empty without OAuth."""
        return self.oauth.scopes if self.oauth else ()

    @cached_property
    def auth_kind(self) -> AuthKind:
        """How the router identifies itself upstream."""
        if self.auth_header and self.api_key:
            return "custom"
        if self.oauth:
            return "oauth"
        if not self.api_key:
            return "none"
        return "api-key" if self.path_style == "azure" else "bearer"

    def upstream_name(self, model: str) -> str:
        """The upstream's own name of a model: as written, else the prefix and the code joined as they are."""
        return self.upstream_names.get(model, self.deployment_prefix + model)

    def auth_headers(self, token: str | None = None) -> Mapping[str, str]:
        """The headers that authenticate upstream; ``token`` is the OAuth access token where one is used."""
        return {"authorization": f"Bearer {token}"} if self.auth_kind == "oauth" else self._key_headers

    @cached_property
    def _key_headers(self) -> Mapping[str, str]:
        if self.api_key is None:
            return {}
        key = self.api_key.reveal()
        if self.auth_header:
            return {self.auth_header.name.lower(): self.auth_header.format.replace("{api_key}", key)}
        return {"api-key": key} if self.auth_kind == "api-key" else {"authorization": f"Bearer {key}"}


@dataclass(frozen=True)  # without slots, as an endpoint
class Candidate:
    """One place where one model can be called."""

    model: str
    upstream_model: str
    endpoint: Endpoint

    def url(self, operation: str) -> str:
        """The upstream URL of an operation such as ``chat/completions``; a WebSocket's for ``realtime``."""
        found = self._urls.get(operation)
        if found is None:
            found = self._urls[operation] = self._url(operation)
        return found

    @cached_property
    def _urls(self) -> dict[str, str]:
        return {}

    def _url(self, operation: str) -> str:
        base, deployment = self.endpoint.base_url, quote(self.upstream_model, safe="")
        version = quote(self.endpoint.version or DEFAULT_API_VERSION, safe="")
        azure = self.endpoint.path_style == "azure"
        if operation == "realtime":
            socket = "ws" + base.removeprefix("http")
            query = f"api-version={version}&deployment={deployment}" if azure else f"model={deployment}"
            return f"{socket}/{'openai/' if azure else ''}realtime?{query}"
        if not azure:
            return f"{base}/{operation}"
        if operation == "responses":  # of the resource: the deployment is named in the body
            return f"{base}/openai/responses?api-version={version}"
        return f"{base}/openai/deployments/{deployment}/{operation}?api-version={version}"

    @property
    def auth_kind(self) -> AuthKind:
        """How the router identifies itself upstream."""
        return self.endpoint.auth_kind

    @property
    def header_names(self) -> tuple[str, ...]:
        """Names of the headers that authenticate upstream, in lower case."""
        return tuple(self.endpoint.auth_headers("-"))


@dataclass(frozen=True)  # without slots, as an endpoint
class Model:
    """A public model. Without a policy its type is unknown and it has no prices."""

    code: str
    type: str | None = None
    realtime: bool = False
    token_costs: tuple[TokenCost, ...] = ()
    default_params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: tuple[str, ...] = ()
    content_policy_fallbacks: tuple[str, ...] = ()

    @cached_property
    def defaults(self) -> Mapping[str, bytes]:
        """The default parameters, each as JSON."""
        return {name: json.dumps(value, separators=(",", ":")).encode() for name, value in self.default_params.items()}


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a route group; with an endpoint, only that one serves it."""

    model: str
    endpoint: str | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """A callable name over several models or endpoints."""

    name: str
    policy: Literal["ordered", "weighted"]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """A tier. None: not limited."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """Money for a calendar month, UTC. None: no such line."""

    currency: str
    soft: Decimal | None = None
    """From here on it is said."""
    hard: Decimal | None = None
    """From here on nothing is let in."""

    @property
    def lines(self) -> tuple[tuple[Level, Decimal], ...]:
        """Both, as far as they are drawn."""
        drawn: tuple[tuple[Level, Decimal | None], ...] = (("soft", self.soft), ("hard", self.hard))
        return tuple((level, line) for level, line in drawn if line is not None)


@dataclass(frozen=True, slots=True)
class Key:
    """A router key: its hash, and what it may call."""

    id: str
    sha256: str
    team: str | None
    allowed: frozenset[str]
    limits: Limits | None = None
    budget: Budget | None = None
