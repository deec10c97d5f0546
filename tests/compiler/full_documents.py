"""Documents of each kind with everything that their schemas know, and changes of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from llmcompile.push.meaning import DocumentChange
from llmcompile.secret_ids import Kind

CUSTOMER: Kind = "CUSTOMER_LLM_CONFIG"
POLICY: Kind = "ROUTER_POLICY"
REGION: Kind = "PROVISIONED_OPENAI_CONFIG"

PROVISIONED_EXTRAS: dict[str, Any] = {
    "models": {"gpt-4o": "our-gpt-4o", "gpt-4.1": "@cf/gpt"},
    "auth_header": {"name": "X-Key", "format": "Token {api_key}"},
    "path_style": "openai",
    "timeout_seconds": 30,
    "weight": 3,
    "tags": ["eu", "fast"],
}
OWN = {
    "default": {
        "provider": "azure",
        "version": "2024-10-21",
        "supported_models": ["gpt-4o", "gpt-4.1"],
        "deployment_prefix": "custom-",
        "base_url": "https://acme.example/openai",
        "api_key": None,
        "oauth_token_url": "https://login.example/token",
        "oauth_client_id": "client-0001",
        "oauth_client_secret": "the-oauth-secret",
        "scopes": ["api://one/.default", "api://two/.default"],
        **PROVISIONED_EXTRAS,
    },
    "backup": {
        "provider": "openai",
        "version": None,
        "supported_models": ["gpt-4o"],
        "deployment_prefix": None,
        "base_url": "https://backup.example:8443/v1",
        "api_key": "the-api-key",
        "oauth_token_url": None,
        "oauth_client_id": None,
        "oauth_client_secret": None,
        "scopes": None,
    },
}
PLATFORM = {
    "endpoints": {
        "primary": {"api_key": "key-one", "base_url": "https://primary.example"},
        "secondary": {
            "api_key": "key-two",
            "base_url": "https://secondary.example/v1",
            "provider": "openai",
            "version": "2024-10-21",
            **PROVISIONED_EXTRAS,
        },
    },
    "models": {"gpt-4o": ["primary", "secondary"], "gpt-4.1": ["secondary"]},
}
ROWS = [
    {
        "id": "gpt-4o@2024-10-01",
        "start": "2024-10-01T00:00:00Z",
        "end": "2026-01-01T00:00:00Z",
        "currency": "USD",
        "per_million_tokens": {"text_input": "2.5", "cached_text_input": "1.25", "text_output": "10"},
    },
    {
        "id": "gpt-4o@2026-01-01",
        "start": "2026-01-01T00:00:00Z",
        "end": None,
        "currency": "USD",
        "per_million_tokens": {"text_input": "2", "audio_input": "40", "cached_audio_input": "2", "audio_output": "80"},
    },
]
GRANTED = {
    "version": 1,
    "account": "acme",
    "source": "auto",
    "limits": {"requests_per_minute": 60, "tokens_per_day": 500000, "concurrent": 10},
    "allowed": ["fast", "gpt-4.1", "gpt-4o"],
    "teams": {"support": {"allowed": ["gpt-4o"]}, "sales": {"allowed": []}},
    "keys": [
        {
            "id": "bot",
            "sha256": "0f" * 32,
            "team": "support",
            "allowed": ["gpt-4o"],
            "limits": {"concurrent": 1},
            "budget": {"monthly": {"hard": "12.5", "currency": "USD"}},
        },
        {"id": "people", "sha256": "1e" * 32},
    ],
    "models": {
        "gpt-4.1": {"type": "chat", "realtime": False, "token_costs": []},
        "gpt-4o": {
            "type": "chat",
            "realtime": False,
            "token_costs": ROWS,
            "default_params": {"temperature": 0.7, "reasoning": {"effort": "low"}},
            "fallbacks": ["gpt-4.1"],
            "context_window_fallbacks": ["gpt-4.1"],
            "content_policy_fallbacks": ["gpt-4.1"],
            "upstream_max_batch_inputs": 16,
        },
    },
    "route_groups": {
        "fast": {
            "policy": "weighted",
            "members": [{"model": "gpt-4o", "weight": 9}, {"model": "gpt-4.1", "endpoint": "backup"}],
        }
    },
    "budget": {"monthly": {"soft": "500", "hard": "800", "currency": "USD"}},
    "limits_unavailable": "closed",
    "batching": {
        "tenant": {"default": {"mode": "concurrent", "max_in_flight": 8}},
        "platform": {
            "europe-west6": {
                "primary": {
                    "mode": "sync_microbatch",
                    "upstream_max_batch_size": 4,
                    "max_total_input_tokens": 1000,
                    "require_homogeneous_params": True,
                }
            }
        },
    },
}
FULL: dict[Kind, Any] = {CUSTOMER: OWN, REGION: PLATFORM, POLICY: GRANTED}


def change(kind: Kind, old: Any, new: Any, owner: str = "acme") -> DocumentChange:
    """A change of a document, of one account or region if nobody else is named."""
    return DocumentChange(kind, owner, old, new)


def edited(kind: Kind, edit: Callable[[Any], object]) -> tuple[Any, Any]:
    """The full document, before and after an edit."""
    new = copy.deepcopy(FULL[kind])
    edit(new)
    return FULL[kind], new


def differ(one: Any, other: Any) -> bool:
    """Whether they would be written differently."""
    return json.dumps(one) != json.dumps(other)


def keys_of(tree: Any) -> Iterator[str]:
    """Every key, however deep."""
    if isinstance(tree, dict):
        yield from tree
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from keys_of(each)
