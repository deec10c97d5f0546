"""A secret value that no log line, traceback or error message can show by accident.

Whoever needs the value asks for it by name; everything else sees ``***``.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn


class Secret:
    """Text whose every representation is ``***``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it where a header or form is written, nowhere else."""
        return self._value

    def fingerprint(self) -> str:
        """SHA-256 in hex, to tell two secrets apart."""
        return hashlib.sha256(self._value.encode(errors="surrogatepass")).hexdigest()

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.fingerprint(), other.fingerprint())

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be copied out of the process")
