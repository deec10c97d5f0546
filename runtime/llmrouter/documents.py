"""The three documents, read into entities or refused with the place of the problem.

What the contract requires must be there in the right shape; keys it does not know are left for newer readers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from llmrouter.entities import (
    DEFAULT_API_VERSION,
    AuthHeader,
    Endpoint,
    OAuth,
    Origin,
    PathStyle,
)
from llmrouter.policy import KeyGrant, Policy, read_policy
from llmrouter.reader import DocumentError, Node
from llmrouter.secret import Secret

__all__ = ["CUSTOMER", "PROVISIONED", "POLICY", "DocumentError", "Documents", "Policy", "KeyGrant", "parse"]

CUSTOMER, PROVISIONED, POLICY = "CUSTOMER_LLM_CONFIG", "PROVISIONED_OPENAI_CONFIG", "ROUTER_POLICY"

_URL = re.compile(r"https?://[^/?#\s@]+(/[^?#\s]*)?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_KEY_FORMAT = re.compile(r"[\x20-\x7a|~]*\{api_key\}[\x20-\x7a|~]*")
_FRAMING = {"connection", "content-length", "cookie", "host", "te", "trailer", "transfer-encoding", "upgrade"}


@dataclass(frozen=True, slots=True)
class Documents:
    """All that was read. Own endpoints and platform endpoints are in document order, which is priority."""

    own: Mapping[str, Endpoint] = field(default_factory=dict)
    own_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Model codes by own endpoint."""
    platform: Mapping[str, Endpoint] = field(default_factory=dict)
    platform_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Platform endpoints by model code, primary first."""
    policy: Policy | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each document as it came, by variable."""


def parse(
    customer: str | bytes | None = None,
    provisioned: str | bytes | None = None,
    policy: str | bytes | None = None,
) -> Documents:
    """Read the documents; None: not there. Raises DocumentError for the first thing that is wrong."""
    if customer is None and provisioned is None:
        problem = f"neither this nor {PROVISIONED} is set"
        hint = f"set {CUSTOMER} or {PROVISIONED}, or name a file in {CUSTOMER}_FILE or {PROVISIONED}_FILE"
        raise DocumentError(CUSTOMER, "$", problem, hint)
    sources = {CUSTOMER: customer, PROVISIONED: provisioned, POLICY: policy}
    nodes = {name: Node.parse(name, source) for name, source in sources.items() if source is not None}
    own, own_models = _customer(nodes[CUSTOMER]) if CUSTOMER in nodes else ({}, {})
    platform, platform_models = _provisioned(nodes[PROVISIONED]) if PROVISIONED in nodes else ({}, {})
    return Documents(
        own=own,
        own_models=own_models,
        platform=platform,
        platform_models=platform_models,
        policy=read_policy(nodes[POLICY]) if POLICY in nodes else None,
        digests={name: _digest(source) for name, source in sources.items() if source is not None},
    )


def _digest(source: str | bytes) -> str:
    raw = source.encode(errors="surrogatepass") if isinstance(source, str) else source
    return hashlib.sha256(raw).hexdigest()


def _customer(root: Node) -> tuple[dict[str, Endpoint], dict[str, tuple[str, ...]]]:
    endpoints, models = {}, {}
    for name, node in root.fields().items():
        prefix = node.nullable("deployment_prefix")
        provider, version, oauth = node.field("provider").text(), node.nullable("version"), _oauth(node)
        endpoints[name] = _endpoint(node, name, "tenant", provider, version, oauth, prefix.text() if prefix else "")
        models[name] = tuple(dict.fromkeys(node.field("supported_models").texts()))
    return endpoints, models


def _provisioned(root: Node) -> tuple[dict[str, Endpoint], dict[str, tuple[str, ...]]]:
    endpoints = {}
    for name, node in root.field("endpoints").fields().items():
        provider = node.optional("provider")
        written = provider.text() if provider else "azure"  # what the document leaves out, by contract
        endpoints[name] = _endpoint(node, name, "platform", written, node.optional("version"), None, "")
    models = {}
    for code, node in root.field("models").fields().items():
        for each in node.items():
            if each.text() not in endpoints:
                each.fail("names an endpoint that this document does not have")
        models[code] = tuple(dict.fromkeys(node.texts()))
    return endpoints, models


def _endpoint(
    node: Node, name: str, source: Origin, provider: str, version: Node | None, oauth: OAuth | None, prefix: str
) -> Endpoint:
    key, style, names = node.nullable("api_key"), node.optional("path_style"), node.optional("models")
    timeout, weight, tags = node.optional("timeout_seconds"), node.optional("weight"), node.optional("tags")
    path_style = cast(PathStyle, style.one_of("azure", "openai") if style else "azure")
    return Endpoint(
        name=name,
        source=source,
        provider=provider,
        base_url=_url(node.field("base_url")).rstrip("/"),
        path_style=path_style,
        version=version.text() if version else DEFAULT_API_VERSION if path_style == "azure" else None,
        api_key=Secret(key.matching(_HEADER_VALUE, "a key that a header can carry")) if key else None,
        oauth=oauth,
        auth_header=_auth_header(node.optional("auth_header")),
        deployment_prefix=prefix,
        upstream_names={code: each.text() for code, each in names.fields().items()} if names else {},
        timeout_seconds=timeout.seconds() if timeout else None,
        weight=weight.count() if weight else None,
        tags=tags.texts() if tags else (),
    )


def _oauth(node: Node) -> OAuth | None:
    names = ("oauth_token_url", "oauth_client_id", "oauth_client_secret")
    url, client, secret = (node.nullable(name) for name in names)
    scopes = node.nullable("scopes")
    if url and client and secret:
        return OAuth(_url(url), client.text(), Secret(secret.text()), scopes.texts() if scopes else ())
    if url or client or secret:
        node.fail("has a part of OAuth alone; it needs oauth_token_url, oauth_client_id and oauth_client_secret")
    return None


def _auth_header(node: Node | None) -> AuthHeader | None:
    if node is None:
        return None
    name = node.field("name").matching(_HEADER_NAME, "a header name")
    if name.lower() in _FRAMING:
        node.field("name").fail("is a header that HTTP itself needs")
    return AuthHeader(name, node.field("format").matching(_KEY_FORMAT, "a format with {api_key} once"))


def _url(node: Node) -> str:
    url = node.matching(_URL, "an http(s) URL without user, query or fragment")
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError:
        usable = False
    return url if usable else node.fail("is not a usable URL: host or port is wrong")
