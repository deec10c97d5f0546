"""The provider registry: data that the compiler lowers into plain endpoint fields.

The router never sees it. Every provider is reached by its OpenAI-compatible endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PathStyle = Literal["azure", "openai"]

_LETTERS = {
    "c": "chat",
    "e": "embedding",
    "i": "image_generation",
    "s": "audio_speech",
    "t": "audio_transcription",
    "r": "rerank",
    "w": "realtime",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """What is known about a provider."""

    name: str
    abilities: frozenset[str]
    """Model types that it can serve; "realtime" stands for the WebSocket as well."""
    tools: Literal["yes", "no", "varies"]
    auth_header: bool
    """Whether the key may travel in a header of the user's choice."""
    base_url: str | None
    """The default; None: it differs for every customer and must be written."""
    keyless: bool = False
    """Whether it runs on one's own machine, where a key is optional."""

    @property
    def path_style(self) -> PathStyle:
        """The shape of its URLs."""
        return "azure" if self.name == "azure" else "openai"

    @property
    def oauth(self) -> bool:
        """Whether it takes OAuth tokens."""
        return self.name == "azure"

    def can_serve(self, model_type: str, realtime: bool) -> bool:
        """Whether a model of this type can be reached at this provider."""
        return model_type in self.abilities and (not realtime or "realtime" in self.abilities)


# provider | abilities: chat, embedding, image, speech, transcription, rerank, realtime (w) | tools | auth_header | URL
_TABLE = """
azure       ceist-w  yes     -  -
openai      ceist-w  yes     Y  https://api.openai.com/v1
anthropic   c------  yes     -  https://api.anthropic.com/v1
openrouter  cei----  varies  Y  https://openrouter.ai/api/v1
groq        ce-st--  yes     Y  https://api.groq.com/openai/v1
together    cei----  yes     Y  https://api.together.xyz/v1
fireworks   cei----  yes     Y  https://api.fireworks.ai/inference/v1
deepinfra   cei----  yes     Y  https://api.deepinfra.com/v1/openai
perplexity  c------  no      Y  https://api.perplexity.ai
gemini      c------  yes     -  https://generativelanguage.googleapis.com/v1beta/openai
bedrock     c------  yes     -  -
vllm        ce-st--  yes     Y  http://localhost:8000/v1
lmstudio    ce-----  yes     Y  http://localhost:1234/v1
ollama      ce-----  yes     Y  http://localhost:11434/v1
mistral     ce-----  yes     -  https://api.mistral.ai/v1
cohere      ce---r-  yes     -  https://api.cohere.ai/compatibility/v1
xai         c-i----  yes     -  https://api.x.ai/v1
deepseek    c------  yes     -  https://api.deepseek.com/v1
"""
_LOCAL = frozenset({"vllm", "lmstudio", "ollama"})


def _read(line: str) -> Provider:
    name, letters, tools, auth_header, url = line.split()
    abilities = frozenset(_LETTERS[each] for each in letters if each != "-")
    known_tools: Literal["yes", "no", "varies"] = "yes" if tools == "yes" else "no" if tools == "no" else "varies"
    return Provider(name, abilities, known_tools, auth_header == "Y", None if url == "-" else url, name in _LOCAL)


PROVIDERS: dict[str, Provider] = {each.name: each for each in map(_read, _TABLE.strip().splitlines())}
PREFIXES: dict[str, Provider] = {**PROVIDERS, "azure_openai": PROVIDERS["azure"]}
"""Every accepted spelling, as a value of ``provider`` and in front of a model's name."""


def split_prefix(name: str) -> tuple[Provider | None, str]:
    """The provider that a model's name starts with, if any, and the rest: ``groq/whisper`` is groq's whisper."""
    prefix, slash, rest = name.partition("/")
    if slash and rest and prefix in PREFIXES:
        return PREFIXES[prefix], rest
    return None, name
