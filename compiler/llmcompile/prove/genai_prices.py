"""The package ``genai-prices`` as a witness: its bundled table, never its updates from the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

from llmcompile.errors import UsageError
from llmcompile.prove.witness import Prices

_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "xai": "x-ai",
}
_UNITS = {
    "text_input": "input_mtok",
    "cached_text_input": "cache_read_mtok",
    "text_output": "output_mtok",
    "audio_input": "input_audio_mtok",
    "cached_audio_input": "cache_audio_read_mtok",
    "audio_output": "output_audio_mtok",
}


@dataclass(frozen=True, slots=True)
class GenaiPrices:
    """The installed package."""

    module: Any

    @classmethod
    def installed(cls) -> GenaiPrices:
        """The package; ``UsageError`` where it is not there."""
        try:
            return cls(import_module("genai_prices"))
        except ModuleNotFoundError as error:
            raise UsageError(f"{error.name} is not installed", "pip install 'llmcompile[witness]'") from error

    @property
    def name(self) -> str:
        """With the version, which says how old the table is."""
        return f"genai-prices {self.module.__version__}"

    def prices(self, provider: str, model: str, at: datetime) -> Prices | None:
        """What it knows; where a price rises with the length of the prompt, that of a short one."""
        if provider not in _PROVIDERS:
            return None
        usage = self.module.Usage()
        try:
            found = self.module.calc_price(
                usage, model, provider_id=_PROVIDERS[provider], genai_request_timestamp=at
            ).model_price
        except LookupError:
            return None
        figures = {unit: getattr(found, name, None) for unit, name in _UNITS.items()}
        return {unit: _base(figure) for unit, figure in figures.items() if figure is not None}


def _base(figure: Any) -> Decimal:
    return Decimal(getattr(figure, "base", figure))
