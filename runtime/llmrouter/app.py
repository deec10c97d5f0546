"""The router: matches the path, takes the snapshot, and sees every request to an answer and a log line."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from llmrouter import __version__
from llmrouter.access import Access
from llmrouter.deliver import deliver
from llmrouter.entities import Candidate, Key
from llmrouter.errors import ApiError, bad_request, internal, model_not_found
from llmrouter.exchange import Exchange
from llmrouter.form import Form
from llmrouter.forward import Call, Forwarder
from llmrouter.gate import Asks, Gate, asks_of
from llmrouter.health import Health
from llmrouter.limits import Alert, Limiter, MemoryLimiter
from llmrouter.metrics import Metrics
from llmrouter.openapi import description
from llmrouter.operations import Operation, Route, match
from llmrouter.payload import Body, Payload, named
from llmrouter.realtime import asking, relay
from llmrouter.record import GONE, Record
from llmrouter.resolve import Refused, Unreachable, callable_names, resolve
from llmrouter.snapshot import Snapshot
from llmrouter.state import parted, tag
from llmrouter.tokens import Tokens
from llmrouter.tracing import Tracing
from llmrouter.upstream import Headers, TimeLimits, Upstream
from llmrouter.usage import UNKNOWN

_ALONG = (b"accept", b"traceparent", b"tracestate", b"openai-beta")
_OURS = {"accept-encoding": "identity", "user-agent": f"llmrouter/{__version__}"}
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_JSON = (b"content-type", b"application/json")
_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may tune; everything else is in the documents."""

    limits: TimeLimits = field(default_factory=TimeLimits)
    max_body: int = 32 << 20
    """Bytes of a request body."""
    cooldown: float = 10.0
    """Seconds of an endpoint's first rest after failures; 0: none."""
    retry_budget: float = 5.0
    """Seconds that a request may wait for endpoints that asked for patience."""
    region: str | None = None
    """Where this router runs; for logs and /readyz."""
    limiter: Callable[[Callable[[Alert], None]], Limiter] = MemoryLimiter
    """Makes what counts the requests of limits and budgets; it is told whom to tell of a budget that runs out."""


