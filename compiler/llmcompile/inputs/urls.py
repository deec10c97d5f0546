"""Base and token URLs: https except to this machine, no credentials, no cloud metadata."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import PlainValidator, WithJsonSchema

from llmcompile.inputs.base import problem
from llmcompile.inputs.values import kind_of
from llmcompile.literals import looks_literal

_METADATA = {
    "metadata.google.internal", "metadata", "instance-data", "metadata.azure.com", "100.100.100.200", "fd00:ec2::254",
}  # fmt: skip
_USUAL = re.compile(r"https://([a-z][a-z0-9-]{0,62}(?:\.[a-z0-9][a-z0-9-]{0,62})+)(?:/[A-Za-z0-9._~/-]*)?")
"""What nearly all URLs look like; there is nothing to parse and nothing to refuse in them but the host."""
_ODD = re.compile(r'[\0-\x20\\"<>^`{|}?#\x7f]')
"""What no base URL has, of ASCII."""
_OPERATION = re.compile(
    r"/(openai/deployments(/.*)?|(chat/)?completions|embeddings|responses|images/generations|audio/[a-z]+|rerank)/?$"
)
_SECRET_PARAMETERS = ("key=", "token=", "secret=", "sig=", "password=", "code=")


def check_url(value: Any) -> str:
    """The URL as written, or a problem that says what is wrong with it."""
    usual = _USUAL.fullmatch(value) if isinstance(value, str) else None
    if usual and usual[1] not in _METADATA and not looks_literal(value):
        return str(value)
    return _parsed_url(value)


def _parsed_url(value: Any) -> str:
    """The same for any value: it takes ten times as long."""
    if not isinstance(value, str):
        raise problem("type-wrong", f"expected a URL, found {kind_of(value)}", "write https://host/")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise problem("url-invalid", "not a URL", "write https://host/") from None
    if "@" in parts.netloc or any(each in parts.query.lower() for each in _SECRET_PARAMETERS) or looks_literal(value):
        raise problem(
            "url-credentials", "credentials inside a URL", "use api_key or oauth with a ref, and revoke these"
        )
    odd = port == 0 or not value.isascii() or _ODD.search(value)
    if odd or not value.startswith(("http://", "https://")) or not _is_host(host):
        raise problem("url-invalid", "not a base URL", "write https://host/path, without a query or a fragment")
    _check_host(parts, host)
    return value


def check_link(value: Any) -> str:
    """The address of a page for people, as written; nothing is ever sent there."""
    if not isinstance(value, str):
        raise problem("type-wrong", f"expected a URL, found {kind_of(value)}", "write https://host/")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise problem("url-invalid", "not a URL", "write https://host/") from None
    if "@" in parts.netloc or looks_literal(value):
        raise problem("url-credentials", "credentials inside a URL", "revoke them, and write the URL without")
    if not value.startswith(("http://", "https://")) or not parts.hostname or not value.isprintable() or " " in value:
        raise problem("url-invalid", "not a URL", "write https://host/page")
    return value


def _is_host(host: str) -> bool:
    if ":" in host:
        return _address(host) is not None
    labels = host.removesuffix(".").split(".")
    return all(
        0 < len(each) <= 63 and each.isascii() and each.replace("-", "").replace("_", "").isalnum() for each in labels
    )


def _check_host(parts: SplitResult, host: str) -> None:
    address = _address(host)
    if host.removesuffix(".") in _METADATA or (address is not None and address.is_link_local):
        raise problem("url-metadata", "an address of the cloud's metadata service", "write the endpoint's own address")
    if parts.scheme == "http" and not is_loopback(host):
        raise problem("url-insecure", "plain http to another machine", "write https://; http is for loopback alone")


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """The host of a URL that was checked, in lowercase; empty where it has none. Many checks ask for the same one."""
    usual = _USUAL.fullmatch(url)
    return usual[1] if usual else urlsplit(url).hostname or ""


def operation_in(url: str) -> str:
    """What a base URL goes on to although the router adds it itself, at the URL's end; empty: nothing."""
    path_at = url.find("/", len("https://"))
    found = _OPERATION.search(url, path_at) if path_at > 0 else None
    return found.group() if found else ""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not host[:1].isdigit() and ":" not in host:
        return None  # nearly always, and quickly: every way to write an address starts so
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # Resolvers read 0x7f000001, 2852039166 and 127.1 as addresses too; none of them is a host name.
        return _legacy_address(host)
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _legacy_address(host: str) -> ipaddress.IPv4Address | None:
    try:
        numbers = [
            int(each, 0) if not each.isdigit() else int(each, 8 if each[0] == "0" else 10) for each in host.split(".")
        ]
        *high, low = numbers
        value = sum(each << (24 - 8 * index) for index, each in enumerate(high)) + low
        return ipaddress.IPv4Address(value) if len(numbers) <= 4 and all(each < 256 for each in high) else None
    except ValueError:
        return None


Link = Annotated[
    str,
    PlainValidator(check_link),
    WithJsonSchema(
        {"type": "string", "pattern": "^https?://[^\\s]+$", "examples": ["https://example.com/pricing#2026"]}
    ),
]
Url = Annotated[
    str,
    PlainValidator(check_url),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^https?://[^/?#\\s@]+(/[^?#\\s]*)?$",
            "examples": ["https://example-eu.openai.azure.com/"],
        }
    ),
]
