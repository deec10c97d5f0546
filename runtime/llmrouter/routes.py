"""Which path means what. The paths of the OpenAI API and the same under Azure's, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmrouter.operations import SERVED, Operation

_DEPLOYMENTS = "/openai/deployments/"
_PREFIXES = ("/v1/", "/openai/v1/", "/openai/")  # AzureOpenAI lists models under the last one
_MODELS = "models"


@dataclass(frozen=True, slots=True)
class Route:
    """What a path asks for."""

    kind: Literal["call", "models", "health", "ready"]
    operation: Operation | None = None
    model: str | None = None
    """The model that the path names."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it takes."""
        return ("POST",) if self.kind == "call" else ("GET", "HEAD")


_FIXED = {"/healthz": Route("health"), "/readyz": Route("ready")}
_FIXED |= {f"{prefix}{_MODELS}": Route("models") for prefix in _PREFIXES}
_FIXED |= {f"{prefix}{path}": Route("call", SERVED[path]) for prefix in _PREFIXES[:2] for path in SERVED}


def match(path: str) -> Route | None:
    """The route of a decoded path."""
    found = _FIXED.get(path)
    if found is not None:
        return found
    if path.startswith(_DEPLOYMENTS):
        for operation in SERVED.values():
            model = path[len(_DEPLOYMENTS) :].removesuffix(f"/{operation.path}")
            if path.endswith(f"/{operation.path}") and model:
                return Route("call", operation, model)
        return None
    for prefix in _PREFIXES:
        model = path.removeprefix(f"{prefix}{_MODELS}/")
        if model and model != path:
            return Route("models", model=model)
    return None
