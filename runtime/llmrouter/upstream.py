"""The port through which the router speaks to upstreams: one request out, an answer of bytes back.

Redirects are never followed and bytes are never decoded, whoever implements it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Headers = list[tuple[bytes, bytes]]


class UpstreamFailure(Exception):  # noqa: N818 - an outcome to fail over from, not a fault
    """No answer, or one that broke off. Its text is one of ours: an upstream's could hold anything."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds to a connection, from sending to the first body byte, and between two reads after it."""

    connect: float = 5.0
    first_byte: float = 300.0
    idle: float = 120.0


@dataclass(slots=True, repr=False)
class UpstreamRequest:
    """What to send. Headers (names in lower case) hold credentials, so it has no readable representation."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    limits: TimeLimits
    method: str = "POST"


class Answer(Protocol):
    """An answer whose status is known and whose body is still coming."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """The headers, names in lower case."""
        ...

    async def read(self) -> bytes:
        """The next bytes as soon as there are any; empty at a clean end. Raises UpstreamFailure."""
        ...

    async def write(self, data: bytes) -> None:
        """More bytes for the upstream, where it switched protocols."""
        ...

    def close(self) -> None:
        """Give up what has not been read; cancels the request upstream. May be called at any time, twice too."""
        ...


class Upstream(Protocol):
    """Sends requests."""

    async def send(self, request: UpstreamRequest) -> Answer:
        """The answer, once its status is known. Raises UpstreamFailure."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
