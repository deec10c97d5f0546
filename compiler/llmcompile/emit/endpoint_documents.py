"""CUSTOMER_LLM_CONFIG and PROVISIONED_OPENAI_CONFIG: two shapes that readers in the field already have.

A document that uses nothing new has nothing new in it.
"""

from __future__ import annotations

from typing import Any

from llmcompile.link.catalogue import Account, Endpoint, OAuth, Region
from llmcompile.providers import split_prefix
from llmcompile.refs import Ref


def customer_config(account: Account) -> dict[str, Any]:
    """The account's own endpoints by name, in order of priority."""
    return {name: _customer_endpoint(endpoint) for name, endpoint in account.endpoints.items()}


def _customer_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    auth = endpoint.auth
    oauth = auth if isinstance(auth, OAuth) else None
    return {
        "provider": endpoint.provider.name,
        "version": endpoint.version,
        "supported_models": list(endpoint.codes),
        "deployment_prefix": endpoint.prefix,
        "base_url": endpoint.base_url,
        "api_key": auth if isinstance(auth, Ref) else None,
        "oauth_token_url": oauth.token_url if oauth else None,
        "oauth_client_id": oauth.client_id if oauth else None,
        "oauth_client_secret": oauth.client_secret if oauth else None,
        "scopes": list(oauth.scopes) if oauth else None,
        **_extras(endpoint),
    }


def provisioned_config(region: Region) -> dict[str, Any]:
    """The platform's endpoints of a region, and each model's endpoints by priority."""
    models = {split_prefix(listed)[1]: list(names) for listed, names in region.input.models.items()}
    return {
        "endpoints": {name: _provisioned_endpoint(endpoint) for name, endpoint in region.endpoints.items()},
        "models": models,
    }


def _provisioned_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    data: dict[str, Any] = {
        "api_key": endpoint.auth if isinstance(endpoint.auth, Ref) else None,
        "base_url": endpoint.base_url,
    }
    if endpoint.provider.name != "azure":
        data["provider"] = endpoint.provider.name
    if endpoint.version is not None:
        data["version"] = endpoint.version
    return data | _extras(endpoint)


def _extras(endpoint: Endpoint) -> dict[str, Any]:
    """The keys that appear only where the YAML uses the feature."""
    extras: dict[str, Any] = {}
    renamed = {each.code: each.upstream for each in endpoint.served if each.upstream is not None}
    if renamed:
        extras["models"] = renamed
    if endpoint.auth_header is not None:
        extras["auth_header"] = {"name": endpoint.auth_header.name, "format": endpoint.auth_header.format}
    if endpoint.provider.path_style != "azure":
        extras["path_style"] = endpoint.provider.path_style
    if endpoint.timeout_seconds is not None:
        extras["timeout_seconds"] = endpoint.timeout_seconds
    if endpoint.weight is not None:
        extras["weight"] = endpoint.weight
    if endpoint.tags:
        extras["tags"] = list(endpoint.tags)
    return extras
