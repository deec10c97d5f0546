"""Endpoints, credentials and batch settings, as written in accounts, regions and the project file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from llmcompile.inputs.base import Input, problem
from llmcompile.inputs.urls import Url
from llmcompile.inputs.values import (
    Geo,
    Instant,
    Location,
    ModelName,
    Name,
    Seconds,
    SecretRef,
    ServedModel,
    ServedModels,
    Tags,
    Unique,
)
from llmcompile.inputs.words import Word

Count = Annotated[int, Field(ge=1, le=10**12)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Survive = Annotated[int, Field(ge=0, le=3)]
"""Outages at once, each of an endpoint, a cloud's region, a credential or a token endpoint."""


class OAuth(Input):
    """OAuth 2.0 client credentials, as Microsoft Entra ID issues them."""

    token_url: Url
    """Where tokens are fetched from."""
    client_id: Text = Field(examples=["3f2b6c1e-0000-4000-8000-000000000000"])
    """The application's id; no secret."""
    client_secret: SecretRef
    """A ref to the application's secret."""
    scopes: Annotated[tuple[Text, ...], Unique, Field(min_length=1)] = Field(
        examples=[["api://00000000-0000-4000-8000-000000000000/.default"]]
    )
    """The scopes to ask for."""


class AuthHeader(Input):
    """A header of the upstream's own in which the key is sent, in place of the usual one."""

    name: Text = Field(examples=["X-Api-Key"])
    """The header's name."""
    format: Text = Field(examples=["{api_key}", "Key {api_key}"])
    """The header's value, with the placeholder {api_key} exactly once."""


class ChatBatching(Input):
    """How chat requests to an endpoint may be batched."""

    mode: Literal["concurrent", "sync_microbatch", "disabled", "native_async_batch"]
    """concurrent, sync_microbatch or disabled; native_async_batch is reserved."""
    max_in_flight: Count | None = None
    """Requests on their way at once."""
    upstream_max_batch_size: Count | None = None
    """Prompts in one upstream request; required, and at least 2, for sync_microbatch."""
    max_total_input_tokens: Count | None = None
    """Input tokens in one batch."""
    require_homogeneous_params: bool = True
    """Must stay true: prompts with different parameters are never batched together."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.mode == "native_async_batch":
            raise problem("batching-mode", "native_async_batch is reserved", "use concurrent", below=("mode",))
        if not self.require_homogeneous_params:
            where = ("require_homogeneous_params",)
            raise problem("batching-mode", "require_homogeneous_params must stay true", "remove the line", below=where)
        size = self.upstream_max_batch_size
        if self.mode == "sync_microbatch" and (size is None or size < 2):
            where = ("upstream_max_batch_size",) if size else ("mode",)
            message = "sync_microbatch needs upstream_max_batch_size of at least 2"
            raise problem("batching-mode", message, "write upstream_max_batch_size: 8", below=where)
        if self.mode != "sync_microbatch" and size is not None:
            where = ("upstream_max_batch_size",)
            raise problem("batching-mode", "upstream_max_batch_size is for sync_microbatch", "remove it", below=where)
        return self


class Authenticated(Input):
    """How to authenticate and where: what endpoints and named credentials have in common."""

    provider: Annotated[Text, Word("provider")] | None = Field(default=None, examples=["azure", "openai", "groq"])
    """The provider, from the registry. It decides the default URL, the auth style and what can be served."""
    base_url: Url | None = None
    """The upstream's base URL; required for azure, else the provider's default."""
    version: Text | None = Field(default=None, examples=["2024-10-21"])
    """The Azure API version; the router's default where absent."""
    sunset: Instant | None = None
    """When the upstream stops accepting the version, as the Sunset header of RFC 8594 has it."""
    api_key: SecretRef | None = None
    """A ref to the API key."""
    oauth: OAuth | None = None
    """OAuth in place of a key (azure)."""
    auth_header: AuthHeader | None = None
    """A custom header for the key."""
    expires: Instant | None = None
    """When the key, or the client secret of oauth, is no longer accepted."""

    @model_validator(mode="after")
    def _one_auth(self) -> Self:
        written = [each for each in ("api_key", "oauth", "credential") if getattr(self, each, None) is not None]
        if len(written) > 1:
            raise problem(
                "auth-conflict",
                f"{' and '.join(written)} are written; an endpoint has one way to authenticate",
                "keep one of them",
                below=(written[1],),
                at="key",
                first=(written[0],),
                first_label="the other one",
            )
        return self

    @model_validator(mode="after")
    def _dates_something(self) -> Self:
        if self.expires and not (self.api_key or self.oauth):
            hint = "write it where api_key or oauth is written"
            raise problem(
                "key-missing", "expires dates a key, and none is written here", hint, below=("expires",), at="key"
            )
        if self.sunset and not self.version:
            hint = "add version: YYYY-MM-DD, or remove the line"
            raise problem(
                "key-missing", "sunset dates a version, and none is written here", hint, below=("sunset",), at="key"
            )
        return self


class Credential(Authenticated):
    """A named credential, shared by endpoints. What is written here wins over an endpoint's own fields."""


class Endpoint(Authenticated):
    """One upstream base URL with its credential."""

    credential: Annotated[Name, Word("credential")] | None = None
    """A credential of llmcompile.yaml, in place of api_key or oauth."""
    timeout_seconds: Seconds | None = None
    """How long the router waits for the first byte."""
    weight: Count | None = None
    """Share among endpoints of one priority."""
    tags: Tags = ()
    """For routing, never for access."""
    geo: Geo | None = Field(default=None, examples=["eu", "ch"])
    """Where it processes and stores data; what an account's residency is proven against."""
    location: Location | None = Field(default=None, examples=["switzerlandnorth"])
    """The cloud's region that it runs in, where neither host nor name says so: what fails together."""
    chat_batching: ChatBatching | None = None
    """How chat requests may be batched."""


class RegionEndpoint(Endpoint):
    """An endpoint of the platform's own."""

    models: dict[ServedModel, ModelName] = Field(default={}, examples=[{"gpt-4o": "gpt-4o-2024-11-20"}])
    """The upstream's own name of a model, where it differs from the code."""


def _list_or_map(value: Any) -> str:
    return "<map>" if isinstance(value, Mapping) else "<list>"


SupportedModels = Annotated[
    Annotated[ServedModels, Tag("<list>")] | Annotated[dict[ServedModel, ModelName], Tag("<map>")],
    Discriminator(_list_or_map),
]


class AccountEndpoint(Endpoint):
    """An endpoint of the account's own. The order of endpoints is their priority."""

    deployment_prefix: Text | None = Field(default=None, examples=["custom-"])
    """Joined as written in front of each model's code; names written as {public: upstream} are left as they are."""
    supported_models: SupportedModels = Field(examples=[["gpt-4o", "gpt-4o-mini"], {"gpt-4o": "prod-gpt-4o"}])
    """The models it serves: a list of codes, or {public: upstream-name}."""
