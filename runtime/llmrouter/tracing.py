"""Spans of requests and of their upstream attempts, by OpenTelemetry's conventions for HTTP and for generative AI.

Asked for by OpenTelemetry's own variables; where they are not set, nothing of it is imported. A span never holds
content, a credential, a query or an address that a client wrote. The SDK sends spans from a thread of its own: no
request waits for a collector.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llmrouter import __version__
from llmrouter.entities import Candidate
from llmrouter.exchange import Exchange
from llmrouter.operations import Operation, Route
from llmrouter.record import Record
from llmrouter.upstream import Answer, Headers, Upstream, UpstreamFailure, UpstreamRequest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"
_CONTEXT = ("traceparent", "tracestate")

_OPERATIONS: Mapping[str, tuple[str, str | None]] = {
    "chat/completions": ("chat", None),
    "completions": ("text_completion", None),
    "responses": ("chat", None),
    "embeddings": ("embeddings", None),
    "images/generations": ("generate_content", "image"),
    "audio/speech": ("generate_content", "speech"),
    "audio/transcriptions": ("generate_content", "text"),
}
"""What the conventions call an operation, and what it puts out; others keep their own name."""

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""What the conventions call a provider, where it is not what the documents do."""

_CURRENT: ContextVar[Trace] = ContextVar("trace")


def asked(environ: Mapping[str, str]) -> bool:
    """Whether these variables ask for spans: an endpoint or the exporter is named, and nothing says no."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter not in ("", "otlp")
    return not off and (exporter == "otlp" or any(environ.get(name) for name in _ENDPOINTS))


def start(environ: Mapping[str, str], say: Callable[[str], object]) -> Tracing | None:
    """What makes the spans of this process; None where nobody asked. To be called after the last fork.

    Traffic matters more than spans: what cannot be had is said in one line, and the router serves without.
    """
    if not asked(environ):
        return None
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _SPOKEN)
    if protocol != _SPOKEN:
        say(f"warning: no spans: OTLP over {protocol} is asked for, and only {_SPOKEN} is spoken")
        return None
    try:
        return Tracing(_provider())
    except ModuleNotFoundError as error:
        say(f"warning: no spans: {error.name} is not installed; pip install 'llmcompile[otel]'")
    except Exception as error:  # whatever the SDK makes of the variables
        say(f"warning: no spans: {type(error).__name__} while OpenTelemetry started; see the OTEL_ variables")
    return None


def _provider() -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # a collector that is down: one line for each batch
    ours = Resource.create({"service.name": "llmrouter", "service.version": __version__})
    resource = ours.merge(OTELResourceDetector().detect())  # what the variables say counts
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Tracing:
    """Makes the spans of one process."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.api = trace
        self.propagator = TraceContextTextMapPropagator()
        self.tracer = provider.get_tracer("llmrouter", __version__)
        self._provider = provider

    def begin(self, exchange: Exchange, route: Route, operation: Operation, record: Record) -> Trace:
        """A request came: its span goes on from the client's, if the client has one."""
        method = exchange.method.decode()
        came = {
            name: (exchange.header(name.encode()) or b"").decode("latin-1") for name in ("traceparent", "tracestate")
        }
        span = self.tracer.start_span(
            f"{method} {route.template}",
            context=self.propagator.extract({name: value for name, value in came.items() if value}),
            kind=self.api.SpanKind.SERVER,
            # The path as it came names a model or a response; a template says the same of every request.
            attributes={
                "http.request.method": method,
                "http.route": route.template,
                "url.path": route.template,
                "url.scheme": "http",
                "network.protocol.version": exchange.version,
                "llmrouter.request_id": record.request_id,
            },
        )
        trace = Trace(self, span, record, None if route.kind == "state" else operation)
        _CURRENT.set(trace)  # of this request's task
        return trace

    def watched(self, upstream: Upstream) -> Upstream:
        """The same upstream, with a span for every request through it."""
        return _Watched(upstream)

    def close(self, seconds: float) -> None:
        """Send what is left, within a time; waits."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(seconds)


class Trace:
    """The spans of one request."""

    def __init__(self, tracing: Tracing, span: Span, record: Record, operation: Operation | None) -> None:
        self._tracing, self._span, self._record, self._operation = tracing, span, record, operation
        self._context = tracing.api.set_span_in_context(span)
        self._attempt: _Attempt | None = None

    def attempt(self, request: UpstreamRequest) -> tuple[_Attempt, UpstreamRequest]:
        """A request is about to go upstream; the span, and the request with it as its parent."""
        if self._attempt is not None:
            self._attempt.finish("_OTHER")
        tracing, url = self._tracing, urlsplit(request.url)
        secure = url.scheme in ("https", "wss")
        attributes: dict[str, Any] = {
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if secure else 80),
        }
        name = request.method
        if self._record.candidate is not None and self._span.is_recording():
            attributes |= _of_endpoint(self._record.candidate)
            if self._operation is not None:
                described = _of_operation(self._operation, self._record.candidate)
                attributes |= described
                name = f"{described['gen_ai.operation.name']} {described['gen_ai.request.model']}"
        kind = tracing.api.SpanKind.CLIENT
        span = tracing.tracer.start_span(name, context=self._context, kind=kind, attributes=attributes)
        headers = {name: value for name, value in request.headers.items() if name not in _CONTEXT}
        tracing.propagator.inject(headers, tracing.api.set_span_in_context(span))
        self._attempt = _Attempt(span, tracing.api.Status(tracing.api.StatusCode.ERROR), time.time_ns())
        return self._attempt, replace(request, headers=headers)

    def end(self) -> None:
        """The request is through, and its record complete."""
        record = self._record
        if not self._span.is_recording():
            return
        told = {**_of_answer(record), **_of_request(record, self._operation)}
        if self._attempt is not None:
            self._attempt.span.set_attributes(_of_answer(record))
            self._attempt.finish(record.error)
        self._span.set_attributes(told)
        status, gone = record.status or 500, record.error == "client_gone"
        if not gone:
            self._span.set_attribute("http.response.status_code", status)
        error = str(status) if status >= 500 else None
        error = record.error if record.error and (gone or not 400 <= status < 500) else error
        if error is not None:
            self._span.set_attribute("error.type", error)
            if not gone:  # a client may leave whenever it likes
                self._span.set_status(self._tracing.api.StatusCode.ERROR)
        self._span.end()


@dataclass(slots=True)
class _Attempt:
    """The span of one request upstream; it stays open until it is known what became of its answer."""

    span: Span
    failure: Any
    """The status of a span that failed."""
    begun: int
    ended: int | None = None
    """In nanoseconds, once all of the answer came or nobody reads it any more."""
    error: str | None = None
    is_stream: bool = False

    def answered(self, answer: Answer) -> None:
        """The status and the headers came."""
        self.span.set_attribute("http.response.status_code", answer.status)
        if not 200 <= answer.status < 300 and answer.status != 101:
            self.error = str(answer.status)
        kind = next((value for name, value in answer.headers if name == b"content-type"), b"")
        self.is_stream = kind.startswith(b"text/event-stream")
        if self.is_stream:
            self.span.set_attribute("gen_ai.request.stream", True)

    def came(self, data: bytes) -> None:
        """The next bytes came; none: the end."""
        if not data:
            self.stopped()
        elif self.is_stream:
            self.is_stream = False  # the first ones only
            self.span.set_attribute("gen_ai.response.time_to_first_chunk", (time.time_ns() - self.begun) / 1e9)

    def stopped(self, error: str | None = None) -> None:
        """Nothing more comes."""
        self.ended, self.error = self.ended or time.time_ns(), self.error or error

    def finish(self, error: str | None) -> None:
        """End the span; ``error`` is what went wrong where the answer itself said nothing of it."""
        self.stopped(error)
        if self.error is not None:
            self.span.set_attribute("error.type", self.error)
            self.span.set_status(self.failure)
        self.span.end(self.ended)


class _Watched:
    """An Upstream that makes a span for every request of a traced one."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def send(self, request: UpstreamRequest) -> Answer:
        attempt, request = _CURRENT.get().attempt(request)
        try:
            answer = await self._upstream.send(request)
        except UpstreamFailure as failure:
            attempt.stopped(str(failure).replace(" ", "_"))
            raise
        except BaseException:
            attempt.stopped()
            raise
        attempt.answered(answer)
        return _WatchedAnswer(answer, attempt)

    async def close(self) -> None:
        await self._upstream.close()


