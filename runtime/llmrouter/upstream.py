"""The port through which the router speaks to upstreams: one POST out, an answer of bytes back.

Redirects are never followed and bytes are never decoded, whoever implements it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

RawHeaders = Sequence[tuple[bytes, bytes]]


class UpstreamFailure(Exception):  # noqa: N818 - an outcome to fail over from, not a fault
    """No answer, or one that broke off. Its text is one of ours: an upstream's could hold anything."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds to a connection, from sending to the first body byte, and between two reads after it."""

    connect: float = 5.0
    first_byte: float = 300.0
    idle: float = 120.0


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A POST. Headers hold credentials, so it has no readable representation."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    limits: TimeLimits

    def __repr__(self) -> str:
        return "UpstreamRequest(***)"


class Answer(Protocol):
    """An answer whose status is known and whose body is still coming."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> RawHeaders:
        """The headers as they came."""
        ...

    async def read(self) -> bytes:
        """The next bytes as soon as there are any; empty at a clean end. Raises UpstreamFailure."""
        ...

    def close(self) -> None:
        """Give up what has not been read; cancels the request upstream. May be called at any time, twice too."""
        ...


class Upstream(Protocol):
    """Sends requests."""

    async def open(self) -> None:
        """Get ready, inside the running event loop."""
        ...

    async def send(self, request: UpstreamRequest) -> Answer:
        """The answer, once its status is known. Raises UpstreamFailure."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
