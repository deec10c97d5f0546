"""What can be asked of the router, and which path asks for it: the OpenAI API's paths, the same under Azure's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

OPERATION_OF_TYPE: Mapping[str, str] = MappingProxyType(
    {
        "chat": "chat/completions",
        "embedding": "embeddings",
        "image_generation": "images/generations",
        "audio_speech": "audio/speech",
        "audio_transcription": "audio/transcriptions",
        "rerank": "rerank",
        "realtime": "realtime",
    }
)
"""The operation path that serves a model type."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of an upstream."""

    path: str
    sends: Literal["json", "form", "socket"] = "json"
    """What its request is."""
    end: re.Pattern[bytes] | None = None
    """What a complete event stream ends in; None: nothing, any end of the connection that is clean will do."""
    asks_usage: bool = False
    """Whether a stream tells its usage only if ``stream_options`` ask for it."""
    stateful: bool = False
    """Whether its answers have ids that a later request may name, known to one upstream alone."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a path asks for."""

    kind: Literal["call", "state", "models", "health", "ready", "metrics", "openapi"]
    template: str
    """The path, with the names of what it names: ``/v1/models/{model}``."""
    operation: Operation | None = None
    name: str | None = None
    """What the path names: a model, or of ``state`` a response."""
    rest: str = ""
    """Of ``state``: what stands behind the response."""
    methods: tuple[str, ...] = ("GET", "HEAD")


# Each looks for its first letters and only then behind them whether they begin a line: a fraction of the work.
_DONE = re.compile(rb"data:(?<![^\r\n]data:) ?\[DONE\]")
_RESPONSE_DONE = re.compile(
    rb'(?:event:(?<![^\r\n]event:) ?|data:(?<![^\r\n]data:) ?\{"type": ?")'
    rb'(?:response\.(?:completed|failed|incomplete)|error)["\r\n]'
)
RESPONSES = Operation("responses", end=_RESPONSE_DONE, stateful=True)
_OPERATIONS = (
    Operation("chat/completions", end=_DONE, asks_usage=True),
    Operation("completions", end=_DONE, asks_usage=True),
    RESPONSES,
    Operation("embeddings"),
    Operation("images/generations"),
    Operation("audio/speech"),
    Operation("audio/transcriptions", sends="form"),
    Operation("rerank"),
    Operation("realtime", sends="socket"),
)

_METHODS = {"json": ("POST",), "form": ("POST",), "socket": ("GET",)}
_OF_RESPONSE = {"": ("GET", "DELETE"), "/cancel": ("POST",), "/input_items": ("GET",)}
_PREFIXES = ("/v1/", "/openai/v1/", "/openai/")  # the last one: where AzureOpenAI asks for what is no deployment's
_DEPLOYMENTS = "/openai/deployments/{model}/"
_NOT_AT_AZURES_ROOT = {each.path for each in _OPERATIONS} - {"responses", "realtime"}


def _routes() -> Iterator[Route]:
    yield from (Route("health", "/healthz"), Route("ready", "/readyz"), Route("metrics", "/metrics"))
    yield Route("openapi", "/openapi.json")
    for prefix in (*_PREFIXES, _DEPLOYMENTS):
        for each in _OPERATIONS:
            if prefix != "/openai/" or each.path not in _NOT_AT_AZURES_ROOT:
                yield Route("call", prefix + each.path, each, methods=_METHODS[each.sends])
    for prefix in _PREFIXES:
        yield Route("models", f"{prefix}models")
        yield Route("models", f"{prefix}models/{{model}}")
        for rest, methods in _OF_RESPONSE.items():
            yield Route("state", f"{prefix}responses/{{response}}{rest}", RESPONSES, rest=rest, methods=methods)


ROUTES: Mapping[str, Route] = MappingProxyType({each.template: each for each in _routes()})
"""All that is served, by template."""
_DEPLOYMENT = re.compile(f"/openai/deployments/([^/].*?)/({'|'.join(each.path for each in _OPERATIONS)})")
_MODEL = re.compile(r"(/v1|/openai/v1|/openai)/models/(.+)")
_RESPONSE = re.compile(r"(/v1|/openai/v1|/openai)/responses/([A-Za-z0-9_-]+)(|/cancel|/input_items)")


def match(path: str) -> Route | None:
    """The route of a decoded path."""
    if (found := ROUTES.get(path)) is not None and "{" not in path:
        return found
    if named := _DEPLOYMENT.fullmatch(path):
        return replace(ROUTES[_DEPLOYMENTS + named[2]], name=named[1])
    if named := _MODEL.fullmatch(path):
        return replace(ROUTES[f"{named[1]}/models/{{model}}"], name=named[2])
    if named := _RESPONSE.fullmatch(path):
        return replace(ROUTES[f"{named[1]}/responses/{{response}}{named[3]}"], name=named[2])
    return None
