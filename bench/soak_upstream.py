"""The soak's upstream: every operation on two endpoints of one host, faults as each request's id asks for them.

An id such as ``17.chat.reset-ok`` is a plan: the first attempt is reset, those after it are answered. What usage was
told for which request is noted, drawn from the id so that no two requests cost the same.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from soak_accounts import Told

_STALL = 600.0  # seconds: whoever waits gives up before
Answer = Callable[[web.Request, str, str], Awaitable[web.StreamResponse]]


class SoakUpstream:
    """One server with the endpoints ``/first`` and ``/second``."""

    def __init__(self) -> None:
        self.told: dict[str, list[Told]] = defaultdict(list)
        self.attempts: Counter[str] = Counter()
        self.seen: dict[str, asyncio.Event] = {}
        """Set once a request that a client wants to leave has arrived."""
        self.url = ""

    async def start(self) -> None:
        """Listen on loopback."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/{endpoint}/openai/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._runner.server.connections) if self._runner.server else 0

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name, endpoint = request.headers["x-request-id"], request.match_info["endpoint"]
        _, kind, plan = name.split(".")
        steps = plan.split("-")
        step = steps[min(self.attempts[name], len(steps) - 1)]
        self.attempts[name] += 1
        data = {} if request.headers.get("upgrade") else await _read(request)
        if name in self.seen:
            self.seen[name].set()
        if step.isdigit():
            headers = {"retry-after-ms": "50"} if step == "429" else {}
            return web.json_response({"error": {"message": step, "code": "x"}}, status=int(step), headers=headers)
        if step == "reset":
            return _cut(request)
        if step == "stall":
            await asyncio.sleep(_STALL)
        if kind == "realtime":
            return await self._realtime(request, name, endpoint, step)
        if data.get("stream"):
            return await self._stream(request, name, endpoint, step, data)
        return await self._whole(request, name, endpoint, step)

    def _tells(self, name: str, endpoint: str, *kinds: str, turn: int = 0) -> dict[str, int]:
        """Tokens of these kinds; noted as told."""
        seed = zlib.crc32(f"{name}/{turn}".encode())
        tokens = {kind: (seed >> (5 * at)) % 997 + 1 for at, kind in enumerate(kinds)}
        if turn == 0:
            self.told[name].append(Told(endpoint))
        self.told[name][-1].tokens.update(tokens)
        return tokens

    async def _whole(self, request: web.Request, name: str, endpoint: str, step: str) -> web.StreamResponse:
        kind = name.split(".")[1]
        if step in ("broken", "leave"):
            response = await _begun(request, "application/json", b'{"id": "c1"', {"content-length": "500"})
            return _cut(request) if step == "broken" else await _endless(response)
        if request.method != "POST":  # about a response that was billed when it was made
            return web.json_response({"id": "resp_1", "object": "response", "usage": _responses_usage(5, 1, 2)})
        return web.json_response({**_BODIES.get(kind, {}), "usage": self._usage(kind, name, endpoint)})

    def _usage(self, kind: str, name: str, endpoint: str) -> dict[str, Any]:
        if kind == "embed":
            given = self._tells(name, endpoint, "text_input")["text_input"]
            return {"prompt_tokens": given, "total_tokens": given}
        if kind == "hear":
            told = self._tells(name, endpoint, "audio_input", "text_input", "text_output")
            given = told["audio_input"] + told["text_input"]
            details = {"text_tokens": told["text_input"], "audio_tokens": told["audio_input"]}
            return {"input_tokens": given, "output_tokens": told["text_output"], "input_token_details": details}
        told = self._tells(name, endpoint, "text_input", "cached_text_input", "text_output")
        given, cached, made = (
            told["text_input"] + told["cached_text_input"],
            told["cached_text_input"],
            told["text_output"],
        )
        if kind in ("respond", "image"):
            return _responses_usage(given, cached, made)
        details = {"cached_tokens": cached}
        return {"prompt_tokens": given, "completion_tokens": made, "prompt_tokens_details": details}

    async def _stream(
        self, request: web.Request, name: str, endpoint: str, step: str, data: dict[str, Any]
    ) -> web.StreamResponse:
        kind = name.split(".")[1]
        response = await _begun(request, "text/event-stream", _event({"choices": [{"delta": {"content": "hello"}}]}))
        if step == "leave":
            return await _endless(response)
        for _ in range(3):
            await asyncio.sleep(0.002)
            await response.write(_event({"choices": [{"delta": {"content": "hello"}}]}))
        if step == "broken":
            await response.write(b'data: {"choi')
            return _cut(request)
        if kind == "respond":
            whole = {"id": "resp_1", "usage": self._usage(kind, name, endpoint)}
            await response.write(_event({"type": "response.completed", "response": whole}, "response.completed"))
            return response
        if data.get("stream_options", {}).get("include_usage"):
            await response.write(_event({"choices": [], "usage": self._usage(kind, name, endpoint)}))
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _realtime(self, request: web.Request, name: str, endpoint: str, step: str) -> web.StreamResponse:
        """Answers each message with a usage; breaks off at the third where it should."""
        session = web.WebSocketResponse()
        await session.prepare(request)
        turn = 0
        async for message in session:
            if message.type is not WSMsgType.TEXT:
                continue
            if step == "broken" and turn == 2:
                return _cut(request)
            told = self._tells(name, endpoint, "text_input", "cached_text_input", "text_output", turn=turn)
            given = told["text_input"] + told["cached_text_input"]
            usage = _responses_usage(given, told["cached_text_input"], told["text_output"])
            await session.send_json({"type": "response.done", "response": {"id": "r", "usage": usage}})
            turn += 1
        return session


_BODIES: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]},
    "embed": {"data": [{"index": 0, "embedding": [0.5, 0.25]}]},
    "image": {"created": 1, "data": [{"b64_json": "aGVsbG8="}]},
    "hear": {"text": "hello"},
    "respond": {"id": "resp_1", "object": "response", "status": "completed", "output": []},
}


def _responses_usage(given: int, cached: int, made: int) -> dict[str, Any]:
    return {"input_tokens": given, "output_tokens": made, "input_tokens_details": {"cached_tokens": cached}}


async def _read(request: web.Request) -> dict[str, Any]:
    body = await request.read()
    return json.loads(body) if request.content_type == "application/json" and body else {}


def _event(data: dict[str, Any], name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


async def _begun(
    request: web.Request, kind: str, first: bytes, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": kind, **(headers or {})})
    await response.prepare(request)
    await response.write(first)
    return response


async def _endless(response: web.StreamResponse) -> web.StreamResponse:
    await asyncio.sleep(_STALL)
    return response


def _cut(request: web.Request) -> web.StreamResponse:
    """Close without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
