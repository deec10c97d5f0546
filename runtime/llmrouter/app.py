"""The ASGI app: matches the path, takes the snapshot, and sees every request to an answer and a log line."""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from llmrouter import __version__
from llmrouter.access import identify
from llmrouter.asgi import ClientGoneError, Receive, Request, Send, answer, answer_error, cancelled_when_gone
from llmrouter.deliver import deliver
from llmrouter.errors import ApiError, internal, model_not_found, unavailable
from llmrouter.forward import Call, Forwarder
from llmrouter.operations import Operation
from llmrouter.payload import Payload
from llmrouter.record import Record, write_stdout
from llmrouter.resolve import Candidate, Refused, Unreachable, callable_names, resolve
from llmrouter.routes import Route, match
from llmrouter.settings import Settings
from llmrouter.snapshot import Snapshot
from llmrouter.tokens import Tokens
from llmrouter.upstream import Upstream

_GONE = 499  # nobody gets to see it but the log
_ALONG = (b"accept", b"traceparent", b"tracestate")


class Router:
    """One account's router. ``snapshot`` is read once per request, so it can be replaced as a whole."""

    def __init__(
        self,
        snapshot: Snapshot,
        upstream: Upstream,
        settings: Settings,
        write: Callable[[bytes], None] = write_stdout,
    ) -> None:
        self.snapshot = snapshot
        self._upstream, self._settings, self._write = upstream, settings, write
        self._forwarder = Forwarder(upstream, Tokens(upstream), settings)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(Request.of(scope, receive), send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._upstream.open()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._upstream.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, request: Request, send: Send) -> None:
        own = [(b"x-request-id", request.request_id.encode())]
        try:
            route = _matched(request)
            if route.operation is not None:
                await self._call(request, route.operation, route.model, send)
            else:
                await answer(send, 200, self._told(request, route), own)
        except ApiError as error:
            await answer_error(send, error, own)
        except Exception as bug:
            _complain(bug)
            await answer_error(send, internal(), own)

    def _told(self, request: Request, route: Route) -> bytes:
        snapshot = self.snapshot
        if route.kind == "health":
            return b'{"status":"ok"}'
        if route.kind == "ready":
            state = {"status": "ready", "region": self._settings.region, "documents": dict(snapshot.digests)}
            return json.dumps(state).encode()
        names = callable_names(snapshot, identify(snapshot, request.headers))
        if route.model is None:
            return json.dumps({"object": "list", "data": [_model(name) for name in names]}).encode()
        if route.model not in names:
            raise model_not_found(route.model, None)
        return json.dumps(_model(route.model)).encode()

    async def _call(self, request: Request, operation: Operation, named: str | None, send: Send) -> None:
        record = Record(request.request_id, self.snapshot, self._settings.region)
        started = False

        async def noted(message: Any) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started, record.status = True, message["status"]
            await send(message)

        try:
            await self._exchange(request, operation, named, record, noted)
        except ClientGoneError:
            if not record.delivery.complete:
                record.status, record.error = _GONE, "client_gone"
        except ApiError as error:
            record.error = error.code
            await answer_error(noted, error, _told_of(record))
        except Exception as bug:
            record.error = "internal_error"
            _complain(bug)
            if not started:
                await answer_error(noted, internal(), _told_of(record))
        except asyncio.CancelledError:
            record.error = "stopped"
            raise
        finally:
            self._write(record.line())

    async def _exchange(
        self, request: Request, operation: Operation, named: str | None, record: Record, send: Send
    ) -> None:
        snapshot = record.snapshot
        record.key = identify(snapshot, request.headers)
        payload = Payload.parse(await request.body(self._settings.max_body))
        candidates = _resolved(snapshot, named or payload.model(), record)
        call = Call(operation, payload, _along(request))
        async with cancelled_when_gone(request.receive):
            reply = await self._forwarder.forward(snapshot, candidates, call, record.progress)
            await deliver(send, reply, operation, _told_of(record), record.delivery)


def _matched(request: Request) -> Route:
    route = match(request.path)
    if route is None:
        raise ApiError(404, f"Unknown path: {request.path[:200]}", code="unknown_path")
    if request.method not in route.methods:
        allow = ", ".join(route.methods)
        message = f"Method {request.method} is not allowed here; use {allow}."
        raise ApiError(405, message, code="method_not_allowed", headers={"allow": allow})
    return route


def _resolved(snapshot: Snapshot, name: str, record: Record) -> tuple[Candidate, ...]:
    try:
        return resolve(snapshot, name, key=record.key)
    except Unreachable as refusal:
        raise (unavailable(name) if refusal.served else model_not_found(name, None)) from None
    except Refused as refusal:
        # Unknown and not allowed are answered alike: a key learns nothing about names that are not its own.
        raise model_not_found(name, refusal.suggestion) from None


def _along(request: Request) -> dict[str, str]:
    """The headers that go upstream; of the client's, only these few."""
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"llmrouter/{__version__}",
        "x-request-id": request.request_id,
    }
    for name in _ALONG:
        value = request.header(name)
        if value is not None:
            headers[name.decode()] = value
    return headers


def _told_of(record: Record) -> list[tuple[bytes, bytes]]:
    """What the client learns of how its request was served."""
    told = {"x-request-id": record.request_id, "x-llmrouter-attempts": str(record.progress.attempts)}
    candidate = record.progress.candidate
    if candidate is not None:
        told["x-llmrouter-endpoint"] = candidate.endpoint.name
        told["x-llmrouter-model"] = candidate.model
        told["x-llmrouter-source"] = candidate.endpoint.source
    return [(name.encode(), value.encode("ascii", "replace")) for name, value in told.items()]


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "llmrouter"}


def _complain(bug: Exception) -> None:
    """Where a fault happened, not what with: its message could hold anything."""
    place = traceback.extract_tb(bug.__traceback__)[-1]
    with suppress(OSError, ValueError):
        sys.stderr.write(f"llmrouter: {type(bug).__name__} at {Path(place.filename).name}:{place.lineno}\n")
        sys.stderr.flush()
