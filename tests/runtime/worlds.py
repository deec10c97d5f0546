"""The documents that the tests serve, and the keys and secrets in them."""

from __future__ import annotations

import hashlib
from typing import Any

SECRET = 'canary/"\\ünlikely+secret=='
"""Reads differently raw, in base64, in a URL and in JSON."""
HEADER_SECRET = 'canary/"\\header+secret=='
"""The same for keys, which travel in headers."""
ALICE, BOB = "alice-router-key", "bob-router-key"


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def own(base_url: str, *models: str, **more: Any) -> dict[str, Any]:
    """An endpoint of CUSTOMER_LLM_CONFIG."""
    return {
        "provider": "azure",
        "version": None,
        "supported_models": list(models),
        "deployment_prefix": None,
        "base_url": base_url,
        "api_key": None,
        "oauth_token_url": None,
        "oauth_client_id": None,
        "oauth_client_secret": None,
        "scopes": None,
    } | more


def oauth(token_url: str) -> dict[str, Any]:
    return {
        "oauth_token_url": token_url,
        "oauth_client_id": "client",
        "oauth_client_secret": SECRET,
        "scopes": ["api://app/.default", "extra"],
    }


def model(**more: Any) -> dict[str, Any]:
    price = {"text_input": "2.5", "cached_text_input": "1.25", "text_output": "10"}
    row = {"id": "m@2024-10-01", "start": "2024-10-01T00:00:00Z", "end": None, "currency": "USD"}
    return {"type": "chat", "realtime": False, "token_costs": [row | {"per_million_tokens": price}]} | more


def documents(a: str, b: str, dead: str) -> dict[str, Any]:
    """The documents of the shared router."""
    customer = {
        "own": own(a, "own-chat", "both", api_key=HEADER_SECRET, deployment_prefix="custom-", version="2023-05-15"),
        "entra": own(f"{a}//", "oauth-chat", "embed", **oauth(f"{a}/token")),
        "entra-down": own(a, "oauth-failover", **oauth(f"{dead}/token")),
        "second": own(b, "oauth-failover", api_key=HEADER_SECRET),
        "plain": own(
            f"{b}/v1/",
            "renamed",
            "same-name",
            provider="openai",
            path_style="openai",
            api_key=HEADER_SECRET,
            models={"renamed": "vendor/real-name"},
        ),
        "custom": own(
            b, "custom-auth", api_key=HEADER_SECRET, auth_header={"name": "X-Own-Key", "format": "Key {api_key}!"}
        ),
    }
    key = {"api_key": HEADER_SECRET}
    provisioned = {
        "endpoints": {
            "primary": {**key, "base_url": f"{a}/"},
            "secondary": {**key, "base_url": b},
            "dead": {**key, "base_url": dead},
            "slow": {**key, "base_url": a, "timeout_seconds": 0.4},
        },
        "models": {
            "both": ["primary"],
            "failover": ["primary", "secondary"],
            "refused": ["dead", "secondary"],
            "hang": ["slow", "secondary"],
            "single": ["primary"],
            "all-dead": ["dead"],
            "last-resort": ["dead"],
            "not-granted": ["primary"],
        },
    }
    plain = ["both", "embed", "failover", "refused", "hang", "single", "own-chat", "oauth-chat", "oauth-failover"]
    models = {name: model() for name in [*plain, "renamed", "same-name", "custom-auth", "all-dead"]}
    models["last-resort"] = model(fallbacks=["single"])
    models["same-name"] |= {"default_params": {"temperature": 0.7, "top_p": 0.9}}
    policy = {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": None,
        "allowed": sorted([*models, "group"]),
        "teams": {"support": {"allowed": ["single", "failover", "last-resort"]}},
        "keys": [
            {"id": "alice", "sha256": sha256(ALICE)},
            {"id": "bob", "sha256": sha256(BOB), "team": "support", "allowed": ["single", "last-resort"]},
        ],
        "models": models,
        "route_groups": {
            "group": {
                "policy": "ordered",
                "members": [{"model": "refused", "endpoint": "secondary"}, {"model": "single"}],
            }
        },
    }
    return {"CUSTOMER_LLM_CONFIG": customer, "PROVISIONED_OPENAI_CONFIG": provisioned, "ROUTER_POLICY": policy}
