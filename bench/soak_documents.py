"""The soak's documents: an account with endpoints and keys of its own on a platform, in two variants that alternate.

The variants differ in their prices, in the platform's keys and in the client's secret. Pure.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from soak_plan import KINDS

VARIANTS = ("a", "b")
CURRENCY = "USD"
PREFIX = "custom-"
MINUTE_LIMIT, AT_ONCE_LIMIT, DAY_LIMIT = 5, 2, 2_000
SOFT, HARD = "0.004", "0.008"
ACCOUNT_SOFT = "0.5"
_TYPES = {
    "chat": "chat",
    "own": "chat",
    "embed": "embedding",
    "image": "image_generation",
    "speech": "audio_speech",
    "hear": "audio_transcription",
    "rerank": "rerank",
    "talk": "realtime",
}
_ROUTER_KEY = "router-key-of-"
_KEYS: dict[str, dict[str, Any]] = {
    "soak": {},
    "minute": {"limits": {"requests_per_minute": MINUTE_LIMIT}},
    "narrow": {"limits": {"concurrent": AT_ONCE_LIMIT}},
    "daily": {"limits": {"tokens_per_day": DAY_LIMIT}},
    "thrifty": {"budget": {"monthly": {"currency": CURRENCY, "soft": SOFT, "hard": HARD}}},
}


class Place(NamedTuple):
    """An endpoint."""

    platform: bool
    azure: bool
    header: str
    """Where its key goes; empty: it takes OAuth tokens."""
    format: str = "{}"


PLACES = {
    "first": Place(True, True, "api-key"),
    "second": Place(True, False, "authorization", "Bearer {}"),
    "east": Place(False, True, ""),
    "west": Place(False, True, ""),
    "spare": Place(False, False, "x-spare-key", "Key {}"),
}
"""By name."""


def router_key(name: str) -> str:
    """What a client shows."""
    return _ROUTER_KEY + name


def holds_router_key(data: bytes) -> bool:
    """Whether what an upstream was sent tells one."""
    return _ROUTER_KEY.encode() in data


def keys_of(place: str) -> frozenset[str]:
    """What its header may hold."""
    return frozenset(PLACES[place].format.format(_key(place, each)) for each in VARIANTS)


def secret_of(client: str, variant: str) -> str:
    """What a client of the token endpoint shows."""
    return f"secret-of-{client}-{variant}"


def _key(place: str, variant: str) -> str:
    return f"upstream-key-of-{place}-{variant}"


def deployed(place: str, kind: str) -> str:
    """The name that a kind's model has at an endpoint."""
    return (PREFIX if place in ("east", "west") else "") + KINDS[kind].model


def prices() -> dict[str, dict[str, str]]:
    """Every price row, by its id: one for each model in each of two policies."""
    kinds = ("text_input", "cached_text_input", "text_output", "audio_input", "cached_audio_input", "audio_output")
    rows = itertools.product(VARIANTS, _TYPES)
    return {
        f"{model}@{variant}": {kind: f"{at + 1}.{at * 7 + 1:02d}{number + 1}" for number, kind in enumerate(kinds)}
        for at, (variant, model) in enumerate(rows)
    }


def documents(url: str, variant: str) -> dict[str, str]:
    """All three, by variable."""
    found = {
        "CUSTOMER_LLM_CONFIG": {name: _own(url, name, variant) for name, each in PLACES.items() if not each.platform},
        "PROVISIONED_OPENAI_CONFIG": _provisioned(url, variant),
        "ROUTER_POLICY": _policy(variant),
    }
    return {name: json.dumps(each) for name, each in found.items()}


def _own(url: str, name: str, variant: str) -> dict[str, Any]:
    """One of the account's: two with tokens that share its traffic, then one with a key in a header of its own."""
    endpoint: dict[str, Any] = {"provider": "azure", "version": "2024-10-21", "supported_models": ["own"]}
    endpoint |= {"deployment_prefix": PREFIX, "base_url": f"{url}/{name}", "api_key": None, "weight": 1}
    endpoint |= dict.fromkeys(("oauth_token_url", "oauth_client_id", "oauth_client_secret", "scopes"))
    if PLACES[name].header:
        written = {"name": PLACES[name].header, "format": PLACES[name].format.format("{api_key}")}
        endpoint |= {"provider": "vllm", "deployment_prefix": None, "path_style": "openai", "auth_header": written}
        return {key: value for key, value in endpoint.items() if key != "weight"} | {"api_key": _key(name, variant)}
    client = {"oauth_token_url": f"{url}/login/token", "oauth_client_id": name, "scopes": ["soak/.default"]}
    return endpoint | client | {"oauth_client_secret": secret_of(name, variant)}


def _provisioned(url: str, variant: str) -> dict[str, Any]:
    endpoints: dict[str, dict[str, Any]] = {}
    for name, each in PLACES.items():
        if each.platform:
            more = {} if each.azure else {"provider": "openai", "path_style": "openai"}
            endpoints[name] = {"api_key": _key(name, variant), "base_url": f"{url}/{name}", **more}
    return {"endpoints": endpoints, "models": {model: list(endpoints) for model in _TYPES if model != "own"}}


def _policy(variant: str) -> dict[str, Any]:
    return {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": None,
        "budget": {"monthly": {"currency": CURRENCY, "soft": ACCOUNT_SOFT}},
        "allowed": sorted(_TYPES),
        "teams": {},
        "keys": [
            {"id": name, "sha256": hashlib.sha256(router_key(name).encode()).hexdigest(), **more}
            for name, more in _KEYS.items()
        ],
        "models": {model: _model(model, variant) for model in _TYPES},
        "route_groups": {},
    }


def _model(model: str, variant: str) -> Mapping[str, Any]:
    name = f"{model}@{variant}"
    row = {"id": name, "start": "2024-01-01T00:00:00Z", "end": None, "currency": CURRENCY}
    costs = [row | {"per_million_tokens": prices()[name]}]
    return {"type": _TYPES[model], "realtime": _TYPES[model] == "realtime", "token_costs": costs}
