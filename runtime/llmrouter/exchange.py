"""One HTTP request and its answer, as what serves it sees them; the connection behind is a Wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

from llmrouter.errors import ApiError, too_large
from llmrouter.upstream import Headers

_HELD_BODY = 256 << 10  # bytes of a body that are read ahead of whoever wants it
_STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(Protocol):
    """The connection to a client."""

    @property
    def date(self) -> bytes:
        """The header line that tells the date."""
        ...

    def send(self, data: bytes) -> None:
        """Write; what a closed connection is sent is lost."""
        ...

    async def drained(self) -> None:
        """Wait until the client has taken most of what it was sent."""
        ...

    def hold(self, held: bool) -> None:
        """Stop reading, or go on."""
        ...

    def switched(self, received: Callable[[bytes], None]) -> None:
        """The connection speaks another protocol from here on: whatever comes goes there."""
        ...


class Exchange:
    """One request and its answer."""

    def __init__(self, wire: Wire) -> None:
        self.method, self.target, self.version = b"", b"", "1.1"
        self.headers: Headers = []
        self.keep_alive, self.ended, self.gone = True, False, False
        self.status: int | None = None
        """Of the answer; None: not started."""
        self.complete = False
        """Whether all of the request came."""
        self._chunks: list[bytes] = []
        self._size, self._chunked, self._begun = 0, False, b""
        self._waiter: asyncio.Future[None] | None = None
        self._wire = wire

    @property
    def path(self) -> str:
        """The decoded path."""
        path = self.target.partition(b"?")[0].decode("latin-1")
        return unquote(path) if "%" in path else path

    @property
    def query(self) -> bytes:
        """What stands behind the question mark, as it came."""
        return self.target.partition(b"?")[2]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header, by its name in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises ApiError 413; a client that leaves cancels the task."""
        if not self.complete and self.header(b"expect") is not None:
            self._wire.send(_CONTINUE)
        while not self.complete and self._size <= limit:
            await self._more()
        if self._size > limit:
            raise too_large(limit)
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    async def discard(self) -> None:
        """Read to the end of the body and forget it."""
        while not self.complete:
            self._chunks.clear()
            await self._more()

    async def _more(self) -> None:
        self._wire.hold(False)
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def answer(self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """A whole answer at once."""
        self.status, self.ended = status, True
        head = self._head(status, [*headers, (b"content-length", b"%d" % len(body))])
        self._wire.send(head if self.method == b"HEAD" else head + body)

    def answer_error(self, error: ApiError, headers: Headers) -> None:
        """An error of the router's own."""
        own = [(name.encode(), value.encode()) for name, value in error.headers.items()]
        self.answer(error.status, error.body(), [*headers, *own, (b"content-type", b"application/json")])

    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer that comes in pieces; its head goes out with the first of them."""
        self.status, self._chunked = status, self.version != "1.0"
        framing = (b"transfer-encoding", b"chunked") if self._chunked else (b"connection", b"close")
        self.keep_alive = self.keep_alive and self._chunked
        self._begun = self._head(status, [*headers, framing])

    async def write(self, data: bytes) -> None:
        """The next piece; waits while the client is slow to take what it was sent."""
        if data and self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._send(data):
            await self._wire.drained()

    def end(self) -> None:
        """The answer is complete. What is not ended is cut off."""
        self.ended = True
        self._send(b"0\r\n\r\n" if self._chunked else b"")

    def _send(self, data: bytes) -> bool:
        data, self._begun = self._begun + data, b""
        if data:
            self._wire.send(data)
        return bool(data)

    def switch(self, headers: Headers, received: Callable[[bytes], None]) -> Wire:
        """Answer 101; from here on the client's bytes go to ``received``, and bytes for it to the wire."""
        self.status, self.keep_alive = 101, False
        self._wire.send(self._head(101, headers))
        self._wire.switched(received)
        return self._wire

    def _head(self, status: int, headers: Headers) -> bytes:
        fields = [b": ".join(each) for each in headers]
        if not self.keep_alive and status != 101:
            fields.append(b"connection: close")
        line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        return b"%b%b%b\r\n\r\n" % (line, self._wire.date, b"\r\n".join(fields))

    def fed(self, data: bytes) -> None:
        """A piece of the body came."""
        self._size += len(data)
        self._chunks.append(data)
        if self._size > _HELD_BODY and self._waiter is None:
            self._wire.hold(True)

    def wake(self, complete: bool) -> None:
        """Let whoever waits for the body look again."""
        self.complete = self.complete or complete
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
