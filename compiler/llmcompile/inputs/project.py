"""``llmcompile.yaml``: what all accounts, regions and models share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from llmcompile.inputs.base import Input, problem
from llmcompile.inputs.endpoint import Count, Credential, Text
from llmcompile.inputs.values import AccountId, GroupName, ModelCode, Name, Unique, kind_of


class Tier(Input):
    """Limits for traffic over the platform's endpoints. What is left out is not limited."""

    requests_per_minute: Count | None = None
    """Requests in any minute."""
    tokens_per_day: Count | None = None
    """Input and output tokens in a day, UTC."""
    concurrent: Count | None = None
    """Requests on their way at once."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.requests_per_minute is self.tokens_per_day is self.concurrent is None:
            hint = "write at least one of requests_per_minute, tokens_per_day, concurrent"
            raise problem("value-invalid", "a tier without any limit", hint)
        return self


class SharedLimits(Input):
    """Limits and budgets that several routers count in one Redis."""

    when_unavailable: Literal["open", "closed"] = "open"
    """While it is out of reach: open, each router counts for itself; closed, what is limited is refused."""


class AccessGroup(Input):
    """An access group that may be granted before a model carries it."""

    description: Text | None = None
    """What the group is for."""


class Guards(Input):
    """When a push asks for confirmation."""

    max_change_percent: Annotated[int, Field(ge=1, le=100)] = 30
    """The share of documents that may change at once."""
    min_changes: Annotated[int, Field(ge=0, le=10**6)] = 5
    """Up to this many changes are never held up."""


class Former(Input):
    """Ids that have left for good."""

    accounts: Annotated[tuple[AccountId, ...], Unique] = ()
    """Accounts."""
    models: Annotated[tuple[ModelCode, ...], Unique] = ()
    """Models, by code."""


def _whole(value: Any) -> Any:
    """The version, unless it only compares equal to one: True == 1 == 1.0 in Python."""
    if isinstance(value, bool | Decimal):
        raise problem("type-wrong", f"expected a whole number, found {kind_of(value)}", "write 1")
    return value


class Project(Input):
    """The project file; it marks the root of the repository."""

    # Defaults are constructed, not validated: that would build three validators wherever this module is imported.
    version: Annotated[Literal[1], BeforeValidator(_whole)]
    """The format of the YAML."""
    stores: dict[Name, Text] = Field(default={}, examples=[{"local": "dir:.llmcompile/store"}])
    """Where compiled documents are pushed, by name: dir:PATH or gcpsecrets://PROJECT."""
    tiers: dict[Name, Tier] = {}
    """Limits, by name."""
    limits: SharedLimits = SharedLimits.model_construct()
    """What becomes of limits and budgets while they cannot be counted."""
    access_groups: dict[GroupName, AccessGroup | None] = {}
    """Access groups with a description. Groups that models carry need no entry."""
    credentials: dict[Name, Credential] = {}
    """Credentials that several endpoints share, by name."""
    guards: Guards = Guards.model_construct()
    """When a push asks for confirmation."""
    price_horizon_days: Annotated[int, Field(ge=0, le=3650)] = 90
    """For how long from now every served model must have a price."""
    former: Former = Former.model_construct()
    """Ids that have left for good: check --against lets them go, and nobody may have them again."""
