"""``regions/REGION.yaml``: the platform's own endpoints in one region."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from llmcompile.inputs.base import Input
from llmcompile.inputs.endpoint import RegionEndpoint, Survive, Text
from llmcompile.inputs.values import EndpointName, Name, RegionId, ServedModel, Unique


class Region(Input):
    """The platform's endpoints in a region, and which of them serve a model in which order."""

    region: RegionId
    """The cluster's region, and the file's name."""
    description: Text | None = None
    """A note for readers."""
    survive: Survive | None = None
    """How many outages at once each model of the accounts here must survive."""
    endpoints: dict[Name, RegionEndpoint] = {}
    """The endpoints, by name."""
    models: dict[ServedModel, Annotated[tuple[EndpointName, ...], Unique]] = Field(
        default={}, examples=[{"gpt-4o": ["switzerlandnorth", "swedencentral"]}]
    )
    """For each model its endpoints by priority: primary, secondary."""
