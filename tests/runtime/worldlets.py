"""A whole router in a thread, its upstream beside it: what comes in are bytes, what goes out is read by h11.

The upstream takes no more than h11 does; whatever it cannot read, or was never asked for, is remembered as a fault.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import h11
from worlds import own

from llmrouter.app import Router, Settings
from llmrouter.documents import parse
from llmrouter.exchange import Exchange
from llmrouter.inbound import Connection, HttpServer, Patience
from llmrouter.outbound import HttpUpstream
from llmrouter.outbox import Outbox
from llmrouter.snapshot import Snapshot

OK = b'{"id":"x"}'


@dataclass
class Request:
    """A request, as h11 reads it."""

    method: str
    target: str
    version: str
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    rest: bytes = b""
    """What comes behind a request for a WebSocket, which is granted."""

    def header(self, name: bytes) -> bytes:
        return b",".join(value for each, value in self.headers if each == name).lower()


def request_of(event: h11.Request) -> Request:
    version = event.http_version.decode()
    return Request(event.method.decode(), event.target.decode("latin-1"), version, list(event.headers))


async def straight(router: Router, exchange: Exchange) -> None:
    """Serve as the router does."""
    await router(exchange)


@dataclass
class Worldlet:
    """One router with one upstream; models ``m`` and ``n`` are served under their own names."""

    serve: Callable[[Router, Exchange], Awaitable[None]] = straight
    """How requests get to the router: a control puts a fault in between."""
    port: int = 0
    seen: list[Request] = field(default_factory=list)
    """What went upstream."""
    faults: list[str] = field(default_factory=list)
    server: HttpServer = field(init=False)

    async def start(self) -> None:
        self._upstream = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{self._upstream.sockets[0].getsockname()[1]}/v1"
        endpoint = own(url, "m", "n", provider="openai", path_style="openai")
        snapshot = Snapshot.build(parse(json.dumps({"x": endpoint})))
        outbox = Outbox()
        self._client = HttpUpstream(outbox)
        router = Router(snapshot, self._client, Settings(max_body=4096, cooldown=0), lambda _: None)
        self.server = HttpServer(
            lambda each: self.serve(router, each), outbox, Patience(head=5, body=5, idle=5, reading=5)
        )
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Connection(self.server), "127.0.0.1", 0)
        self.port = self._listening.sockets[0].getsockname()[1]
        self._ticking = loop.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self.server.tick()
            await asyncio.sleep(0.2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = h11.Connection(h11.SERVER)
        try:
            while await self._answered(parser, reader, writer):
                parser.start_next_cycle()
        except h11.RemoteProtocolError as error:
            self.faults.append(f"not HTTP: {error}")
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answered(
        self, parser: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request: Request | None = None
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = request_of(event)
            elif isinstance(event, h11.Data) and request is not None:
                request.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                self.seen.append(request)
                if request.header(b"upgrade") == b"websocket":
                    await self._switched(request, parser, reader, writer)
                    return False
                head = h11.Response(
                    status_code=200, headers=[("content-type", "application/json"), ("content-length", "10")]
                )
                for answer in (head, h11.Data(data=OK), h11.EndOfMessage()):
                    writer.write(parser.send(answer) or b"")
                return parser.our_state is h11.DONE and parser.their_state is h11.DONE
            else:
                return False

    async def _switched(
        self, request: Request, parser: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        granted = h11.InformationalResponse(
            status_code=101, headers=[("upgrade", "websocket"), ("connection", "upgrade")]
        )
        writer.write(parser.send(granted) or b"")
        request.rest += bytes(parser.trailing_data[0])
        while came := await reader.read(65536):
            request.rest += came

    async def stop(self) -> None:
        self._ticking.cancel()
        self._listening.close()
        self._upstream.close()
        await self.server.drain(0.1)
        await self._client.close()


class Worldlets:
    """Some of them in one thread; what its loop complains of is remembered too."""

    def __init__(self, *ways: Callable[[Router, Exchange], Awaitable[None]]) -> None:
        self.complaints: list[Any] = []
        self.all = [Worldlet(way) for way in ways or (straight,)]
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Worldlets:
        self._thread.start()
        for each in self.all:
            asyncio.run_coroutine_threadsafe(each.start(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.all:
            asyncio.run_coroutine_threadsafe(each.stop(), self._loop).result(30)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), self._loop).result(30)  # transports say goodbye
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()
