"""Whose request it is: the key presented, compared by its hash in a time that says nothing of the keys."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable

from llmrouter.entities import Key
from llmrouter.errors import unauthorized

OWN_KEY = b"openai-insecure-api-key."
"""Where a browser puts its key, which can set no header of a WebSocket but the list of protocols."""


class Access:
    """The router keys of a snapshot.

    They are found by a hash of their hash under a secret of this process: what the look-up takes depends on nothing
    that a caller could learn or choose, and the last comparison is in constant time.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._hasher = hashlib.blake2b(key=os.urandom(32), digest_size=16)
        self._keys = {self._hidden(bytes.fromhex(key.sha256)): key for key in keys}

    def identify(self, headers: Iterable[tuple[bytes, bytes]]) -> Key | None:
        """The key of a request; None where the router has no keys. Raises ApiError 401."""
        if not self._keys:
            return None
        for presented in _presented(headers):
            digest = hashlib.sha256(presented)
            found = self._keys.get(self._hidden(digest.digest()))
            if found is not None and hmac.compare_digest(found.sha256, digest.hexdigest()):
                return found
        raise unauthorized()

    def _hidden(self, digest: bytes) -> bytes:
        hasher = self._hasher.copy()
        hasher.update(digest)
        return hasher.digest()


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in headers:
        if name == b"api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, credential = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield credential.strip()
        elif name == b"sec-websocket-protocol" and OWN_KEY in value:
            yield value.partition(OWN_KEY)[2].partition(b",")[0].strip()
