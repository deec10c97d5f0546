"""A real, small OTLP/HTTP receiver on loopback: it decodes what comes and remembers the spans."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Seen:
    """A span that arrived, with its attributes as a dict."""

    def __init__(self, span: Span, resource: dict[str, Any]) -> None:
        self.name, self.kind, self.failed = span.name, Span.SpanKind.Name(span.kind), span.status.code == 2
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.message, self.events = span.status.message, len(span.events)
        self.attributes, self.resource = _read(span.attributes), resource


def _read(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    value: AnyValue = pair.value
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


class Collector:
    """Takes spans until its block ends."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self._came = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector._take(self.path, dict(self.headers), body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        assert path == "/v1/traces"
        found = ExportTraceServiceRequest.FromString(body)
        with self._came:
            self.raw.append(body)
            self.headers.append(headers)
            for each in found.resource_spans:
                resource = _read(each.resource.attributes)
                self.spans += [Seen(span, resource) for scope in each.scope_spans for span in scope.spans]
            self._came.notify_all()

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def of(self, request_id: str, spans: int) -> list[Seen]:
        """The spans of one request in the order of their start, the server's first; waits for so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self._of(request_id)) >= spans, 30), [s.name for s in self.spans]
            return sorted(self._of(request_id), key=lambda each: (each.kind != "SPAN_KIND_SERVER", each.start))

    def _of(self, request_id: str) -> list[Seen]:
        roots = {each.trace for each in self.spans if each.attributes.get("llmrouter.request_id") == request_id}
        return [each for each in self.spans if each.trace in roots]