class _Served:
    """A snapshot with what is worked out of it once: keys to look up, and ready lists of candidates."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot, self.access = snapshot, Access(snapshot.keys)
        self._ready: dict[tuple[str, str | None], tuple[Candidate, ...]] = {}
        self._asks: dict[str | None, Asks] = {}

    def candidates(self, name: str, key: Key | None, tags: Iterable[str] = ()) -> tuple[Candidate, ...]:
        """Where a name leads for a key. Raises ApiError."""
        place = name, key.sha256 if key else None
        found = None if tags else self._ready.get(place)
        return self._resolved(place, name, key, frozenset(tags)) if found is None else found

    def gate(self, limiter: Limiter, key: Key | None) -> Gate | None:
        """What stands before a request of a key; None: nothing limits it."""
        place = key.sha256 if key else None
        asks = self._asks.get(place)
        if asks is None:
            asks = self._asks[place] = asks_of(self.snapshot, key)
        return Gate(limiter, asks, self.snapshot.limits_closed) if asks != ((), ()) else None

    def _resolved(
        self, place: tuple[str, str | None], name: str, key: Key | None, tags: frozenset[str]
    ) -> tuple[Candidate, ...]:
        drawn = False

        def draw() -> float:
            nonlocal drawn
            drawn = True
            return random.random()  # noqa: S311 - a share of traffic, no secret

        try:
            found = resolve(self.snapshot, name, key=key, tags=tags, draw=draw)
        except Unreachable:
            raise model_not_found(name, None) from None
        except Refused as refusal:
            # Unknown and not allowed are answered alike: a key learns nothing about names that are not its own.
            raise model_not_found(name, refusal.suggestion) from None
        if not tags and not drawn:
            self._ready[place] = found
        return found


class Router:
    """One account's router. What it serves is read once per request, so it can be replaced as a whole."""

    def __init__(
        self,
        snapshot: Snapshot,
        upstream: Upstream,
        settings: Settings,
        write: Callable[[bytes], None],
        state: Callable[[], Mapping[str, Any]] = dict,
        tracing: Tracing | None = None,
    ) -> None:
        self._settings, self._write, self._state, self._tracing = settings, write, state, tracing
        self._limiter, self._metrics = settings.limiter(self._alerted), Metrics()
        self.serve(snapshot)
        self._prefix, self._numbers = os.urandom(10).hex(), itertools.count()
        health = Health(settings.cooldown)
        watched = upstream if tracing is None else tracing.watched(upstream)
        tokens = Tokens(upstream, limits=settings.limits, told=self._token_asked)
        self._forwarder = Forwarder(watched, tokens, settings.limits, health, settings.retry_budget)

    def serve(self, snapshot: Snapshot) -> None:
        """Serve this to all requests that come from now on; those that came before keep what they began with."""
        self._live = _Served(snapshot)

    async def close(self) -> None:
        """Count to the end what was served."""
        await self._limiter.close()

    def _alerted(self, alert: Alert) -> None:
        _say(alert.line)
        self._metrics.add("budget_alerts_total", (alert.ask.key, alert.level))

    def _token_asked(self, client_id: str, outcome: str) -> None:
        self._metrics.add("token_refreshes_total", (client_id, outcome))

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        given = exchange.header(b"x-request-id") or b""
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else f"{self._prefix}{next(self._numbers):012x}"
        try:
            route = _matched(exchange)
            if route.operation is not None:
                await self._call(exchange, route, route.operation, request_id)
            else:
                kind = _TEXT if route.kind == "metrics" else _JSON
                exchange.answer(200, self._told(exchange, route), [_named(request_id), kind])
        except ApiError as error:
            exchange.answer_error(error, [_named(request_id)])
        except Exception as bug:
            _complain(bug)
            exchange.answer_error(internal(), [_named(request_id)])

    def _told(self, exchange: Exchange, route: Route) -> bytes:
        snapshot = self._live.snapshot
        if route.kind == "health":
            return b'{"status":"ok"}'
        if route.kind == "openapi":
            return description()
        resting = self._forwarder.health.resting()
        if route.kind == "ready":
            limits = self._limiter.state() | {"when_unavailable": "closed" if snapshot.limits_closed else "open"}
            told = {"status": "ready", "region": self._settings.region, **self._state(), "limits": limits}
            state = {**told, "resting": resting}
            return json.dumps(state).encode()
        key = self._live.access.identify(exchange.headers)
        if route.kind == "metrics":
            told = {"reloads": 0, "reload_failures": 0, "documents": dict(snapshot.digests), **self._state()}
            return self._metrics.text(told, resting, self._limiter)
        names = callable_names(snapshot, key)
        if route.name is None:
            return json.dumps({"object": "list", "data": [_model(name) for name in names]}).encode()
        if route.name not in names:
            raise model_not_found(route.name, None)
        return json.dumps(_model(route.name)).encode()

    async def _call(self, exchange: Exchange, route: Route, operation: Operation, request_id: str) -> None:
        live = self._live
        record = Record(request_id, live.snapshot, self._settings.region)
        trace = None if self._tracing is None else self._tracing.begin(exchange, route, operation, record)
        try:
            record.key = live.access.identify(exchange.headers)
            if route.kind == "state":
                await self._kept(exchange, route, operation, record)
                return
            record.gate = live.gate(self._limiter, record.key)
            if operation.sends == "socket":
                await self._session(exchange, route.name, operation, record, live)
            else:
                await self._served(exchange, route.name, operation, record, live)
        except ApiError as error:
            record.error = error.code
            exchange.answer_error(error, _told_of(record))
        except asyncio.CancelledError:
            if not record.complete:
                record.error = "client_gone" if exchange.gone else "stopped"
            raise
        except Exception as bug:
            record.error = "internal_error"
            _complain(bug)
            if exchange.status is None:
                exchange.answer_error(internal(), _told_of(record))
        finally:
            record.status = GONE if record.error == "client_gone" else exchange.status
            record.end()
            if record.gate is not None:
                for uncounted in record.gate.end(record):
                    self._metrics.add("budget_uncounted_total", uncounted)
            self._metrics.observe(record)
            self._write(record.line())
            if trace is not None:
                trace.end()

    async def _served(
        self, exchange: Exchange, name: str | None, operation: Operation, record: Record, live: _Served
    ) -> None:
        raw = await exchange.body(self._settings.max_body)
        body: Body = Form.parse(raw, _kind(exchange)) if operation.sends == "form" else Payload.parse(raw)
        candidates = live.candidates(name or body.model(), record.key, body.tags)
        if body.kept_at is not None:
            candidates = _keeping(candidates, body.kept_at, "previous_response_id")
        headers = _along(exchange, record.request_id)
        headers["content-type"] = body.content_type
        reply = await self._forwarder.forward(candidates, Call(operation, headers, body), record)
        await deliver(exchange, reply, operation, _told_of(record), record)

    async def _kept(self, exchange: Exchange, route: Route, operation: Operation, record: Record) -> None:
        """A request about a response that an upstream keeps; no model is named, so nothing is billed."""
        response, kept_at = parted(route.name or "")
        names = callable_names(record.snapshot, record.key)
        everywhere = [each for name in names for each in resolve(record.snapshot, name, key=record.key)]
        candidates = _keeping(everywhere, kept_at or "", "response_id")[:1]
        call = Call(
            operation,
            _along(exchange, record.request_id),
            method=exchange.method.decode(),
            suffix=f"/{response}{route.rest}",
            query=_query(exchange, "api-version"),
        )
        reply = await self._forwarder.forward(candidates, call, record)
        await deliver(exchange, reply, operation, _told_of(record), record)
        record.usage = UNKNOWN  # it was told, and billed, when the response was made

    async def _session(
        self, exchange: Exchange, name: str | None, operation: Operation, record: Record, live: _Served
    ) -> None:
        asked = dict(parse_qsl(exchange.query.decode("latin-1")))
        if (exchange.header(b"upgrade") or b"").lower() != b"websocket":
            raise bad_request("This is a WebSocket; ask for an upgrade to it.", code="upgrade_required")
        name = name or named(asked.get("deployment") or asked.get("model"))
        candidates = live.candidates(name, record.key)
        headers = _along(exchange, record.request_id) | asking(exchange)
        query = _query(exchange, "api-version", "deployment", "model")
        reply = await self._forwarder.forward(candidates, Call(operation, headers, None, "GET", query=query), record)
        if reply.status == 101 and reply.rest is not None:
            await relay(exchange, reply, reply.rest, _told_of(record), record)
        else:
            await deliver(exchange, reply, operation, _told_of(record), record)


