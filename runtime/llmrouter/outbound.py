"""The Upstream port over HTTP/1.1: pooled connections, the three time limits, failures in our own words.

The environment is not trusted: a .netrc or a proxy would see credentials.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import lru_cache
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from llmrouter.alarm import Alarm
from llmrouter.outbox import Outbox
from llmrouter.upstream import Headers, TimeLimits, UpstreamFailure, UpstreamRequest

_KEEP_SECONDS = 30.0
_MAX_HEAD = 64 << 10  # as much as the router takes from a client, and clients take from it
_HELD_BYTES = 256 << 10  # of an answer that nobody reads yet; beyond it the upstream waits
_LOST, _LATE, _INVALID, _GIVEN_UP = "connection lost", "no answer in time", "no valid HTTP answer", "given up"


class _Place(NamedTuple):
    """Where a URL leads."""

    secure: bool
    name: str
    port: int
    host: str
    target: str


@lru_cache(4096)
def _placed(url: str) -> _Place:
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Place(secure, parts.hostname or "", parts.port or (443 if secure else 80), parts.netloc, target)


class HttpAnswer:
    """An answer on its way; its connection fills it in."""

    def __init__(self, connection: _Connection, limits: TimeLimits) -> None:
        self.status = 0
        """0: not known yet."""
        self.headers: Headers = []
        self.complete = False
        self.failure: str | None = None
        self._connection, self._idle = connection, limits.idle
        self._deadline: float | None = connection.loop.time() + limits.first_byte
        self._chunks: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Wait for the status and the headers. Raises UpstreamFailure."""
        try:
            while not self.status:
                await self._more()
        except BaseException:
            self.close()
            raise

    async def read(self) -> bytes:
        """The next bytes; the first read has what is left of the first-byte limit, later ones the idle limit."""
        while not self._chunks:
            if self.complete:
                return b""
            await self._more()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._size > _HELD_BYTES and not self.complete:
            self._connection.transport.resume_reading()
        self._size, self._deadline = 0, None
        return data

    async def _more(self) -> None:
        if self.failure is not None:
            raise UpstreamFailure(self.failure)
        loop = self._connection.loop
        self._waiter = loop.create_future()
        self._connection.alarm.set(self._deadline or loop.time() + self._idle)
        try:
            await self._waiter
        finally:
            self._connection.waited(self)
            self._waiter = None

    def wake(self) -> None:
        """Let the reader look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def received(self, data: bytes) -> None:
        """Bytes of the body came."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > _HELD_BYTES:
            self._connection.transport.pause_reading()

    async def write(self, data: bytes) -> None:
        """Bytes of the protocol that the connection switched to."""
        if self.failure is not None or self._connection.transport.is_closing():
            raise UpstreamFailure(self.failure or _LOST)
        self._connection.send(data)
        await self._connection.drained()

    def close(self) -> None:
        """Close the connection unless the answer came to its end."""
        if not self.complete:
            self._connection.fail(self, _GIVEN_UP)


