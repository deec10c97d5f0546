"""Waiting, resting and detours, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from running import RunningRouter
from standin import StandIn, answering, good, hanging
from worlds import model, own

Pair = tuple[StandIn, StandIn]
HELLO = [{"role": "user", "content": "hi"}]
COOLDOWN = 0.6


@pytest.fixture
def patient(_upstreams: Pair) -> Iterator[RunningRouter]:
    """A router of its own: what rests in it is of no concern to other tests."""
    a, b = _upstreams
    customer = {
        "a": own(a.url, "both", "neighbour", "only", "long", "prude", api_key="k", timeout_seconds=0.5),
        "b": own(b.url, "both", "large", "liberal", api_key="k"),
    }
    models = {name: model() for name in ("both", "neighbour", "only", "large", "liberal")}
    models["long"] = model(context_window_fallbacks=["large"])
    models["prude"] = model(content_policy_fallbacks=["liberal"], fallbacks=["both"])
    policy = {"version": 1, "account": "acme", "source": "auto", "limits": None, "allowed": sorted(models)}
    policy |= {"teams": {}, "keys": [], "models": models, "route_groups": {}}
    variables = {"CUSTOMER_LLM_CONFIG": customer, "ROUTER_POLICY": policy}
    with RunningRouter(variables, "--cooldown", str(COOLDOWN), "--retry-after-budget", "2") as running:
        yield running


def chat(router: RunningRouter, name: str, **more: Any) -> httpx.Response:
    body = {"model": name, "messages": HELLO, **more}
    return httpx.post(f"{router.url}/v1/chat/completions", json=body, timeout=15)


def once(behaviour: Any) -> Any:
    """A behaviour of the first request alone."""
    calls: list[int] = []

    async def behave(upstream: StandIn, request: Any, data: Any) -> Any:
        calls.append(1)
        return await (behaviour if len(calls) == 1 else good)(upstream, request, data)

    return behave


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1.5), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"retry-after": "1"}, 1.0),
        ({"retry-after-ms": "300", "retry-after": "60"}, 0.3),
        ({"retry-after": "DATE"}, 0.0),
    ],
)
def test_a_short_wait_is_worth_it(
    patient: RunningRouter, upstreams: Pair, headers: dict[str, str], least: float
) -> None:
    headers = {name: value.replace("DATE", in_a_second()) for name, value in headers.items()}
    upstreams[0].behaviours["only"] = once(answering(429, None, headers))
    start = time.monotonic()
    answer = chat(patient, "only")
    assert answer.status_code == 200
    assert answer.headers["x-llmrouter-attempts"] == "2"
    assert least <= time.monotonic() - start < 3


def test_a_long_wait_is_the_clients_to_decide(patient: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["only"] = answering(429, None, {"retry-after": "30"})
    assert chat(patient, "only").headers["retry-after"] == "30"
    assert len(upstreams[0].requests) == 1
    # From here on nobody asks in vain, and what is left of the time is told.
    answer = chat(patient, "neighbour")
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert 25 < int(answer.headers["retry-after"]) <= 30
    assert len(upstreams[0].requests) == 1  # the endpoint rests, whichever deployment was asked


def test_another_endpoint_comes_before_waiting(patient: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["both"] = answering(429, None, {"retry-after": "1"})
    start = time.monotonic()
    for _ in range(3):
        assert chat(patient, "both").headers["x-llmrouter-endpoint"] == "b"
    assert time.monotonic() - start < 0.9
    assert len(upstreams[0].requests) == 1


def test_an_endpoint_that_fails_rests_and_comes_back(patient: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["both"] = answering(503)
    for _ in range(6):
        assert chat(patient, "both").headers["x-llmrouter-endpoint"] == "b"
    assert len(upstreams[0].requests) == 3
    upstreams[0].behaviours.clear()
    assert chat(patient, "both").headers["x-llmrouter-endpoint"] == "b"  # still resting
    time.sleep(COOLDOWN + 0.1)
    assert chat(patient, "both").headers["x-llmrouter-endpoint"] == "a"


def test_one_request_at_a_time_tries_whether_it_is_back(patient: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["both"] = answering(503)
    for _ in range(3):
        chat(patient, "both")
    time.sleep(COOLDOWN + 0.1)
    upstreams[0].requests.clear()
    upstreams[0].behaviours["both"] = hanging
    threads = [threading.Thread(target=chat, args=(patient, "both")) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(upstreams[0].requests) == 1


def test_who_rests_is_asked_as_a_last_resort(patient: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["only"] = answering(500)
    for _ in range(4):
        assert chat(patient, "only").status_code == 500
    upstreams[0].behaviours.clear()
    assert chat(patient, "only").status_code == 200


TOO_LONG = {"error": {"message": "too long", "code": "context_length_exceeded"}}
FILTERED = {"error": {"message": "no", "code": "content_filter", "innererror": {}}}


@pytest.mark.parametrize(("name", "body", "to"), [("long", TOO_LONG, "large"), ("prude", FILTERED, "liberal")])
def test_another_model_takes_what_one_refused(
    patient: RunningRouter, upstreams: Pair, name: str, body: Any, to: str
) -> None:
    upstreams[0].behaviours[name] = answering(400, body)
    answer = chat(patient, name)
    assert (answer.status_code, answer.headers["x-llmrouter-model"]) == (200, to)
    upstreams[1].behaviours[to] = answering(400, body)
    assert (chat(patient, name).status_code, chat(patient, name).json()) == (400, body)


@pytest.mark.parametrize(
    ("name", "body"), [("long", FILTERED), ("prude", TOO_LONG), ("both", TOO_LONG), ("both", FILTERED)]
)
def test_only_where_it_is_configured(patient: RunningRouter, upstreams: Pair, name: str, body: Any) -> None:
    upstreams[0].behaviours[name] = answering(400, body)
    answer = chat(patient, name)
    assert (answer.status_code, answer.json()) == (400, body)
    assert not upstreams[1].requests


def test_tags_choose_among_what_may_be_called(upstreams: Pair) -> None:
    a, b = upstreams
    customer = {"a": own(a.url, "m", api_key="k"), "b": own(b.url, "m", api_key="k", tags=["eu"])}
    with RunningRouter({"CUSTOMER_LLM_CONFIG": customer}) as router:
        assert chat(router, "m").headers["x-llmrouter-endpoint"] == "a"
        answer = chat(router, "m", metadata={"tags": ["eu"], "trace": "1"})
        assert answer.headers["x-llmrouter-endpoint"] == "b"
        assert b.requests[0].json == {"model": "m", "messages": HELLO, "metadata": {"trace": "1"}}
        chat(router, "m", metadata={"tags": ["eu"]})
        assert b.requests[1].json == {"model": "m", "messages": HELLO}
        chat(router, "m", metadata={"tags": "eu"})
        assert a.requests[-1].json["metadata"] == {"tags": "eu"}  # a value of the upstream's own kind


ANSWER = json.dumps({"usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode()


class Closing:
    """An upstream that answers, and closes each connection a moment after its first answer."""

    def __init__(self, after: float, answer_second: bool = False) -> None:
        self.accepted, self.after, self.answer_second = 0, after, answer_second
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
            connection.sendall(head + ANSWER)
            # The second request arrives, and the connection ends without a byte of an answer.
            if connection.recv(65536) and self.answer_second:
                connection.sendall(head[:30])
            time.sleep(self.after)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize(("answered", "status"), [(False, 200), (True, 502)])
def test_a_stale_connection_is_no_failure(answered: bool, status: int) -> None:
    upstream = Closing(0, answered)
    with RunningRouter({"CUSTOMER_LLM_CONFIG": {"a": own(upstream.url, "m", api_key="k")}}) as router:
        assert chat(router, "m").status_code == 200
        second = chat(router, "m")
        assert second.status_code == status  # with a part of an answer it may have been carried out: not sent again
        assert second.headers["x-llmrouter-attempts"] == "1"
        assert upstream.accepted == (1 if answered else 2)
    upstream.close()
