"""The Upstream port without a network, for tests: answers by URL prefix from a script, and remembers requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llmrouter.upstream import Headers, UpstreamFailure, UpstreamRequest


@dataclass(slots=True)
class FakeAnswer:
    """An answer in chunks; ``breaks`` makes the read after the last chunk fail."""

    status: int = 200
    headers: Headers = field(default_factory=lambda: [(b"content-type", b"application/json")])
    chunks: Sequence[bytes] = (b"{}",)
    breaks: bool = False
    closed: bool = False
    written: list[bytes] = field(default_factory=list)
    _at: int = 0

    async def read(self) -> bytes:
        """The next chunk."""
        if self._at < len(self.chunks):
            self._at += 1
            return self.chunks[self._at - 1]
        if self.breaks:
            raise UpstreamFailure("connection lost")
        return b""

    async def write(self, data: bytes) -> None:
        """Remember what was written."""
        self.written.append(data)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


Reply = Callable[[UpstreamRequest], FakeAnswer]


@dataclass(slots=True)
class FakeUpstream:
    """Answers what the script says for the longest matching URL prefix; nothing that matches is refused."""

    script: dict[str, Reply] = field(default_factory=dict)
    requests: list[UpstreamRequest] = field(default_factory=list)

    async def send(self, request: UpstreamRequest) -> FakeAnswer:
        """Play the script."""
        self.requests.append(request)
        found = [prefix for prefix in self.script if request.url.startswith(prefix)]
        if not found:
            raise UpstreamFailure("connection refused")
        return self.script[max(found, key=len)](request)

    async def close(self) -> None:
        """Nothing to let go of."""
