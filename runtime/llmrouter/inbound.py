"""The HTTP/1.1 server: one Protocol per client connection, parsed by llhttp, which is strict about framing.

It bounds what a client can take: the size and time of a head, the time of a body, idle connections, slow readers.
A client that leaves cancels the task of its request. It knows nothing of what is served.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from math import inf
from typing import cast

import httptools

from llmrouter.errors import ApiError, bad_framing, timed_out, too_long_head
from llmrouter.exchange import Exchange
from llmrouter.outbox import Outbox

MAX_HEAD = 64 << 10
_PIPELINED = 16


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a client may take."""

    head: float = 15.0
    """From the first byte of a request to the end of its head."""
    body: float = 300.0
    idle: float = 620.0
    """Between requests; longer than load balancers in front, which must be the first to close."""
    reading: float = 60.0
    """Without taking a byte of its answer."""
    linger: float = 5.0
    """To go on sending what nobody wants, so that its sender gets to see the answer."""


Handler = Callable[[Exchange], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One client connection. Requests on it are answered one after the other."""

    def __init__(self, server: HttpServer) -> None:
        self.server, self.loop = server, asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.deadline = inf
        self.task: asyncio.Task[None] | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._coming: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._head_size = 0
        self._refusal: ApiError | None = None
        """Why nothing more is listened to."""
        self._drained: asyncio.Future[None] | None = None
        self._held_back: bytes | None = None
        """What came behind a request for a WebSocket, before it was granted."""
        self._received: Callable[[bytes], None] | None = None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.connections.add(self)
        self.deadline = self.loop.time() + self.server.patience.head

    def data_received(self, data: bytes) -> None:
        if self._received is not None:
            self._received(data)
            return
        if self._refusal is not None:
            return
        if self._held_back is not None:
            self._held_back += data
            self.hold(True)
            return
        rest: bytes | None = data
        while rest is not None:
            rest = self._read(rest)
        self._proceed()

    def _read(self, data: bytes) -> bytes | None:
        """Let the parser read; what it is to read again, if anything."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._upgrading(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(bad_framing())
        else:
            self._fed(len(data))
        return None

    def _fed(self, size: int) -> None:
        coming = self._coming
        if coming is None:
            return
        if coming.method:
            coming.wake(complete=False)
            return
        self._head_size += size
        if self._head_size > MAX_HEAD:
            self._refuse(too_long_head())

    def _upgrading(self, rest: bytes) -> bytes | None:
        """llhttp stops behind a head that asks for another protocol; only a WebSocket's is listened to.

        Any other is read again as if it had not asked: its body is a body, never the next request. A tunnel is refused,
        and a WebSocket with a body: where that ends, and frames begin, is not seen alike by everyone. So is one more of
        many sent at once: each is read again with all that follows it.
        """
        if self._refusal is not None:
            return None
        asking = self._waiting.pop()
        is_socket = (asking.header(b"upgrade") or b"").lower() == b"websocket" and asking.version != "1.0"
        has_body = (
            asking.header(b"content-length") not in (None, b"0") or asking.header(b"transfer-encoding") is not None
        )
        if asking.method == b"CONNECT" or (is_socket and has_body) or len(self._waiting) >= _PIPELINED:
            self._refuse(bad_framing())
            return None
        if is_socket:
            self._waiting.append(asking)
            self._held_back = rest
            return None
        kept = [each for each in asking.headers if each[0] not in (b"upgrade", b"http2-settings")]
        head = b"%b %b HTTP/%b\r\n" % (asking.method, asking.target, asking.version.encode())
        head += b"".join(b"%b: %b\r\n" % (name, _without_upgrade(name, value)) for name, value in kept)
        self._parser = httptools.HttpRequestParser(self)
        return head + b"\r\n" + rest

    def connection_lost(self, _: Exception | None) -> None:
        self.server.connections.discard(self)
        self.deadline = inf
        if self._current is not None:
            self._current.gone = True
        self._waiting.clear()
        if self.task is not None:
            self.task.cancel()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._drained = self.loop.create_future()
        self.deadline = self.loop.time() + self.server.patience.reading

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
        patience = self.server.patience
        left = patience.idle if self._refusal is None else patience.linger
        self.deadline = inf if self._current is not None else self.loop.time() + left

    def send(self, data: bytes) -> None:
        """Write, unless the connection is closing."""
        self.server.outbox.put(self.transport, data)

    def _close(self) -> None:
        self.server.outbox.flush()
        self.transport.close()

    def _hang_up(self) -> None:
        """Say no more, and read on for a while what nobody wants: to close at once could cost a sender its answer."""
        if self.server.stopping:
            self._close()
            return
        self.server.outbox.flush()
        self._coming, self._refusal = None, self._refusal or bad_framing()
        patience, unread = self.server.patience, self.transport.get_write_buffer_size()
        self.deadline = self.loop.time() + (patience.reading if unread else patience.linger)
        self.hold(False)
        if not self.transport.is_closing():
            self.transport.write_eof()

    async def drained(self) -> None:
        """Wait until the client has taken most of what it was sent."""
        if self._drained is not None:
            await self._drained

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._refusal is not None:  # the parser goes on to the end of what it was given
            return
        self._coming, self._head_size = Exchange(self), 0
        if self._current is None:
            self.deadline = self.loop.time() + self.server.patience.head

    def on_url(self, url: bytes) -> None:
        if self._coming is not None:
            self._coming.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        coming = self._coming
        if coming is not None and not coming.method:  # what comes behind a body is not listened to
            coming.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        coming = self._coming
        if coming is None:
            return
        coming.method, coming.version = self._parser.get_method(), self._parser.get_http_version()
        if not _is_plain(coming):
            self._refuse(bad_framing())
            return
        if not self._parser.should_upgrade() and coming.header(b"upgrade") is not None:
            # What its connection does not speak of is not asked for.
            coming.headers = [each for each in coming.headers if each[0] != b"upgrade"]
        coming.keep_alive = self._parser.should_keep_alive() and not self.server.stopping
        self._waiting.append(coming)
        if len(self._waiting) >= _PIPELINED:
            self.transport.pause_reading()

    def on_body(self, data: bytes) -> None:
        if self._coming is not None:
            self._coming.fed(data)

    def on_message_complete(self) -> None:
        if self._coming is not None:
            self._coming.wake(complete=True)
            if self._coming is self._current and self._drained is None:
                self.deadline = inf
        self._coming = None

    # Requests, one after the other.

    def _proceed(self) -> None:
        """Take the next request, if the one before is through."""
        if self._current is not None:
            return
        if self._waiting:
            exchange = self._current = self._waiting.popleft()
            self.deadline = inf if exchange.complete else self.loop.time() + self.server.patience.body
            self.server.outbox.requests += 1
            self.task = self.loop.create_task(self._run(exchange))
            self.task.add_done_callback(self._ended)
        elif self._refusal is not None:
            exchange = Exchange(self)
            exchange.keep_alive = False
            exchange.answer_error(self._refusal, [])
            self._hang_up()

    async def _run(self, exchange: Exchange) -> None:
        await self.server.handler(exchange)
        if not exchange.complete and exchange.ended:
            self.deadline = self.loop.time() + self.server.patience.linger
            await exchange.discard()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The task of a request is through, or was cancelled, maybe before its first step."""
        exchange, self._current, self.task = self._current, None, None
        self.server.outbox.requests -= 1
        if not task.cancelled():
            task.exception()  # the handler has told of it
        if exchange is None or self.transport.is_closing():
            return
        patience, now = self.server.patience, self.loop.time()
        self.deadline = now + (patience.idle if self._drained is None else patience.reading)
        if self._refusal is not None and exchange.status is None:
            self._proceed()
        elif not exchange.ended or not exchange.complete:
            self.transport.abort()
        elif not exchange.keep_alive or self.server.stopping or (self._held_back is not None and not self._waiting):
            self._hang_up()
        else:
            self._proceed()
            self.hold(False)  # nobody else may have been there to say so, where a large body was whole at once

    def _refuse(self, error: ApiError) -> None:
        """Nothing that still comes on this connection can be trusted; what came whole before is answered."""
        self._refusal, self._coming = error, None
        if self._waiting and not self._waiting[-1].complete:
            self._waiting.pop()
        if self._current is not None and not self._current.complete and self.task is not None:
            self._current.gone = True
            self.task.cancel()

    def overdue(self) -> None:
        """The client took too long."""
        self.deadline = inf
        if self._current is None and self._coming is not None:
            self._refuse(timed_out())
            self._proceed()
        else:
            self.transport.abort()

    def stop(self) -> None:
        """Close it unless a request is being answered; that one is the last."""
        if self._current is not None:
            self._current.keep_alive = False
        else:
            self._close()

    @property
    def date(self) -> bytes:
        """The header line that tells the date."""
        return self.server.date

    def hold(self, held: bool) -> None:
        """Stop reading, or go on."""
        if held:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def switched(self, received: Callable[[bytes], None]) -> None:
        """Hand over what still comes."""
        self._received = received
        if self._held_back:
            received(self._held_back)
        self.hold(False)


@dataclass(slots=True)
class HttpServer:
    """All connections of one listening socket."""

    handler: Handler
    outbox: Outbox = field(default_factory=Outbox)
    patience: Patience = field(default_factory=Patience)
    connections: set[Connection] = field(default_factory=set)
    stopping: bool = False
    date: bytes = b""

    def tick(self) -> None:
        """To be called about twice a second: sets the date and lets go of clients that take too long."""
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
        now = asyncio.get_running_loop().time()
        for connection in [each for each in self.connections if each.deadline < now]:
            connection.overdue()

    async def drain(self, seconds: float) -> None:
        """Let running requests end within a time, then cut them off."""
        self.stopping = True
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        for connection in list(self.connections):
            connection.stop()
        while self.connections and loop.time() < until:
            await asyncio.sleep(0.05)
        tasks = [each.task for each in self.connections if each.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_plain(request: Exchange) -> bool:
    """Whether a head that llhttp lets pass means the same to every server."""
    hosts = [name for name, _ in request.headers].count(b"host")
    if request.version == "1.0":  # proxies of that age see another length
        return hosts <= 1 and request.header(b"transfer-encoding") is None
    return request.version == "1.1" and hosts == 1  # there is an HTTP/0.9; and of two hosts each chooses its own


def _without_upgrade(name: bytes, value: bytes) -> bytes:
    """A header as it would be without the wish to speak another protocol."""
    if name != b"connection":
        return value
    tokens = [token.strip() for token in value.split(b",")]
    return b", ".join(each for each in tokens if each.lower() not in (b"upgrade", b"http2-settings"))
