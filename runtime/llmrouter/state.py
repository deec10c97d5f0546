"""Responses that upstreams keep: the ids that clients get say which endpoint keeps them, so nothing is stored here.

``resp_123`` becomes ``resp_123_at_1a2b3c4d``. The tag picks one of the endpoints that the caller may use anyway; it
never grants one.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from llmrouter.entities import Endpoint

_QUOTED = re.compile(rb'"(resp_[A-Za-z0-9_-]+)"')
_TAGGED = re.compile(r"(.+)_at_([0-9a-f]{8})")


@lru_cache(4096)
def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def tag(endpoint: Endpoint) -> str:
    """What stands for an endpoint in ids."""
    return _hashed(f"{endpoint.label} {endpoint.base_url}")


def parted(response: str) -> tuple[str, str | None]:
    """The upstream's own id, and the tag of the endpoint that keeps it; None: an id that is not from here."""
    found = _TAGGED.fullmatch(response)
    return (found[1], found[2]) if found else (response, None)


def told(data: bytes, endpoint: Endpoint) -> bytes:
    """An answer, or whole events of one, with ids as clients get them."""
    suffix = f"_at_{tag(endpoint)}"

    def named(found: re.Match[bytes]) -> bytes:
        response = found[1].decode()
        return found[0] if _TAGGED.fullmatch(response) else f'"{response}{suffix}"'.encode()

    return _QUOTED.sub(named, data)
