"""Spans: what a real OTLP receiver gets of requests, retries and streams; and that they cost nothing else."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from collector import Collector
from opentelemetry.sdk.trace import TracerProvider
from running import RunningRouter
from standin import StandIn, answering, cut, dead_url, hanging, slowly
from wires import asked, told
from worlds import ALICE, HEADER_SECRET, SECRET, documents, own

from llmrouter.app import Router, Settings
from llmrouter.documents import parse
from llmrouter.snapshot import Snapshot
from llmrouter.tracing import Tracing, start
from llmrouter.tracing import asked as are_asked
from llmrouter.upstream_fake import FakeAnswer, FakeUpstream

AUTH = {"authorization": f"Bearer {ALICE}"}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CLIENT, SERVER = "SPAN_KIND_CLIENT", "SPAN_KIND_SERVER"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as found:
        yield found


@pytest.fixture(scope="module")
def traced(_upstreams: tuple[StandIn, StandIn], collector: Collector) -> Iterator[RunningRouter]:
    a, b = _upstreams
    variables = documents(a.url, b.url, dead_url()) | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    with RunningRouter(variables, "--cooldown", "0", "--idle-timeout", "0.6") as running:
        yield running


def call(router: RunningRouter, request_id: str, model: str, **more: Any) -> httpx.Response:
    headers = AUTH | {"x-request-id": request_id} | more.pop("headers", {})
    path = more.pop("path", "/v1/chat/completions")
    return httpx.post(router.url + path, json={"model": model, **more}, headers=headers, timeout=30)


def test_a_call_is_two_spans(traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]) -> None:
    a, _ = upstreams
    assert call(traced, "plain", "own-chat", messages=[{"role": "user", "content": "canary-content"}]).is_success
    server, client = collector.of("plain", 2)
    assert (server.kind, server.name, server.parent) == (SERVER, "POST /v1/chat/completions", "")
    assert (client.kind, client.name, client.parent) == (CLIENT, "chat custom-own-chat", server.id)
    assert server.start <= client.start <= client.end <= server.end
    assert not server.failed
    assert not client.failed
    assert client.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "custom-own-chat",
        "gen_ai.response.model": "upstream",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "http.response.status_code": 200,
        "llmrouter.endpoint": "own",
        "llmrouter.source": "tenant",
        "server.address": "127.0.0.1",
        "server.port": int(a.url.rpartition(":")[2]),
    }
    told = {"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200}
    told |= {"llmrouter.account": "acme", "llmrouter.key_id": "alice", "llmrouter.attempts": 1}
    told |= {"gen_ai.request.model": "own-chat", "gen_ai.usage.output_tokens": 4, "llmrouter.currency": "USD"}
    assert told.items() <= server.attributes.items()
    assert server.resource["service.name"] == "llmrouter"
    assert server.resource["deployment.environment.name"] == "test"


def test_the_clients_trace_goes_on_upstream(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
    call(traced, "continued", "single", headers=headers)
    server, client = collector.of("continued", 2)
    assert (server.trace, server.parent) == (TRACE, PARENT)
    (seen,) = upstreams[0].requests
    assert seen.headers["traceparent"] == f"00-{TRACE}-{client.id}-01"
    assert seen.headers["tracestate"] == "vendor=1"


@pytest.mark.parametrize("given", ["00-1-2-01", "ff-" + TRACE + "-" + PARENT + "-01", "\u00e9" * 9])
def test_what_is_no_trace_is_not_gone_on_with(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn], given: str
) -> None:
    identity = f"invalid-{len(collector.spans)}"
    call(traced, identity, "single", headers={"traceparent": given.encode("latin-1"), "tracestate": "vendor=1"})
    server, client = collector.of(identity, 2)
    assert server.parent == ""
    (seen,) = upstreams[0].requests
    assert seen.headers["traceparent"].startswith(f"00-{server.trace}-{client.id}-")
    assert "tracestate" not in seen.headers


def test_a_client_that_does_not_sample_is_followed(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]
) -> None:
    call(traced, "unsampled", "single", headers={"traceparent": f"00-{'1' * 32}-{PARENT}-00"})
    call(traced, "sampled", "single")  # control: it would be there by now
    collector.of("sampled", 2)
    assert collector._of("unsampled") == []
    assert upstreams[0].requests[0].headers["traceparent"].startswith(f"00-{'1' * 32}-")
    assert upstreams[0].requests[0].headers["traceparent"].endswith("-00")


def test_every_attempt_has_a_span(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]
) -> None:
    upstreams[0].behaviours["failover"] = answering(503)
    assert call(traced, "failed-over", "failover").is_success
    server, first, second = collector.of("failed-over", 3)
    assert {first.parent, second.parent} == {server.id}
    assert (first.failed, first.attributes["error.type"], first.attributes["llmrouter.endpoint"]) == (
        True,
        "503",
        "primary",
    )
    assert (second.failed, second.attributes["llmrouter.endpoint"]) == (False, "secondary")
    assert first.end <= second.start
    assert "gen_ai.usage.input_tokens" not in first.attributes
    assert second.attributes["gen_ai.usage.input_tokens"] == 10
    assert not server.failed
    assert server.attributes["llmrouter.attempts"] == 2


def test_no_connection_and_no_answer(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]
) -> None:
    assert call(traced, "dead", "all-dead").status_code == 502
    server, client = collector.of("dead", 2)
    assert client.attributes["error.type"] == "connection_refused"
    assert server.attributes["error.type"] == "upstream_failed"
    assert (server.failed, client.failed) == (True, True)
    upstreams[0].behaviours["hang"] = hanging
    assert call(traced, "late", "hang").is_success
    _, first, _ = collector.of("late", 3)
    assert first.attributes["error.type"] == "no_answer_in_time"


def test_a_clients_mistake_is_no_failure_of_the_router(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]
) -> None:
    upstreams[0].behaviours["single"] = answering(400)
    call(traced, "mistake", "single")
    server, client = collector.of("mistake", 2)
    assert (server.failed, server.attributes["http.response.status_code"]) == (False, 400)
    assert (client.failed, client.attributes["error.type"]) == (True, "400")
    call(traced, "unknown-model", "no-such-model")
    (server,) = collector.of("unknown-model", 1)
    assert (server.failed, server.attributes["http.response.status_code"]) == (False, 404)
    assert "gen_ai.request.model" not in server.attributes


def test_a_stream(traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]) -> None:
    upstreams[0].behaviours["single"] = slowly(0.05)
    assert call(traced, "stream", "single", stream=True).text.endswith("[DONE]\n\n")
    server, client = collector.of("stream", 2)
    assert client.attributes["gen_ai.request.stream"] is True
    first = client.attributes["gen_ai.response.time_to_first_chunk"]
    assert 0 < first < (client.end - client.start) / 1e9
    assert client.end - client.start > 150_000_000  # to the last byte
    assert client.attributes["gen_ai.usage.input_tokens"] == 10
    assert not server.failed


def test_a_stream_that_breaks(traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]) -> None:
    upstreams[0].behaviours["single"] = cut()
    call(traced, "broken", "single", stream=True)
    server, client = collector.of("broken", 2)
    assert (server.failed, server.attributes["error.type"]) == (True, "stream_broken")
    assert (client.failed, client.attributes["error.type"]) == (True, "connection_lost")
    assert server.attributes["http.response.status_code"] == 200


def test_a_client_that_leaves(traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]) -> None:
    upstreams[0].behaviours["single"] = slowly(0.3)
    headers = AUTH | {"x-request-id": "gone"}
    body = {"model": "single", "stream": True}
    with httpx.stream("POST", f"{traced.url}/v1/chat/completions", json=body, headers=headers) as answer:
        next(answer.iter_bytes())
    server, client = collector.of("gone", 2)
    assert server.attributes["error.type"] == client.attributes["error.type"] == "client_gone"
    assert not server.failed
    assert "http.response.status_code" not in server.attributes


OPERATIONS = [
    ("/v1/embeddings", {"input": "x"}, "embeddings", None),
    ("/v1/completions", {"prompt": "x"}, "text_completion", None),
    ("/v1/responses", {"input": "x"}, "chat", None),
    ("/v1/images/generations", {"prompt": "x"}, "generate_content", "image"),
    ("/v1/audio/speech", {"input": "x"}, "generate_content", "speech"),
    ("/v1/rerank", {"documents": ["x"]}, "rerank", None),
    ("/openai/deployments/single/embeddings", {"input": "x"}, "embeddings", None),
]


@pytest.mark.parametrize(("path", "body", "name", "output"), OPERATIONS)
def test_operations_are_named_as_agreed(
    traced: RunningRouter,
    collector: Collector,
    upstreams: tuple[StandIn, StandIn],
    path: str,
    body: dict[str, Any],
    name: str,
    output: str | None,
) -> None:
    identity = path.replace("/", "-")
    assert call(traced, identity, "single", path=path, **body).is_success
    server, client = collector.of(identity, 2)
    assert client.name == f"{name} single"
    for span in (server, client):
        assert span.attributes["gen_ai.operation.name"] == name
        assert span.attributes.get("gen_ai.output.type") == output
    assert server.name == f"POST {path.replace('/single/', '/{model}/')}"


def test_a_token_is_no_attempt(traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]) -> None:
    assert call(traced, "token", "oauth-chat").is_success
    assert call(traced, "after", "oauth-chat").is_success
    assert len(upstreams[0].token_requests) == 1
    collector.of("after", 2)
    assert len(collector.of("token", 2)) == 2


def test_neither_content_nor_secrets_are_in_spans(
    traced: RunningRouter, collector: Collector, upstreams: tuple[StandIn, StandIn]
) -> None:
    for model in ("single", "own-chat", "oauth-chat", "custom-auth", "all-dead"):
        path = f"/v1/chat/completions?api-key={HEADER_SECRET}&q=canary-query"
        headers = {"user-agent": "canary-agent", "cookie": "canary-cookie"}
        content = [{"role": "user", "content": "canary-content"}]
        call(traced, f"canary-{model}", model, path=path, headers=headers, messages=content)
        collector.of(f"canary-{model}", 2)
    everything = b"".join(collector.raw)
    assert b"canary-single" in everything  # control: the request's id is there
    for secret in (SECRET, HEADER_SECRET, ALICE, "canary-content", "canary-query", "canary-agent", "canary-cookie"):
        assert secret.encode() not in everything
    assert b"hello from" not in everything  # the answer
    assert not any(span.message or span.events for span in collector.spans)


def test_what_has_no_log_line_has_no_span(traced: RunningRouter, collector: Collector) -> None:
    seen = len(collector.spans)
    for path in ("/healthz", "/readyz", "/v1/models", "/metrics", "/nothing"):
        httpx.get(traced.url + path, headers=AUTH)
    call(traced, "behind", "no-such-model")
    collector.of("behind", 1)
    assert [span.name for span in collector.spans[seen:]] == ["POST /v1/chat/completions"]


def lone(url: str, **variables: str) -> RunningRouter:
    """A router without a policy."""
    return RunningRouter({"CUSTOMER_LLM_CONFIG": {"x": own(url, "m", api_key="k")}} | variables, "--workers", "2")


def test_what_is_left_is_sent_before_the_end(upstreams: tuple[StandIn, StandIn]) -> None:
    with (
        Collector() as late,
        lone(
            upstreams[0].url,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{late.url}/v1/traces",
            OTEL_EXPORTER_OTLP_HEADERS="x-tenant=one",
            OTEL_SERVICE_NAME="named",
            OTEL_BSP_SCHEDULE_DELAY="3600000",
        ) as router,
    ):
        for at in range(8):
            assert call(router, f"left-{at}", "m").is_success
        assert late.spans == []
        assert router.stop(signal.SIGTERM) == 0
        assert len(late.spans) == 16  # of both workers
        assert {span.resource["service.name"] for span in late.spans} == {"named"}
        assert late.headers[0]["x-tenant"] == "one"


def test_a_collector_that_is_down_costs_no_request(upstreams: tuple[StandIn, StandIn]) -> None:
    with lone(
        upstreams[0].url,
        OTEL_EXPORTER_OTLP_ENDPOINT=dead_url(),
        OTEL_BSP_SCHEDULE_DELAY="50",
        OTEL_BSP_MAX_QUEUE_SIZE="4",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2",
    ) as router:
        for at in range(20):
            assert call(router, f"down-{at}", "m").is_success
        begun = time.monotonic()
        assert router.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 10  # the bound is 3 s
        assert "Traceback" not in router.errors()


def test_off_unless_asked_for(upstreams: tuple[StandIn, StandIn], tmp_path: Path) -> None:
    # Started like the command, and told to say at its end what it had loaded.
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write('loaded: ' + ' '.join(sorted(sys.modules)) + '\\n'))\n"
    )
    roots = {}
    with Collector() as collector:
        asking = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        for name, variables in {"off": {}, "disabled": asking | {"OTEL_SDK_DISABLED": "TRUE"}, "on": asking}.items():
            documents = {"CUSTOMER_LLM_CONFIG": {"x": own(upstreams[0].url, "m", api_key="k")}}
            with RunningRouter(documents | variables | {"PYTHONPATH": str(tmp_path)}) as router:
                traceparent = f"00-{TRACE}-{PARENT}-01"
                assert call(router, name, "m", headers={"traceparent": traceparent}).is_success
                assert router.stop() == 0
                modules = router.errors().partition("loaded: ")[2].split()
            roots[name] = {module.partition(".")[0] for module in modules}
            sent = upstreams[0].requests[-1].headers["traceparent"]
            assert (sent == traceparent) == (name != "on")  # passed on as it came
        assert {span.attributes.get("llmrouter.request_id") for span in collector.spans} == {"on", None}
    foreign = {"opentelemetry", "requests", "google", "urllib3"}
    assert "opentelemetry" in roots["on"]  # control
    assert not roots["off"] & foreign
    assert not roots["disabled"] & foreign


def called_in_tracing(router: Router) -> set[str]:
    """The functions of the tracing module that one request calls."""
    called = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and Path(frame.f_code.co_filename).name == "tracing.py":
            called.add(frame.f_code.co_name)

    async def one() -> None:
        exchange = asked("/v1/chat/completions", {"model": "m"})
        sys.setprofile(watch)
        try:
            assert (await told(router, exchange))[0] == 200
        finally:
            sys.setprofile(None)

    asyncio.run(one())
    return called


def test_a_request_calls_nothing_of_it_where_it_is_off() -> None:
    upstream = FakeUpstream({"http://u.example": lambda _: FakeAnswer()})
    snapshot = Snapshot.build(parse(json.dumps({"x": own("http://u.example", "m")})))
    off = Router(snapshot, upstream, Settings(), lambda _: None)
    assert called_in_tracing(off) == set()
    tracing = Tracing(TracerProvider(shutdown_on_exit=False))
    on = Router(snapshot, upstream, Settings(), lambda _: None, tracing=tracing)
    assert {"begin", "send", "end"} <= called_in_tracing(on)  # control
    tracing.close(10)


ASKED: list[tuple[dict[str, str], bool]] = [
    ({}, False),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4318"}, True),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c.example:4318/v1/traces"}, True),
    ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4318"}, False),
    ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4318"}, False),
    ({"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4318"}, True),
    ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c.example:4318"}, False),
]


@pytest.mark.parametrize(("variables", "wanted"), ASKED)
def test_who_asks(variables: dict[str, str], wanted: bool) -> None:
    assert are_asked(variables) is wanted


def test_a_protocol_that_is_not_spoken_is_said() -> None:
    said: list[str] = []
    asking = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert start(asking, said.append) is None
    assert said == ["warning: no spans: OTLP over grpc is asked for, and only http/protobuf is spoken"]
