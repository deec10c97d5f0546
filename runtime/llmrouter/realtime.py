"""A WebSocket between client and upstream: bytes both ways as they come, and the usage read on their way down.

Compression is not offered upstream, so that frames can be read; nothing else of the protocol is touched. A session
that breaks off ends in an error event and close code 1011.
"""

from __future__ import annotations

import asyncio
import struct

from llmrouter.access import OWN_KEY
from llmrouter.deliver import forwarded
from llmrouter.errors import stream_broken
from llmrouter.exchange import Exchange, Wire
from llmrouter.record import Record
from llmrouter.reply import Reply
from llmrouter.upstream import Answer, Headers, UpstreamFailure
from llmrouter.usage import Reported, added, reported

_TEXT, _CLOSE = 1, 8
_LONGEST = 1 << 20  # bytes of a message that could tell a usage
_HELD_BYTES = 1 << 20
_HANDSHAKE = (b"upgrade", b"connection", b"sec-websocket-accept", b"sec-websocket-protocol")


def asking(exchange: Exchange) -> dict[str, str]:
    """The headers that ask an upstream for a WebSocket on behalf of a client; its key is not among them."""
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    headers["sec-websocket-key"] = (exchange.header(b"sec-websocket-key") or b"").decode("latin-1")
    offered = (exchange.header(b"sec-websocket-protocol") or b"").split(b",")
    kept = [each.strip() for each in offered if each.strip() and not each.strip().startswith(OWN_KEY)]
    if kept:
        headers["sec-websocket-protocol"] = b", ".join(kept).decode("latin-1")
    return headers


class Frames:
    """Reads the frames of an upstream, which are not masked."""

    def __init__(self) -> None:
        self.usage: Reported | None = None
        """The sum of what was told so far."""
        self.closed = False
        """Whether a close frame has passed."""
        self._held, self._message, self._skip = b"", b"", 0

    @property
    def between(self) -> bool:
        """Whether the last frame is whole, so that another may follow."""
        return not self._held and not self._skip

    def feed(self, data: bytes) -> None:
        """Take what came."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        data = self._held + data[skipped:]
        while (head := _head(data)) is not None:
            code, final, start, length = head
            if length > _LONGEST:
                self._skip, data = max(0, start + length - len(data)), data[start + length :]
                continue
            if len(data) < start + length:
                break
            self._frame(code, final, data[start : start + length])
            data = data[start + length :]
        self._held = data

    def _frame(self, code: int, final: bool, payload: bytes) -> None:
        if code >= _CLOSE:
            self.closed = self.closed or code == _CLOSE
            return
        self._message = payload if code else (self._message + payload)[:_LONGEST]
        if final and b'"usage"' in self._message:
            found = reported(self._message)
            if found.tokens_input is not None or found.tokens_output is not None:
                self.usage = added(self.usage, found)


def _head(data: bytes) -> tuple[int, bool, int, int] | None:
    """Code, whether it is the last of its message, where the payload starts and its length; None: not all here."""
    if len(data) < 2:
        return None
    length, start = data[1] & 127, 2
    if length > 125:
        start = 4 if length == 126 else 10
        if len(data) < start:
            return None
        length = struct.unpack("!H" if start == 4 else "!Q", data[2:start])[0]
    return data[0] & 15, bool(data[0] & 128), start, length


async def relay(exchange: Exchange, reply: Reply, upstream: Answer, own: Headers, record: Record) -> None:
    """Pass bytes until one of both sides is through."""
    up = _Up(upstream)
    kept = [each for each in reply.headers if each[0] in _HANDSHAKE]
    wire = exchange.switch([*kept, *forwarded(reply, _HANDSHAKE), *own], up.take)
    up.wire = wire
    sending = asyncio.create_task(up.run())
    frames = Frames()
    try:
        while data := await upstream.read():
            frames.feed(data)
            wire.send(data)
            record.complete = record.complete or frames.closed  # whoever hangs up first then, it is at its end
            await wire.drained()
    except UpstreamFailure:
        if not frames.closed:
            record.error = stream_broken().code
            if frames.between:
                wire.send(_broken())
    finally:
        sending.cancel()
        upstream.close()
        record.usage = frames.usage or record.usage
    exchange.ended = record.complete = True


def _broken() -> bytes:
    event = b'{"type":"error","error":' + stream_broken().body().removeprefix(b'{"error": ')
    reason = struct.pack("!H", 1011)
    return b"\x81" + _length(len(event)) + event + b"\x88" + _length(len(reason)) + reason


def _length(size: int) -> bytes:
    return bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)


class _Up:
    """What the client sends, on its way to the upstream."""

    def __init__(self, upstream: Answer) -> None:
        self.wire: Wire | None = None
        self._upstream, self._held, self._came = upstream, b"", asyncio.Event()

    def take(self, data: bytes) -> None:
        """Bytes came; while the upstream is slow the client waits."""
        self._held += data
        self._came.set()
        if len(self._held) > _HELD_BYTES and self.wire is not None:
            self.wire.hold(True)

    async def run(self) -> None:
        """Pass on until cancelled, or until the upstream takes no more."""
        while True:
            await self._came.wait()
            self._came.clear()
            data, self._held = self._held, b""
            try:
                await self._upstream.write(data)
            except UpstreamFailure:
                return
            if self.wire is not None:
                self.wire.hold(False)
