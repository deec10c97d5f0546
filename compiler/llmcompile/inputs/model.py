"""``models/CODE.yaml``: one model of the catalogue with its dated prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from llmcompile.inputs.base import Input, problem
from llmcompile.inputs.endpoint import Text
from llmcompile.inputs.urls import Link
from llmcompile.inputs.values import Currency, Groups, Instant, ModelCode, Models, Price, Unique

ModelType = Literal[
    "chat", "realtime", "embedding", "image_generation", "audio_speech", "audio_transcription", "rerank"
]
FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
UNITS = (
    "text_input",
    "cached_text_input",
    "text_output",
    "audio_input",
    "cached_audio_input",
    "audio_output",
)


class PerMillionTokens(Input):
    """Prices per million tokens, as exact decimals."""

    text_input: Price | None = None
    """Text that the model reads."""
    cached_text_input: Price | None = None
    """Text that the upstream had in its cache."""
    text_output: Price | None = None
    """Text that the model writes."""
    audio_input: Price | None = None
    """Audio that the model hears."""
    cached_audio_input: Price | None = None
    """Audio that the upstream had in its cache."""
    audio_output: Price | None = None
    """Audio that the model speaks."""

    def items(self) -> list[tuple[str, Decimal]]:
        """The units that are written, in the fixed order."""
        pairs = ((unit, getattr(self, unit)) for unit in UNITS)
        return [(unit, price) for unit, price in pairs if price is not None]


class TokenCost(Input):
    """What tokens cost from one instant to another."""

    start: Instant
    """The first instant, UTC: a date (midnight) or a full timestamp."""
    end: Instant | None = None
    """The first instant after it; left out, the row ends where the next one starts."""
    currency: Currency
    """ISO 4217."""
    per_million_tokens: PerMillionTokens
    """The prices."""
    reviewed: Link | None = None
    """Where someone confirmed an unusual price; silences the checks of its size."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise problem(
                "price-reversed",
                "the row ends before it starts",
                "end is exclusive and lies after start",
                below=("end",),
                first=("start",),
                first_label="it starts here",
            )
        if not self.per_million_tokens.items():
            hint = "add text_input, text_output or another unit; what is free costs 0"
            raise problem(
                "price-unit-missing", "a row without any price", hint, below=("per_million_tokens",), at="key"
            )
        return self


class Model(Input):
    """One model of the catalogue."""

    code: ModelCode
    """What clients send; immutable, and the file's name."""
    previously: Annotated[tuple[ModelCode, ...], Unique] = Field(default=(), examples=[["gpt-4o-old"]])
    """Codes that it had before: check --against takes them for renamed, not for gone. Nobody can call them."""
    name: Text | None = Field(default=None, examples=["GPT-4o"])
    """The name that people read."""
    description: Text | None = None
    """What it is for."""
    type: ModelType
    """What it does: chat, realtime, embedding, image_generation, audio_speech, audio_transcription or rerank."""
    realtime: bool = False
    """Whether it is called over the realtime WebSocket."""
    access_groups: Groups = ()
    """Who may call it: accounts, teams and keys are granted groups. Never used for routing."""
    default_params: dict[str, Any] = Field(default={}, examples=[{"temperature": 0.7}])
    """Request parameters that the router adds; what the client sends wins."""
    fallbacks: Models = ()
    """Models to try in order when all endpoints of this one fail."""
    context_window_fallbacks: Models = ()
    """Models to try in order when the prompt is too long for this one."""
    content_policy_fallbacks: Models = ()
    """Models to try in order when the content filter refuses."""
    upstream_max_batch_inputs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Inputs in one upstream request, for embedding models; 1 or nothing switches batching off."""
    retires: Instant | None = None
    """When its provider takes it out of service."""
    token_costs: tuple[TokenCost, ...] = ()
    """The prices, by ascending start."""
