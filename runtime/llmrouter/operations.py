"""What can be asked of the router, and which path asks for it: the OpenAI API's paths, the same under Azure's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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

    kind: Literal["call", "state", "models", "health", "ready", "metrics"]
    operation: Operation | None = None
    name: str | None = None
    """What the path names: a model, or of ``state`` a response."""
    rest: str = ""
    """Of ``state``: what stands behind the response."""
    methods: tuple[str, ...] = ("GET", "HEAD")


_DONE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")
_RESPONSE_DONE = re.compile(
    rb'(?:^|[\r\n])(?:event: ?|data: ?\{"type": ?")(?:response\.(?:completed|failed|incomplete)|error)["\r\n]'
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
_NOT_AT_AZURES_ROOT = {each.path for each in _OPERATIONS} - {"responses", "realtime"}
_FIXED = {"/healthz": Route("health"), "/readyz": Route("ready"), "/metrics": Route("metrics")}
_FIXED |= {f"{prefix}models": Route("models") for prefix in _PREFIXES}
_FIXED |= {
    f"{prefix}{each.path}": Route("call", each, methods=_METHODS[each.sends])
    for prefix in _PREFIXES
    for each in _OPERATIONS
    if prefix != "/openai/" or each.path not in _NOT_AT_AZURES_ROOT
}
_DEPLOYMENT = re.compile(f"/openai/deployments/([^/].*?)/({'|'.join(each.path for each in _OPERATIONS)})")
_BY_PATH = {each.path: each for each in _OPERATIONS}
_MODEL = re.compile(r"(?:/v1|/openai/v1|/openai)/models/(.+)")
_RESPONSE = re.compile(r"(?:/v1|/openai/v1|/openai)/responses/([A-Za-z0-9_-]+)(|/cancel|/input_items)")


def match(path: str) -> Route | None:
    """The route of a decoded path."""
    if path in _FIXED:
        return _FIXED[path]
    if found := _DEPLOYMENT.fullmatch(path):
        operation = _BY_PATH[found[2]]
        return Route("call", operation, found[1], methods=_METHODS[operation.sends])
    if found := _MODEL.fullmatch(path):
        return Route("models", name=found[1])
    if found := _RESPONSE.fullmatch(path):
        return Route("state", RESPONSES, found[1], found[2], _OF_RESPONSE[found[2]])
    return None
