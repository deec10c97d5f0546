"""A stand-in for upstreams on loopback: chat, embeddings and a token endpoint, with faults on demand.

Behaviour is set per deployment (or model, on the OpenAI path); every request is remembered.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Behaviour = Callable[["StandIn", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]

USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


@dataclass
class Seen:
    """A request that arrived; header names in lower case."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class StandIn:
    """One upstream host."""

    name: str
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    token_requests: list[dict[str, str]] = field(default_factory=list)
    valid_tokens: set[str] = field(default_factory=set)
    token_seconds: int | str = 3600
    token_status: int = 200
    token_delay: float = 0.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def __enter__(self) -> StandIn:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/token", self._token)
        app.router.add_post("/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def reset(self) -> None:
        """Forget everything."""
        for each in (self.behaviours, self.requests, self.token_requests):
            each.clear()
        self.token_seconds, self.token_status, self.token_delay = 3600, 200, 0.0
        self.cancelled.clear()

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.token_requests.append(form)
        await asyncio.sleep(self.token_delay)
        if self.token_status != 200:
            return web.json_response({"error": "invalid_client", **form}, status=self.token_status)
        token = f"token-{len(self.token_requests)}"
        self.valid_tokens = {token}
        return web.json_response({"access_token": token, "expires_in": self.token_seconds, "token_type": "Bearer"})

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Seen(request.path, request.query_string, headers, body))
        data = json.loads(body)
        parts = request.path.split("/")
        name = parts[3] if request.path.startswith("/openai/deployments/") else data["model"]
        behaviour = self.behaviours.get(name, good)
        try:
            return await behaviour(self, request, data)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def good(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """What a healthy upstream says."""
    if request.path.endswith("/embeddings"):
        item = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        return web.json_response({"object": "list", "data": [item], "model": "upstream", "usage": usage})
    if data.get("stream"):
        return await streamed(request, [*_words(upstream.name), _usage_event(), b"data: [DONE]\n\n"])
    message = {"role": "assistant", "content": f"hello from {upstream.name}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": "upstream", "choices": [choice]}
    headers = {"set-cookie": "a=b", "x-ratelimit-remaining-requests": "7"}
    return web.json_response({**answer, "usage": USAGE}, headers=headers)


def _event(delta: dict[str, Any], **more: Any) -> bytes:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "upstream", **more}
    chunk.setdefault("choices", [{"index": 0, "delta": delta, "finish_reason": None}])
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _words(name: str) -> list[bytes]:
    return [_event({"content": word}) for word in ("hello ", "from ", name)]


def _usage_event() -> bytes:
    return _event({}, choices=[], usage=USAGE)


async def streamed(request: web.Request, events: list[bytes], pause: float = 0.0) -> web.StreamResponse:
    """An event stream."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
        await asyncio.sleep(pause)
    return response


def slowly(pause: float) -> Behaviour:
    """A healthy stream that takes its time."""

    async def behave(upstream: StandIn, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        events = [*_words(upstream.name), _usage_event(), b"data: [DONE]\n\n"]
        return await streamed(request, events, pause)

    return behave


def answering(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Behaviour:
    """A fixed answer."""

    async def behave(*_: object) -> web.StreamResponse:
        told = {"error": {"message": f"upstream said {status}", "code": "x"}} if body is None else body
        if isinstance(told, bytes):
            return web.Response(status=status, body=told, headers=headers)
        return web.json_response(told, status=status, headers=headers)

    return behave


async def hanging(*_: object) -> web.StreamResponse:
    """No answer at all."""
    await asyncio.sleep(30)
    raise AssertionError


async def hanging_after_headers(_: StandIn, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    """Headers, and then nothing."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await asyncio.sleep(30)
    return response


def cut(inside_event: bool = False, cleanly: bool = False, stall: bool = False) -> Behaviour:
    """A stream that ends early: on an event's border or inside one, with a proper end of the body or without."""

    async def behave(upstream: StandIn, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        events = _words(upstream.name)[:2]
        response = await streamed(request, [*events, b'data: {"id": "c1", "cho'] if inside_event else events)
        if stall:
            await asyncio.sleep(30)
        if not cleanly and request.transport is not None:
            await asyncio.sleep(0.05)
            request.transport.close()
        return response

    return behave


async def half_json(_: StandIn, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    """Half of a JSON answer, then a closed connection."""
    return await _half(request, {"content-type": "application/json", "content-length": "500"}, b'{"id": "c1"')


async def half_bytes(_: StandIn, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    """Half of an opaque answer, then a closed connection."""
    return await _half(request, {"content-type": "application/octet-stream"}, b"half")


async def _half(request: web.Request, headers: dict[str, str], data: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(data)
    await asyncio.sleep(0.05)
    assert request.transport is not None
    request.transport.close()
    return response


async def garbage(_: StandIn, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    """Something that is not HTTP."""
    assert request.transport is not None
    request.transport.write(b"\x00\x01 this is not HTTP\r\n\r\n")
    request.transport.close()
    return web.Response()


async def bearer_only(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """Healthy for the token issued last, 401 for any other."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return await (good if given in upstream.valid_tokens else answering(401))(upstream, request, data)


async def empty_stream(_: StandIn, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    """A stream that ends cleanly before its first event."""
    return await streamed(request, [])


async def redirected(upstream: StandIn, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    """A redirect that would lead to a good answer."""
    location = f"{upstream.url}/openai/deployments/elsewhere/chat/completions"
    return web.Response(status=307, headers={"location": location})


def dead_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
