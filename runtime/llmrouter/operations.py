"""The operations that exist: which one a model type is called by, and which of them this router serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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


SERVED: Mapping[str, Operation] = MappingProxyType(
    {
        operation.path: operation
        for operation in (Operation("chat/completions", ends_with_done=True), Operation("embeddings"))
    }
)
"""The operations that the router serves, by path."""
