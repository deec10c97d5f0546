"""A stand-in for upstreams on loopback: every operation and a token endpoint, with faults on demand.

Behaviour is set per deployment (or model, on the OpenAI path); every request is remembered.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiohttp import WSMsgType, web

Behaviour = Callable[["StandIn", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]

USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


@dataclass
class Seen:
    """A request that arrived; header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, bytes]:
        """The parts of a multipart body, read by the standard library."""
        kind = self.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            return {}
        message = BytesParser(policy=default).parsebytes(f"content-type: {kind}\r\n\r\n".encode() + self.body)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        return {str(name): part.get_payload(decode=True) for name, part in parts.items()}

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
    responses: set[str] = field(default_factory=set)
    """Ids of responses that it keeps."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    tls: ssl.SSLContext | None = None

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
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        origin = "https://localhost" if self.tls else "http://127.0.0.1"
        self.url = f"{origin}:{self._runner.addresses[0][1]}"

    def reset(self) -> None:
        """Forget everything."""
        for each in (self.behaviours, self.requests, self.token_requests, self.responses):
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
        seen = await self._remembered(request)
        data = json.loads(seen.body) if seen.body and not seen.form else {}
        parts = request.path.split("/")
        name = parts[3] if request.path.startswith("/openai/deployments/") else data.get("model", "")
        behaviour = self.behaviours.get(name, good)
        try:
            return await behaviour(self, request, data)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _remembered(self, request: web.Request) -> Seen:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(request.method, request.raw_path.partition("?")[0], request.query_string, headers, b"")
        if not headers.get("upgrade"):
            seen.body = await request.read()
        self.requests.append(seen)
        return seen


async def good(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """What a healthy upstream says."""
    operation = next((each for each in OTHERS if re.search(rf"(?<=/){each}(/|$)", request.path)), None)
    if operation is not None:
        return await OTHERS[operation](upstream, request, data)
    if request.path.endswith("/embeddings"):
        vector: Any = base64.b64encode(struct.pack("<2f", 0.5, 0.25)).decode()
        vector = vector if data.get("encoding_format") == "base64" else [0.5, 0.25]
        item = {"object": "embedding", "index": 0, "embedding": vector}
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        return web.json_response({"object": "list", "data": [item], "model": "upstream", "usage": usage})
    if data.get("stream"):
        told = [_usage_event()] if data.get("stream_options", {}).get("include_usage") else []
        return await streamed(request, [*_words(upstream.name), *told, b"data: [DONE]\n\n"])
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


async def completions(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """Text completions."""
    head = {"id": "t1", "object": "text_completion", "created": 1, "model": "upstream"}
    words = [{"text": word, "index": 0, "finish_reason": None, "logprobs": None} for word in ("hello ", upstream.name)]
    if not data.get("stream"):
        whole = words[0] | {"text": f"hello {upstream.name}", "finish_reason": "stop"}
        return web.json_response({**head, "choices": [whole], "usage": USAGE})
    events = [{**head, "choices": [each]} for each in words]
    if data.get("stream_options", {}).get("include_usage"):
        events.append({**head, "choices": [], "usage": USAGE})
    return await streamed(request, [*(sse(each) for each in events), b"data: [DONE]\n\n"])


def sse(data: dict[str, Any], event: str = "") -> bytes:
    return (f"event: {event}\n" if event else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


def response_object(
    upstream: StandIn, identity: str, previous: str | None, status: str = "completed"
) -> dict[str, Any]:
    """An object of the Responses API."""
    text = {"type": "output_text", "text": f"hello from {upstream.name}", "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    usage = {"input_tokens": 10, "output_tokens": 4, "total_tokens": 14, "input_tokens_details": {"cached_tokens": 0}}
    usage["output_tokens_details"] = {"reasoning_tokens": 0}
    done = status == "completed"
    return {
        "id": identity,
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "upstream",
        "output": [message] if done else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "previous_response_id": previous,
        "usage": usage if done else None,
        "metadata": {},
    }


async def responses(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """The Responses API, with its memory."""
    rest = request.path.partition("/responses")[2].strip("/").split("/")
    if rest[0]:
        if rest[0] not in upstream.responses:
            return web.json_response({"error": {"message": "Response not found.", "code": "not_found"}}, status=404)
        if request.method == "DELETE":
            upstream.responses.discard(rest[0])
            return web.json_response({"id": rest[0], "object": "response", "deleted": True})
        if rest[1:] == ["input_items"]:
            return web.json_response(
                {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
            )
        return web.json_response(response_object(upstream, rest[0], None))
    previous = data.get("previous_response_id")
    if previous is not None and previous not in upstream.responses:
        return web.json_response({"error": {"message": "no such", "code": "previous_response_not_found"}}, status=400)
    identity = f"resp_{upstream.name}{len(upstream.responses)}"
    upstream.responses.add(identity)
    whole = response_object(upstream, identity, previous)
    if not data.get("stream"):
        return web.json_response(whole)
    begun = response_object(upstream, identity, previous, "in_progress")
    delta = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    events = [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.output_text.delta", "sequence_number": 1, "delta": "hello", **delta},
        {"type": "response.completed", "sequence_number": 2, "response": whole},
    ]
    return await streamed(request, [sse(each, str(each["type"])) for each in events])


async def images(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """An image."""
    usage = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}
    return web.json_response({"created": 1, "data": [{"b64_json": "aGVsbG8="}], "usage": usage})


AUDIO = bytes(range(256)) * 400


async def speech(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """Bytes in pieces."""
    response = web.StreamResponse(headers={"content-type": "audio/mpeg"})
    await response.prepare(request)
    for at in range(0, len(AUDIO), 25600):
        await response.write(AUDIO[at : at + 25600])
        await asyncio.sleep(0.02)
    return response


async def transcriptions(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """How many bytes were heard."""
    form = upstream.requests[-1].form
    details = {"text_tokens": 2, "audio_tokens": 8}
    usage = {"type": "tokens", "input_tokens": 10, "output_tokens": 4, "total_tokens": 14}
    text = f"{len(form['file'])} bytes heard by {upstream.name}"
    return web.json_response({"text": text, "usage": {**usage, "input_token_details": details}})


async def rerank(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """The documents in reverse."""
    found = [{"index": at, "relevance_score": 0.5} for at in reversed(range(len(data["documents"])))]
    return web.json_response({"id": "r1", "results": found, "meta": {}})


async def realtime(upstream: StandIn, request: web.Request, data: dict[str, Any]) -> web.StreamResponse:
    """A session that says who it is, answers what it is asked, and breaks off when told."""
    socket = web.WebSocketResponse(protocols=("realtime",))
    await socket.prepare(request)
    await socket.send_json({"type": "session.created", "event_id": "e1", "session": {"id": upstream.name}})
    usage = {"total_tokens": 14, "input_tokens": 10, "output_tokens": 4, "input_token_details": {"audio_tokens": 0}}
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data[::-1])
            continue
        asked = json.loads(message.data)
        if asked["type"] == "break":
            assert request.transport is not None
            request.transport.abort()
            break
        done = {"type": "response.done", "event_id": "e2", "response": {"id": "resp_x", "usage": usage}}
        await socket.send_json(done | {"echo": asked})
    return socket


OTHERS: dict[str, Behaviour] = {
    "(?<!chat/)completions": completions,
    "responses": responses,
    "images/generations": images,
    "audio/speech": speech,
    "audio/transcriptions": transcriptions,
    "rerank": rerank,
    "realtime": realtime,
}
