"""Whose request it is: the key presented, compared by its hash in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from llmrouter.entities import Key
from llmrouter.errors import unauthorized
from llmrouter.snapshot import Snapshot


def identify(snapshot: Snapshot, headers: Iterable[tuple[bytes, bytes]]) -> Key | None:
    """The key of a request; None where the router has no keys. Raises ApiError 401."""
    if not snapshot.keys:
        return None
    found = None
    for presented in _presented(headers):
        digest = hashlib.sha256(presented).hexdigest()
        for key in snapshot.keys:  # all of them, every time: how long it takes says nothing
            if hmac.compare_digest(key.sha256, digest):
                found = key
    if found is None:
        raise unauthorized()
    return found


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in headers:
        if name == b"api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, credential = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield credential.strip()
