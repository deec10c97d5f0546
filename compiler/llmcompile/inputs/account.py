"""``accounts/ACCOUNT.yaml``: one customer with endpoints, rights, teams, keys and route groups."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from llmcompile.inputs.base import Input, problem
from llmcompile.inputs.budget import Budget
from llmcompile.inputs.endpoint import AccountEndpoint, Count, Survive, Text
from llmcompile.inputs.values import (
    AccountId,
    Callables,
    EndpointName,
    Geo,
    GrantedGroups,
    Groups,
    Name,
    RegionName,
    ServedModel,
    TierName,
    Unique,
    kind_of,
)


class Access(Input):
    """What may be called: the models that carry one of the groups, and those listed."""

    groups: GrantedGroups = ()
    """Access groups."""
    models: Callables = ()
    """Single models or route groups."""


class Restriction(Input):
    """What a team or key may call."""

    mode: Literal["inherit", "restrict"] = "inherit"
    """inherit: what the parent may; restrict: only what is listed here, which the parent must have too."""
    groups: GrantedGroups = ()
    """Access groups, with restrict."""
    models: Callables = ()
    """Single models or route groups, with restrict."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.mode == "inherit" and (self.groups or self.models):
            where = ("groups" if self.groups else "models",)
            message = "mode inherit leaves no room for groups or models"
            raise problem("access-conflict", message, "write mode: restrict, or remove the list", below=where, at="key")
        return self


class Team(Restriction):
    """A team of the account."""

    description: Text | None = None
    """What the team does."""


def _sha256(value: Any) -> str:
    if not isinstance(value, str):
        raise problem(
            "type-wrong", f"expected text, found {kind_of(value)}", "fill it in" if value is None else "quote it"
        )
    if len(value) != 64 or set(value) - set("0123456789abcdef"):
        hint = 'printf %s "$KEY" | sha256sum'
        raise problem("value-invalid", "not a SHA-256 hash of 64 lowercase hexadecimal digits", hint)
    return value


Sha256 = Annotated[str, PlainValidator(_sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]


class Key(Restriction):
    """A router key; only its hash is written."""

    id: Name
    """The key's name in logs."""
    sha256: Sha256
    """SHA-256 of the key, 64 hexadecimal digits."""
    team: Name | None = None
    """The team whose rights it has; left out, the account's."""
    tier: TierName | None = None
    """Limits of the key's own."""
    budget: Budget | None = None
    """What all of its requests may cost, over whatever endpoints."""


class Member(Input):
    """One member of a route group."""

    model: ServedModel
    """A model of the catalogue."""
    endpoint: EndpointName | None = None
    """Only this endpoint; left out, the model's whole chain."""
    weight: Count = 1
    """The chance to be drawn first, with policy weighted."""


class RouteGroup(Input):
    """A named callable target over several models."""

    description: Text | None = None
    """What it is for."""
    policy: Literal["ordered", "weighted"] = "ordered"
    """ordered: members in order; weighted: the first is drawn by weight, the rest follow in order."""
    access_groups: Groups = ()
    """Who may call it, as on models."""
    members: tuple[Member, ...]
    """The members, in order."""


class Account(Input):
    """A customer account."""

    account: AccountId
    """The account's id, and the file's name."""
    previously: Annotated[tuple[AccountId, ...], Unique] = Field(default=(), examples=[["acme-old"]])
    """Ids that it had before: check --against takes them for renamed, not for gone."""
    description: Text | None = None
    """A note for readers."""
    region: RegionName | None = None
    """The region whose cluster runs its router."""
    regions: Annotated[tuple[RegionName, ...], Unique, Field(min_length=1)] | None = None
    """Several regions; each has its own router and platform endpoints."""
    source: Literal["auto", "platform", "tenant", "local"] = "auto"
    """auto: an own endpoint that lists the model, else the platform; platform, tenant or local: that alone."""
    tier: TierName | None = None
    """Limits for traffic over the platform's endpoints."""
    budget: Budget | None = None
    """What its traffic over the platform's endpoints may cost."""
    survive: Survive | None = None
    """How many outages at once each of its models must survive; wins over the region's."""
    residency: Annotated[tuple[Geo, ...], Unique, Field(min_length=1)] | None = Field(
        default=None, examples=[["eu", "ch"]]
    )
    """Where its data may be processed and stored: the geo of every endpoint that its requests can reach."""
    access: Access | None = None
    """What it may call; left out: everything that its endpoints serve."""
    teams: dict[Name, Team] = {}
    """Teams, by name."""
    keys: tuple[Key, ...] = ()
    """Router keys. Without any, the router listens on loopback alone."""
    endpoints: dict[Name, AccountEndpoint] = {}
    """The account's own endpoints; their order is priority."""
    route_groups: dict[Name, RouteGroup] = Field(
        default={}, examples=[{"assistant": {"members": [{"model": "gpt-4o"}, {"model": "gpt-4o-mini"}]}}]
    )
    """Callable names over several models."""

    @model_validator(mode="after")
    def _one_region(self) -> Self:
        if self.region and self.regions:
            raise problem(
                "key-conflict",
                "region and regions exclude each other",
                "keep one of them",
                below=("regions",),
                at="key",
                first=("region",),
                first_label="the other one",
            )
        if not self.region and not self.regions:
            raise problem("key-missing", "neither region nor regions is written", "add region: REGION", at="key")
        return self

    @property
    def all_regions(self) -> tuple[str, ...]:
        """Its regions, one or several."""
        return self.regions or ((self.region,) if self.region else ())
