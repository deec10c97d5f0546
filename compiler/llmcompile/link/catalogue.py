"""The catalogue: everything linked, and the questions that checks and emitters ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from llmcompile.diagnostics import Place
from llmcompile.inputs.account import Account as AccountInput
from llmcompile.inputs.endpoint import AuthHeader, ChatBatching
from llmcompile.inputs.model import FALLBACKS
from llmcompile.inputs.model import Model as ModelInput
from llmcompile.inputs.project import Project
from llmcompile.inputs.region import Region as RegionInput
from llmcompile.providers import Provider, split_prefix
from llmcompile.refs import Ref


@dataclass(frozen=True, slots=True)
class OAuth:
    """OAuth client credentials with the secret as a ref."""

    token_url: str
    client_id: str
    client_secret: Ref
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """A model on an endpoint."""

    code: str
    upstream: str | None
    """The upstream's own name, where it was written; None: prefix and code."""
    place: Place


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One upstream with everything filled in: credential applied, provider's defaults lowered."""

    name: str
    place: Place
    provider: Provider
    base_url: str
    version: str | None
    auth: Ref | OAuth | None
    auth_header: AuthHeader | None
    prefix: str | None
    served: tuple[Served, ...]
    timeout_seconds: Decimal | None
    weight: int | None
    tags: tuple[str, ...]
    chat_batching: ChatBatching | None

    @property
    def codes(self) -> tuple[str, ...]:
        """The models it serves, in the order written."""
        return tuple(each.code for each in self.served)


@dataclass(frozen=True, slots=True)
class Model:
    """A model and where it is written."""

    file: str
    input: ModelInput

    @property
    def realtime(self) -> bool:
        """Whether it is called over the WebSocket."""
        return self.input.realtime or self.input.type == "realtime"

    @property
    def falls_back(self) -> bool:
        """Whether it names a fallback of any kind."""
        return any(getattr(self.input, each) for each in FALLBACKS)


@dataclass(frozen=True, slots=True)
class Region:
    """A region with its endpoints."""

    file: str
    input: RegionInput
    endpoints: dict[str, Endpoint]


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its own endpoints."""

    file: str
    input: AccountInput
    endpoints: dict[str, Endpoint]

    @property
    def id(self) -> str:
        """Its id."""
        return self.input.account


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All that was written, by id. What follows from the shared files is worked out once, not for each account."""

    project: Project
    models: dict[str, Model]
    regions: dict[str, Region]
    accounts: dict[str, Account]
    model_groups: dict[str, frozenset[str]]
    """Access groups by model code."""
    broken_models: frozenset[str]
    broken_regions: frozenset[str]
    broken_accounts: frozenset[str] = frozenset()

    @property
    def owners(self) -> tuple[Region | Account, ...]:
        """Everyone who has endpoints: regions, then accounts."""
        return (*self.regions.values(), *self.accounts.values())

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint that could be linked."""
        for owner in self.owners:
            yield from owner.endpoints.values()

    def served(self) -> dict[str, Place]:
        """Every model that some endpoint serves, with the first place that says so."""
        served: dict[str, Place] = {}
        for endpoint in self.endpoints():
            for each in endpoint.served:
                served.setdefault(each.code, each.place)
        return served

    def demands_proof(self, account: Account) -> bool:
        """Whether the account or a region of it says what must survive an outage, or where data must stay."""
        written = account.input
        regions = (self.regions[each].input for each in written.all_regions if each in self.regions)
        return bool(written.survive or written.residency or any(each.survive for each in regions))

    def knows_model(self, code: str) -> bool:
        """Whether a model of this code exists, even if its file could not be loaded."""
        return code in self.models or code in self.broken_models

    @cached_property
    def platform_codes(self) -> dict[str, frozenset[str]]:
        """Codes of the models that the platform serves, by region."""
        return {
            name: frozenset(split_prefix(listed)[1] for listed in region.input.models)
            for name, region in self.regions.items()
        }

    @cached_property
    def falling(self) -> frozenset[str]:
        """Codes of the models that name a fallback of any kind."""
        return frozenset(code for code, model in self.models.items() if model.falls_back)

    def platform_models(self, account: Account) -> frozenset[str]:
        """Codes of every model that the platform serves in any of the account's regions."""
        return frozenset().union(*(self.platform_codes.get(each, ()) for each in account.input.all_regions))

    def reachable(self, account: Account) -> frozenset[str]:
        """Codes that some endpoint serves for the account by its source, in any of its regions."""
        own = {code for endpoint in account.endpoints.values() for code in endpoint.codes}
        if account.input.source in ("tenant", "local"):
            return frozenset(own)
        platform = self.platform_models(account)
        return platform if account.input.source == "platform" else platform | own
