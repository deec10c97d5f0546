"""What the soak's upstream answers: bodies, streams and bytes that hold a request's id, and usage as each API tells it.

Nothing is noted here but by ``Note``, which the usage goes through on its way out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web
from soak_isolation import Asked
from soak_plan import KINDS, content, tokens

Note = Callable[[dict[str, int]], None]
"""Takes the tokens, by kind, that are told now."""
STALL = 600.0  # seconds: whoever waits gives up before
_PAUSE, _SLOW_PAUSE = 0.002, 0.25  # seconds between the pieces of a stream
_KINDS = ("text_input", "cached_text_input", "text_output")


async def whole(request: web.Request, asked: Asked, step: str, note: Note) -> web.StreamResponse:
    """An answer of JSON."""
    kind = asked.plan.kind
    if step in ("broken", "leave"):
        response = await _begun(request, "application/json", b'{"id": "c1"', {"content-length": "500"})
        return cut(request) if step == "broken" else await _endless(response)
    if kind == "state":  # about a response that was billed when it was made
        told = _responses_usage(5, 1, 2)
        return web.json_response({"id": f"resp_{asked.endpoint}", "object": "response", "usage": told})
    name = f"resp_{asked.endpoint}" if kind == "respond" else asked.name
    return web.json_response({"id": name, **_BODIES.get(kind, {}), "usage": _usage(asked, note)})


async def stream(request: web.Request, asked: Asked, step: str, note: Note) -> web.StreamResponse:
    """Events, whose pieces hold the request's id."""
    kind, data = asked.plan.kind, asked.data
    choice: dict[str, Any] = {"delta": {"content": asked.name}} if kind != "complete_stream" else {"text": asked.name}
    response = await _begun(request, "text/event-stream", _event({"choices": [choice]}))
    if step == "leave":
        return await _endless(response)
    for _ in range(3):
        await asyncio.sleep(_SLOW_PAUSE if step == "slow" else _PAUSE)
        await response.write(_event({"choices": [choice]}))
    if step == "broken":
        await response.write(b'data: {"choi')
        return cut(request)
    if kind == "respond_stream":
        done = {"id": f"resp_{asked.endpoint}", "usage": _usage(asked, note)}
        await response.write(_event({"type": "response.completed", "response": done}, "response.completed"))
        return response
    if data.get("stream_options", {}).get("include_usage"):
        await response.write(_event({"choices": [], "usage": _usage(asked, note)}))
    await response.write(b"data: [DONE]\n\n")
    return response


async def speech(request: web.Request, asked: Asked, step: str) -> web.StreamResponse:
    """Bytes in two pieces. Of their usage nothing is told."""
    data = content(asked.name)
    response = await _begun(request, "audio/mpeg", data[:9])
    if step == "leave":
        return await _endless(response)
    if step == "broken":
        return cut(request)
    await response.write(data[9:])
    return response


async def realtime(request: web.Request, asked: Asked, step: str, note: Note) -> web.StreamResponse:
    """Answers each message with a usage; breaks off at the third where it should."""
    session = web.WebSocketResponse()
    await session.prepare(request)
    turn = 0
    async for message in session:
        if message.type is not WSMsgType.TEXT:
            continue
        if step == "broken" and turn == 2:
            return cut(request)
        told = tokens(asked.name, *_KINDS, turn=turn)
        note(told)
        usage = _responses_usage(told["text_input"] + told["cached_text_input"], *list(told.values())[1:])
        await session.send_json({"type": "response.done", "response": {"id": asked.name, "usage": usage}})
        turn += 1
    return session


def cut(request: web.Request) -> web.StreamResponse:
    """Close without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _usage(asked: Asked, note: Note) -> dict[str, Any]:
    kind = asked.plan.kind
    if kind in ("embed", "rerank"):
        told = tokens(asked.name, "text_input")
        note(told)
        return {"prompt_tokens": told["text_input"], "total_tokens": told["text_input"]}
    if kind == "hear":
        told = tokens(asked.name, "audio_input", "text_input", "text_output")
        note(told)
        details = {"text_tokens": told["text_input"], "audio_tokens": told["audio_input"]}
        given = told["audio_input"] + told["text_input"]
        return {"input_tokens": given, "output_tokens": told["text_output"], "input_token_details": details}
    told = tokens(asked.name, *_KINDS)
    note(told)
    given, cached, made = told["text_input"] + told["cached_text_input"], told["cached_text_input"], told["text_output"]
    if kind == "image" or KINDS[kind].path == "responses":
        return _responses_usage(given, cached, made)
    return {"prompt_tokens": given, "completion_tokens": made, "prompt_tokens_details": {"cached_tokens": cached}}


_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
_BODIES: dict[str, dict[str, Any]] = {
    "chat": {"choices": [_CHOICE]},
    "own": {"choices": [_CHOICE]},
    "complete": {"choices": [{"index": 0, "text": "hello", "finish_reason": "stop"}]},
    "embed": {"data": [{"index": 0, "embedding": [0.5, 0.25]}]},
    "image": {"created": 1, "data": [{"b64_json": "aGVsbG8="}]},
    "hear": {"text": "hello"},
    "rerank": {"results": [{"index": 0, "relevance_score": 0.5}]},
    "respond": {"object": "response", "status": "completed", "output": []},
}


def _responses_usage(given: int, cached: int, made: int) -> dict[str, Any]:
    return {"input_tokens": given, "output_tokens": made, "input_tokens_details": {"cached_tokens": cached}}


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
    await asyncio.sleep(STALL)
    return response
