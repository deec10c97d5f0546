"""What is known of the proxies whose configuration can be taken over. Data: no decision is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmcompile.providers import PREFIXES


@dataclass(frozen=True, slots=True)
class Dialect:
    """One proxy's way to write things."""

    name: str
    params: tuple[str, ...]
    """The keys under which a deployment's parameters stand."""
    settings: tuple[str, ...]
    """The sections of the proxy's own settings, in which fallbacks may stand."""
    chart: str
    """The key of a Helm chart's values below which the whole configuration may stand."""
    providers: Mapping[str, str]
    """Every prefix and provider name, and the provider of our registry that it means."""
    key_variables: Mapping[str, str]
    """Where a key is taken from if none is written, by provider."""
    url_variables: Mapping[str, str]
    """The same for base URLs."""
    guesses_types: bool
    """Whether a model without a mode may be of any type; else it is a chat model."""
    groups_must_agree: bool = False
    """Whether access groups that deployments of one model do not agree on grant nothing."""
    priority_strategy: str = ""
    """The only routing strategy that looks at ``model_info.priority``; empty: the field does not exist."""


_LITELLM = {
    "azure": "azure",
    "openai": "openai",
    "custom_openai": "openai",
    "litellm_proxy": "openai",
    "text-completion-openai": "openai",
    "anthropic": "anthropic",
    "openrouter": "openrouter",
    "groq": "groq",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "deepinfra": "deepinfra",
    "perplexity": "perplexity",
    "gemini": "gemini",
    "bedrock": "bedrock",
    "hosted_vllm": "vllm",
    "vllm": "vllm",
    "lm_studio": "lmstudio",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "mistral": "mistral",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "xai": "xai",
    "deepseek": "deepseek",
}
_LITELLM_KEYS = {
    "azure": "AZURE_API_KEY",
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "groq": "GROQ_API_KEY",
    "together": "TOGETHERAI_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "deepinfra": "DEEPINFRA_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "cohere": "COHERE_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}

LITELLM = Dialect(
    name="litellm",
    params=("litellm_params",),
    settings=("litellm_settings",),
    chart="proxy_config",
    providers=_LITELLM,
    key_variables=_LITELLM_KEYS,
    url_variables={"azure": "AZURE_API_BASE", "vllm": "HOSTED_VLLM_API_BASE", "lmstudio": "LM_STUDIO_API_BASE"},
    guesses_types=True,
)
DELTALLM = Dialect(
    name="deltallm",
    params=("deltallm_params", "litellm_params"),
    settings=("deltallm_settings", "litellm_settings"),
    chart="config",
    providers={name: provider.name for name, provider in PREFIXES.items()},
    key_variables={"openai": "OPENAI_API_KEY"},
    url_variables={},
    guesses_types=False,
    groups_must_agree=True,
    priority_strategy="priority-based-routing",
)
DIALECTS = {each.name: each for each in (LITELLM, DELTALLM)}

PRICES = {
    "input_cost_per_token": "text_input",
    "output_cost_per_token": "text_output",
    "cache_read_input_token_cost": "cached_text_input",
    "input_cost_per_token_cache_hit": "cached_text_input",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "cache_read_input_audio_token_cost": "cached_audio_input",
}
"""The price fields of both, per token, and our unit."""

MODES = {
    "chat": "chat",
    "completion": "chat",
    "text_completion": "chat",
    "responses": "chat",
    "embedding": "embedding",
    "image_generation": "image_generation",
    "audio_speech": "audio_speech",
    "audio_transcription": "audio_transcription",
    "rerank": "rerank",
    "realtime": "realtime",
}
"""The modes of both, and our model type."""