class _Connection(asyncio.Protocol):
    """One connection to an upstream, with one answer at a time."""

    def __init__(self, idle: list[_Connection], outbox: Outbox) -> None:
        self.loop, self._idle, self._outbox = asyncio.get_running_loop(), idle, outbox
        self.transport: asyncio.Transport
        self.idle_since = 0.0
        self.served = 0
        """Answers that began on it."""
        self.silent = True
        """Whether nothing came since it was asked."""
        self._parser = httptools.HttpResponseParser(self)
        self._answer: HttpAnswer | None = None
        self._head_size, self._bodied, self._reusable, self._switched = 0, False, False, False
        self._drained: asyncio.Future[None] | None = None
        self.alarm = Alarm(self.loop, self._late)

    def ask(self, data: bytes, limits: TimeLimits) -> HttpAnswer:
        """Send a request."""
        answer = self._answer = HttpAnswer(self, limits)
        self._head_size, self.silent = 0, True
        if self.transport.is_closing():  # by the other side, before it was asked
            answer.failure = _LOST
        self.send(data)
        return answer

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._outbox.put(self.transport, data)

    def fail(self, answer: HttpAnswer, reason: str) -> None:
        """Give up on an answer, and on the connection with it."""
        if answer.failure is None and not answer.complete:
            answer.failure = reason
            self.transport.abort()
            answer.wake()

    def waited(self, answer: HttpAnswer) -> None:
        """A reader waits no more; it may wake up when its connection is another's already, and so is the alarm."""
        if self._answer is answer or self._answer is None:
            self.alarm.unset()

    def _late(self) -> None:
        if self._answer is not None:
            self.fail(self._answer, _LATE)

    async def drained(self) -> None:
        """Wait until the upstream has taken most of what it was sent."""
        if self._drained is not None:
            await self._drained

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        answer, self.silent = self._answer, False
        if answer is None:  # nothing was asked
            self.transport.abort()
            return
        if self._switched:
            answer.received(data)
        else:
            self._parse(answer, data)
        answer.wake()

    def _parse(self, answer: HttpAnswer, data: bytes) -> None:
        in_head = not answer.status
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switched = True
            if rest := data[upgrade.args[0] :]:
                answer.received(rest)
        except httptools.HttpParserError:
            self._reusable = False
            self.fail(answer, _INVALID)
        self._head_size = self._head_size + len(data) if in_head or not self._bodied else 0
        self._bodied = False
        if self._head_size > _MAX_HEAD:
            self._bound(answer, in_head)
        if answer.complete:
            self._free()

    def _bound(self, answer: HttpAnswer, in_head: bool) -> None:
        """Much came that is no body: a head, or what may stand around chunks. The parser keeps what does not end."""
        if in_head and _size(answer.headers) > _MAX_HEAD:
            answer.status, answer.complete = 0, False  # whatever came along with it
        if not in_head or not answer.status:
            self.fail(answer, _INVALID)

    def _free(self) -> None:
        self._answer = None
        self.served += 1
        if self._reusable and not self.transport.get_write_buffer_size() and not self.transport.is_closing():
            self.idle_since = self.loop.time()
            self.transport.resume_reading()  # a large answer may be whole before anybody has read of it
            self._idle.append(self)
        else:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        answer, self._answer = self._answer, None
        self.alarm.close()
        if self in self._idle:
            self._idle.remove(self)
        if answer is not None and not answer.complete:
            framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in answer.headers)
            if answer.status and not framed and error is None and answer.failure is None and not self._switched:
                answer.complete = True  # such a body ends with its connection
            elif answer.failure is None:
                answer.failure = _LOST
            answer.wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._drained = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.complete:  # more than was asked for
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._answer is not None and not self._answer.status:
            self._answer.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._answer is not None and not self._answer.complete:
            self._answer.status = self._parser.get_status_code()
            self._reusable = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._bodied = True
        if self._answer is not None and not self._answer.complete:
            self._answer.received(data)

    def on_message_complete(self) -> None:
        answer = self._answer
        if answer is None or answer.status == 101:
            return
        if answer.status < 200:  # the real one follows
            answer.status = 0
            answer.headers.clear()
        else:
            answer.complete = True


class HttpUpstream:
    """All connections to upstreams of one process, kept for the next request to the same place."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._idle: dict[tuple[bool, str, int], list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def send(self, request: UpstreamRequest) -> HttpAnswer:
        """Send it; returns when the headers are in.

        An idle connection may have been closed by the other side just now: what was sent on it and got not a byte
        of an answer is sent again, once, on a new one.
        """
        place = _placed(request.url)
        data = _written(request, place)
        connection = self._taken(place)
        if connection is not None:
            answer = connection.ask(data, request.limits)
            try:
                await answer.begun()
                return _asked_for(answer, request)
            except UpstreamFailure:
                if not (connection.silent and answer.failure == _LOST):
                    raise
        answer = (await self._connected(place, request.limits.connect)).ask(data, request.limits)
        await answer.begun()
        return _asked_for(answer, request)

    def _taken(self, place: _Place) -> _Connection | None:
        idle = self._idle.get(place[:3])
        if not idle:
            return None
        now = idle[0].loop.time()
        while idle and idle[0].idle_since < now - _KEEP_SECONDS:
            idle.pop(0).transport.abort()
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    async def _connected(self, place: _Place, seconds: float) -> _Connection:
        idle = self._idle.setdefault(place[:3], [])
        try:
            async with asyncio.timeout(seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(idle, self._outbox),
                    place.name,
                    place.port,
                    ssl=self._context() if place.secure else None,
                )
        except (OSError, ValueError) as error:
            raise UpstreamFailure(_reason(error)) from None
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def close(self) -> None:
        """Close what is idle; what is not is closed by whoever uses it."""
        for connection in [each for idle in self._idle.values() for each in idle]:
            connection.transport.abort()


def _asked_for(answer: HttpAnswer, request: UpstreamRequest) -> HttpAnswer:
    """The answer, unless it speaks a protocol that nobody asked for. Raises UpstreamFailure."""
    if answer.status == 101 and "upgrade" not in request.headers:
        answer.close()
        raise UpstreamFailure(_INVALID)
    return answer


def _written(request: UpstreamRequest, place: _Place) -> bytes:
    lines = [f"{request.method} {place.target} HTTP/1.1\r\nhost: {place.host}"]
    lines += map(": ".join, request.headers.items())
    if request.method != "GET":
        lines.append(f"content-length: {len(request.body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body


def _size(headers: Headers) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "no connection in time"
        case socket.gaierror() | UnicodeError():
            return "host not found"
        case ssl.SSLError():
            return "TLS failed"
        case _:
            return "connection refused"
