"""What can be asked of the router, and which path asks for it: the OpenAI API's paths, the same under Azure's."""

from __future__ import annotations

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
    """One thing that can be asked of an upstream: its path, and how its event stream says that it is complete."""

    path: str
    ends_with_done: bool = False
    """Whether a complete event stream ends in ``data: [DONE]``."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a path asks for."""

    kind: Literal["call", "models", "health", "ready"]
    operation: Operation | None = None
    model: str | None = None
    """The model that the path names."""

    @property
    def methods(self) -> tuple[bytes, ...]:
        """The methods it takes."""
        return (b"POST",) if self.kind == "call" else (b"GET", b"HEAD")


_SERVED = (Operation("chat/completions", ends_with_done=True), Operation("embeddings"))
_DEPLOYMENTS = "/openai/deployments/"
_PREFIXES = ("/v1/", "/openai/v1/", "/openai/")  # AzureOpenAI lists models under the last one
_MODELS = "models"
_FIXED = {"/healthz": Route("health"), "/readyz": Route("ready")}
_FIXED |= {f"{prefix}{_MODELS}": Route("models") for prefix in _PREFIXES}
_FIXED |= {f"{prefix}{each.path}": Route("call", each) for prefix in _PREFIXES[:2] for each in _SERVED}


def match(path: str) -> Route | None:
    """The route of a decoded path."""
    found = _FIXED.get(path)
    if found is not None:
        return found
    if path.startswith(_DEPLOYMENTS):
        for operation in _SERVED:
            model = path[len(_DEPLOYMENTS) :].removesuffix(f"/{operation.path}")
            if path.endswith(f"/{operation.path}") and model:
                return Route("call", operation, model)
        return None
    for prefix in _PREFIXES:
        model = path.removeprefix(f"{prefix}{_MODELS}/")
        if model and model != path:
            return Route("models", model=model)
    return None
