"""The process: how it refuses to start, how it answers what is wrong, how it stops, and what it never says."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from running import RunningRouter, environment, refused
from standin import StandIn, answering, good, slowly
from worlds import ALICE, HEADER_SECRET, SECRET, documents, own

from llmrouter.server import bind

CUSTOMER = {"x": own("http://127.0.0.1:1", "m", api_key="k")}
AUTH = {"authorization": f"Bearer {ALICE}"}
BAD = [
    ({}, "CUSTOMER_LLM_CONFIG", "neither"),
    ({"ROUTER_POLICY": {"version": 1}}, "CUSTOMER_LLM_CONFIG", "neither"),
    ({"CUSTOMER_LLM_CONFIG": ""}, "CUSTOMER_LLM_CONFIG", "empty"),
    ({"CUSTOMER_LLM_CONFIG": json.dumps(CUSTOMER)[:-9]}, "CUSTOMER_LLM_CONFIG", "truncated"),
    ({"PROVISIONED_OPENAI_CONFIG": "{]"}, "PROVISIONED_OPENAI_CONFIG", "is not JSON"),
    ({"PROVISIONED_OPENAI_CONFIG": []}, "PROVISIONED_OPENAI_CONFIG", "expected an object"),
    ({"PROVISIONED_OPENAI_CONFIG": {}}, "PROVISIONED_OPENAI_CONFIG: $.endpoints", "is missing"),
    ({"CUSTOMER_LLM_CONFIG": {"x": {"api_key": SECRET}}}, "CUSTOMER_LLM_CONFIG: $.x.", "is missing"),
    ({"CUSTOMER_LLM_CONFIG": CUSTOMER, "ROUTER_POLICY": {"version": 2}}, "ROUTER_POLICY: $.version", "newer"),
    ({"CUSTOMER_LLM_CONFIG_FILE": "/nowhere/x.json"}, "CUSTOMER_LLM_CONFIG_FILE", "No such file"),
    ({"CUSTOMER_LLM_CONFIG_FILE": "/"}, "CUSTOMER_LLM_CONFIG_FILE", "directory"),
    ({"CUSTOMER_LLM_CONFIG_FILE": "/x", "CUSTOMER_LLM_CONFIG": CUSTOMER}, "CUSTOMER_LLM_CONFIG", "both set"),
]


@pytest.mark.parametrize(("variables", "place", "problem"), BAD)
def test_bad_documents_are_one_clear_line(variables: dict[str, object], place: str, problem: str) -> None:
    code, said = refused(variables)
    assert code == 5
    assert said.count("\n") == 1
    assert place in said
    assert problem in said
    assert ";" in said  # and what to do
    assert SECRET not in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "70000"], "not a port"),
        (["--workers", "0"], "not a number"),
        (["--idle-timeout", "nan"], "seconds"),
        (["--unknown"], "unrecognized"),
        (["--host", "0.0.0.0"], "--allow-unauthenticated"),
        (["--host", "::"], "--allow-unauthenticated"),
    ],
)
def test_wrong_usage(arguments: list[str], problem: str) -> None:
    code, said = refused({"CUSTOMER_LLM_CONFIG": CUSTOMER}, *arguments)
    assert code == 2
    assert problem in said


def test_open_to_all_only_when_told_so() -> None:
    arguments = ("--host", "0.0.0.0", "--allow-unauthenticated")
    with RunningRouter({"CUSTOMER_LLM_CONFIG": CUSTOMER}, *arguments) as router:
        assert router.stop() == 0


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused({"CUSTOMER_LLM_CONFIG": CUSTOMER}, "--port", str(taken.getsockname()[1]))
    assert code == 5
    assert "Address already in use" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["--version"]])
def test_help_needs_nothing(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "llmrouter", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment({}))
    assert "llmrouter" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_stops_cleanly_when_told(number: int, workers: str, tmp_path: Path) -> None:
    file = tmp_path / "customer.json"
    file.write_text(json.dumps(CUSTOMER))
    with RunningRouter({"CUSTOMER_LLM_CONFIG_FILE": str(file)}, "--workers", workers) as router:
        assert httpx.get(f"{router.url}/healthz").json() == {"status": "ok"}
        assert router.stop(number) == 0
        assert len(router.errors().splitlines()) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{router.url}/healthz")


def test_a_running_stream_ends_before_the_router_does(upstreams: tuple[StandIn, StandIn]) -> None:
    a, _ = upstreams
    a.behaviours["m"] = slowly(0.2)
    with RunningRouter({"CUSTOMER_LLM_CONFIG": {"x": own(a.url, "m", api_key="k")}}) as router:
        body = {"model": "m", "stream": True}
        with httpx.stream("POST", f"{router.url}/v1/chat/completions", json=body) as answer:
            pieces = answer.iter_text()
            text = next(pieces)
            router.process.send_signal(signal.SIGTERM)
            text += "".join(pieces)
        assert text.endswith("data: [DONE]\n\n")
        assert router.stop() == 0


def test_a_dead_worker_is_replaced() -> None:
    with RunningRouter({"CUSTOMER_LLM_CONFIG": CUSTOMER}, "--workers", "2") as router:
        children = Path(f"/proc/{router.process.pid}/task/{router.process.pid}/children")
        before = set(children.read_text().split())
        assert len(before) == 2
        subprocess.run(["kill", "-KILL", min(before)], check=True)
        until = time.monotonic() + 5
        while time.monotonic() < until and len(set(children.read_text().split()) - before) == 0:
            time.sleep(0.05)
        assert len(set(children.read_text().split())) == 2
        assert httpx.get(f"{router.url}/healthz").status_code == 200
        assert router.stop() == 0


def test_no_delay_is_inherited_by_what_is_accepted() -> None:
    def accepted(listener: socket.socket) -> int:
        with listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as connection:
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert accepted(bind("127.0.0.1", 0))
    assert not accepted(socket.create_server(("127.0.0.1", 0)))  # control


def test_ready_tells_the_digests(router: RunningRouter) -> None:
    told = httpx.get(f"{router.url}/readyz").json()
    assert (told["status"], told["region"]) == ("ready", "here")
    assert {len(each) for each in told["documents"].values()} == {64}
    assert len(told["documents"]) == 3


WRONG = [
    ("GET", "/v1/nothing", b"", 404, "unknown_path"),
    ("GET", "/v1/chat/completions", b"", 405, "method_not_allowed"),
    ("POST", "/v1/models", b"", 405, "method_not_allowed"),
    ("POST", "/v1/chat/completions", b"{", 400, "invalid_json"),
    ("POST", "/v1/chat/completions", b"{}", 400, "missing_model"),
    ("POST", "/v1/chat/completions", b'{"model": 3}', 400, "missing_model"),
    ("POST", "/v1/chat/completions", b'{"model": "nope"}', 404, "model_not_found"),
    ("POST", "/v1/chat/completions", b'{"model": "not-granted"}', 404, "model_not_found"),
    ("POST", "/openai/deployments/nope/chat/completions", b"{}", 404, "model_not_found"),
    ("POST", "/openai/deployments//chat/completions", b"{}", 404, "unknown_path"),
    ("GET", "/v1/models/nope", b"", 404, "model_not_found"),
    ("POST", "/v1/embeddings", b" " * (1 << 20) + b"{}", 413, "request_too_large"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), WRONG)
def test_errors_have_the_shape_of_openai(
    router: RunningRouter, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = httpx.request(method, router.url + path, content=body, headers=AUTH)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == code
    assert answer.headers["x-request-id"]
    assert ("allow" in answer.headers) == (status == 405)


def test_a_body_at_the_limit_is_fine(router: RunningRouter, upstreams: tuple[StandIn, StandIn]) -> None:
    body = b'{"model": "single"}'.ljust(1 << 20)
    answer = httpx.post(f"{router.url}/v1/chat/completions", content=body, headers=AUTH)
    assert answer.status_code == 200
    assert len(upstreams[0].requests[0].body) == 1 << 20


@pytest.mark.parametrize("header", [{}, {"api-key": "x"}, {"authorization": f"Basic {ALICE}"}, {"x-api-key": ALICE}])
def test_no_key(router: RunningRouter, header: dict[str, str]) -> None:
    for path in ("/v1/models", "/v1/chat/completions"):
        answer = httpx.request("GET" if "models" in path else "POST", router.url + path, headers=header)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert httpx.get(f"{router.url}/v1/models", headers={"api-key": ALICE}).status_code == 200  # control
    assert httpx.get(f"{router.url}/v1/models", headers={"authorization": f"bearer {ALICE}"}).status_code == 200


def test_the_clients_credentials_stay_here(router: RunningRouter, upstreams: tuple[StandIn, StandIn]) -> None:
    secret = {"cookie": "session=client", "x-own": "client", "traceparent": "00-1-2-01"}
    headers = {**AUTH, "api-key": ALICE, **secret}
    httpx.post(f"{router.url}/v1/chat/completions", json={"model": "single"}, headers=headers)
    (seen,) = upstreams[0].requests
    assert ALICE not in str(seen.headers)
    assert "cookie" not in seen.headers
    assert "x-own" not in seen.headers
    assert seen.headers["traceparent"] == "00-1-2-01"  # control: some do go along


@pytest.mark.parametrize("given", ["with space", "x" * 200, ""])
def test_unusable_request_ids_are_replaced(router: RunningRouter, given: str) -> None:
    answer = httpx.get(f"{router.url}/healthz", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] not in ("", given)
    assert httpx.get(f"{router.url}/healthz", headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"


def disguises(secret: str) -> set[str]:
    raw = secret.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], *encoded}


@pytest.fixture
def whole_life(_upstreams: tuple[StandIn, StandIn]) -> Iterator[list[str]]:
    """Everything that a router said in a life with many faults."""
    a, b = _upstreams
    a.reset(), b.reset()
    said: list[str] = []
    with RunningRouter(documents(a.url, b.url, "http://127.0.0.1:1"), "--idle-timeout", "0.5") as router:
        a.token_status = 400  # its answer repeats the form, secret and all
        a.behaviours |= {"single": answering(500, b"<html>"), "custom-own-chat": answering(301, b"x")}
        b.behaviours |= {"renamed": good}
        for name in ("single", "own-chat", "oauth-chat", "oauth-failover", "all-dead", "renamed", "hang", "nope"):
            for headers in (AUTH, {"authorization": f"Bearer {HEADER_SECRET}"}):
                body = {"model": name, "stream": name == "renamed"}
                answer = httpx.post(f"{router.url}/v1/chat/completions", json=body, headers=headers, timeout=15)
                said += [answer.text, str(answer.headers.raw)]
        said += [httpx.get(router.url + path, headers=AUTH).text for path in ("/readyz", "/v1/models", "/healthz")]
        _nonsense(router)
        router.stop()
        said += [router.output(), router.errors()]
    yield said
    a.reset(), b.reset()


def _nonsense(router: RunningRouter) -> None:
    connection = http.client.HTTPConnection(router.url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/v1/embeddings", body=b"\x00\xff", headers=AUTH)
    connection.getresponse().read()
    connection.close()


def test_no_secret_is_ever_said(whole_life: list[str]) -> None:
    everything = "\n".join(whole_life)
    assert "token endpoint answered 400" in everything  # control: the faults did happen
    assert '"endpoint":"own"' in everything
    for secret in (SECRET, HEADER_SECRET, ALICE):
        for disguise in disguises(secret):
            assert disguise not in everything