class _WatchedAnswer:
    """An Answer that tells its span when it ended."""

    def __init__(self, answer: Answer, attempt: _Attempt) -> None:
        self._answer, self._attempt = answer, attempt

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Headers:
        return self._answer.headers

    async def read(self) -> bytes:
        try:
            data = await self._answer.read()
        except UpstreamFailure as failure:
            self._attempt.stopped(str(failure).replace(" ", "_"))
            raise
        self._attempt.came(data)
        return data

    async def write(self, data: bytes) -> None:
        await self._answer.write(data)

    def close(self) -> None:
        self._attempt.stopped()
        self._answer.close()


def _of_endpoint(candidate: Candidate) -> dict[str, Any]:
    endpoint = candidate.endpoint
    return {"llmrouter.endpoint": endpoint.name, "llmrouter.source": endpoint.source}


def _of_operation(operation: Operation, candidate: Candidate) -> dict[str, Any]:
    name, output = _OPERATIONS.get(operation.path, (operation.path, None))
    provider = candidate.endpoint.provider
    described = {
        "gen_ai.operation.name": name,
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
        "gen_ai.request.model": candidate.upstream_model,
    }
    return described | ({"gen_ai.output.type": output} if output else {})


def _of_answer(record: Record) -> dict[str, Any]:
    usage = record.usage
    found = {
        "gen_ai.usage.input_tokens": usage.tokens_input,
        "gen_ai.usage.output_tokens": usage.tokens_output,
        "gen_ai.response.model": usage.model,
    }
    if usage.usage is not None:
        found["gen_ai.usage.cache_read.input_tokens"] = usage.usage.cached_text_input + usage.usage.cached_audio_input
    return _known(found)


def _of_request(record: Record, operation: Operation | None) -> dict[str, Any]:
    candidate = record.candidate
    found: dict[str, Any] = {
        "llmrouter.account": record.snapshot.account,
        "llmrouter.key_id": record.key.id if record.key else None,
        "llmrouter.attempts": record.attempts,
        "llmrouter.cost": None if record.cost is None else str(record.cost),
        "llmrouter.currency": record.price.currency if record.price and record.cost is not None else None,
    }
    if candidate is not None:
        found |= _of_endpoint(candidate)
        if operation is not None:  # by the public name: the upstream's own is on the attempts
            found |= _of_operation(operation, candidate) | {"gen_ai.request.model": candidate.model}
    return _known(found)


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
