"""The store port: numbered versions of named secrets. Its fake is beside it.

Small on purpose: reading is a type of its own, so that a plan cannot write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a secret."""

    number: int
    payload: bytes = field(repr=False)


class StoreReader(Protocol):
    """What a plan needs."""

    def newest(self, secret: str) -> Version | None:
        """The newest version, or None where there is none. Raises ``OutsideError`` where it cannot be read."""
        ...


class Store(StoreReader, Protocol):
    """What a push needs."""

    def add(self, secret: str, payload: bytes) -> int:
        """Add a version; its number. Either the whole version is there afterwards, or none is.

        Raises ``OutsideError`` where it cannot be written.
        """
        ...


class MemoryStore:
    """A store in memory, for tests of what is built on the port."""

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}

    def newest(self, secret: str) -> Version | None:
        """The newest version."""
        held = self.versions.get(secret)
        return Version(len(held), held[-1]) if held else None

    def add(self, secret: str, payload: bytes) -> int:
        """Add a version."""
        self.versions.setdefault(secret, []).append(payload)
        return len(self.versions[secret])
