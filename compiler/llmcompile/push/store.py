"""The store port: secrets with numbered versions, as Google Secret Manager has them. Its fake is in ``memory``.

Reading is a type of its own, so that a plan cannot write; what destroys or revives versions is two more, so that a
push cannot. Only ``read`` and the writes are sure to be fresh: all else may lag by minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from llmcompile.errors import OutsideError

State = Literal["enabled", "disabled", "destroyed"]


class ConflictError(OutsideError):
    """Someone else changed the secret, or made it, since it was read. Nothing was done."""


class UncertainError(OutsideError):
    """The call failed in a way that does not tell whether it was carried out."""


class DeniedError(OutsideError):
    """The caller has no right to this, or is no longer known. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Held:
    """A secret as a store holds it: all but its versions."""

    secret: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    etag: str
    """Of labels, annotations and aliases; adding a version does not change it."""
    aliased: frozenset[int] = frozenset()
    """The versions that aliases point to."""


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A version in a list."""

    number: int
    state: State
    created: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a secret."""

    number: int
    payload: bytes | None = field(repr=False)
    """None where the version is not enabled."""
    state: State = "enabled"


class StoreReader(Protocol):
    """What a plan needs. Every call raises ``OutsideError`` where the store cannot be read."""

    def secrets(self) -> Iterable[Held]:
        """All secrets, whoever made them."""
        ...

    def held(self, secret: str) -> Held | None:
        """One secret, whoever made it; None where there is none."""
        ...

    def read(self, secret: str, number: int) -> Version | None:
        """A version by its number; None where there is none. Always fresh."""
        ...

    def versions(self, secret: str) -> Sequence[VersionInfo]:
        """All versions, newest first."""
        ...

    def latest(self, secret: str) -> int | None:
        """The number that readers of ``latest`` get; None where they get nothing."""
        ...


class Store(StoreReader, Protocol):
    """What a push needs. A version is added whole or not at all."""

    def lacking(self, secret: str, *, exists: bool) -> Sequence[str]:
        """The rights that a push lacks for this secret, found out without writing anything."""
        ...

    def create(self, secret: str, annotations: Mapping[str, str]) -> Held:
        """Make an empty secret with our label. Raises ``ConflictError`` where there is one."""
        ...

    def update(self, held: Held, annotations: Mapping[str, str]) -> Held:
        """Put our label and these annotations, whole, on the secret, if it still has this etag.

        Raises ``ConflictError`` where it has another one, ``UncertainError`` where nobody knows.
        """
        ...

    def add(self, secret: str, payload: bytes) -> int:
        """Add a version; its number. Raises ``UncertainError`` where nobody knows."""
        ...


class Reviver(Store, Protocol):
    """What a rollback needs besides."""

    def enable(self, secret: str, number: int) -> None:
        """Make a disabled version readable."""
        ...

    def disable(self, secret: str, number: int) -> None:
        """Make a version unreadable, for now."""
        ...


class Destroyer(StoreReader, Protocol):
    """What a prune needs, and nothing else has."""

    def destroy(self, secret: str, number: int) -> None:
        """Destroy a version's payload for good."""
        ...