def _matched(exchange: Exchange) -> Route:
    path = exchange.path
    route = match(path)
    if route is None:
        raise ApiError(404, f"Unknown path: {path[:200]}", code="unknown_path")
    if exchange.method.decode() not in route.methods:
        allow = ", ".join(route.methods)
        message = f"Method {exchange.method.decode()} is not allowed here; use {allow}."
        raise ApiError(405, message, code="method_not_allowed", headers={"allow": allow})
    return route


def _keeping(candidates: Iterable[Candidate], kept_at: str, param: str) -> tuple[Candidate, ...]:
    """Those at the endpoint that keeps a response. Raises ApiError 404."""
    found = tuple(each for each in candidates if tag(each.endpoint) == kept_at)
    if not found:
        raise ApiError(
            404, "No such response, or you do not have access to it.", code="response_not_found", param=param
        )
    return found


def _query(exchange: Exchange, *without: str) -> str:
    """The client's query but for what the router itself says there."""
    pairs = exchange.query.decode("latin-1").split("&")
    return "&".join(each for each in pairs if each and unquote(each.partition("=")[0]) not in without)


def _along(exchange: Exchange, request_id: str) -> dict[str, str]:
    """The headers that go upstream; of the client's, only these few."""
    headers = {**_OURS, "x-request-id": request_id}
    for name, value in exchange.headers:
        if name in _ALONG:
            headers[name.decode()] = value.decode("latin-1")
    return headers


def _told_of(record: Record) -> Headers:
    """What the client learns of how its request was served."""
    told = [_named(record.request_id), (b"x-llmrouter-attempts", b"%d" % record.attempts)]
    if record.candidate is not None:
        endpoint = record.candidate.endpoint
        told += _places(endpoint.name, record.candidate.model, endpoint.source)
        record.overhead = time.perf_counter() - record.started - record.waited
        told.append((b"x-llmrouter-overhead-ms", b"%.2f" % (record.overhead * 1000)))
    if record.gate is not None and record.gate.admission is not None:
        told += record.gate.admission.headers()
    return told


def _named(request_id: str) -> tuple[bytes, bytes]:
    return b"x-request-id", request_id.encode()


def _kind(exchange: Exchange) -> str:
    return (exchange.header(b"content-type") or b"").decode("latin-1")


@lru_cache(4096)
def _places(endpoint: str, model: str, source: str) -> tuple[tuple[bytes, bytes], ...]:
    named = {"endpoint": endpoint, "model": model, "source": source}
    return tuple((f"x-llmrouter-{name}".encode(), value.encode("ascii", "replace")) for name, value in named.items())


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "llmrouter"}


def _complain(bug: Exception) -> None:
    """Where a fault happened, not what with: its message could hold anything."""
    place = traceback.extract_tb(bug.__traceback__)[-1]
    _say(f"{type(bug).__name__} at {Path(place.filename).name}:{place.lineno}")


def _say(line: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"llmrouter: {line}\n")
        sys.stderr.flush()
