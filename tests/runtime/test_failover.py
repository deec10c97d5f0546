"""Failover before the first byte, honest endings after it, and no work for clients that have left."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from running import Opened, RunningRouter
from standin import (
    StandIn,
    answering,
    bearer_only,
    cut,
    empty_stream,
    garbage,
    half_bytes,
    half_json,
    hanging,
    hanging_after_headers,
    redirected,
    slowly,
)
from worlds import ALICE

Pair = tuple[StandIn, StandIn]
AUTH = {"authorization": f"Bearer {ALICE}"}
HELLO = [{"role": "user", "content": "hi"}]


def chat(router: RunningRouter, model: str, **more: Any) -> httpx.Response:
    body = {"model": model, "messages": HELLO, **more}
    return httpx.post(f"{router.url}/v1/chat/completions", json=body, headers=AUTH, timeout=15)


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("failover", answering(500)),
        ("failover", answering(503, b"<html>")),
        ("failover", answering(429)),
        ("failover", answering(408)),
        ("failover", answering(404, {"error": {"code": "DeploymentNotFound"}})),
        ("failover", answering(302, b"", {"location": "http://127.0.0.1:1/"})),
        ("failover", garbage),
        ("failover", half_json),
        ("hang", hanging),
        ("refused", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_second_endpoint_answers(
    router: RunningRouter, upstreams: Pair, model: str, fault: Any, stream: bool
) -> None:
    if fault:
        upstreams[0].behaviours[model] = fault
    answer = chat(router, model, stream=stream)
    assert answer.status_code == 200
    assert answer.headers["x-llmrouter-endpoint"] == "secondary"
    assert answer.headers["x-llmrouter-attempts"] == "2"
    assert len(upstreams[1].requests) == 1
    line = router.record(answer.headers["x-request-id"])
    assert (line["endpoint"], line["attempts"], line["status"]) == ("secondary", 2, 200)


def test_headers_alone_are_not_the_first_byte(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["hang"] = hanging_after_headers
    assert chat(router, "hang", stream=True).headers["x-llmrouter-endpoint"] == "secondary"


def test_an_empty_stream_is_no_answer(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["failover"] = empty_stream
    assert chat(router, "failover", stream=True).headers["x-llmrouter-endpoint"] == "secondary"


def test_redirects_are_never_followed(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["failover"] = redirected
    assert chat(router, "failover").headers["x-llmrouter-endpoint"] == "secondary"
    assert len(upstreams[0].requests) == 1
    upstreams[0].behaviours["single"] = redirected
    answer = chat(router, "single")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    assert "location" not in answer.headers


def test_tokens_without_a_price_have_no_cost(router: RunningRouter, upstreams: Pair) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"audio_tokens": 2}}
    upstreams[0].behaviours["single"] = answering(200, {"usage": usage})
    line = router.record(chat(router, "single").headers["x-request-id"])
    assert (line["tokens_input"], line["tokens_output"]) == (5, 1)
    assert (line["cost"], line["price_id"]) == (None, "m@2024-10-01")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_the_clients_own_fault_is_passed_on(router: RunningRouter, upstreams: Pair, status: int) -> None:
    body = {"error": {"message": "the content filter", "code": "content_filter"}}
    upstreams[0].behaviours["failover"] = answering(status, body)
    answer = chat(router, "failover")
    assert (answer.status_code, answer.json()) == (status, body)
    assert not upstreams[1].requests


def test_all_failed_gives_the_last_answer(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["failover"] = answering(500)
    upstreams[1].behaviours["failover"] = answering(429, {"error": {"message": "busy"}}, {"retry-after": "7"})
    answer = chat(router, "failover")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json() == {"error": {"message": "busy"}}
    assert answer.headers["x-llmrouter-endpoint"] == "secondary"


def test_nobody_answered(router: RunningRouter, upstreams: Pair) -> None:
    answer = chat(router, "all-dead")
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_failed"
    assert "connection refused" in answer.json()["error"]["message"]


def test_general_fallbacks_follow(router: RunningRouter, upstreams: Pair) -> None:
    answer = chat(router, "last-resort")
    assert answer.status_code == 200
    assert answer.headers["x-llmrouter-model"] == "single"
    assert upstreams[0].requests[0].json["model"] == "single"


def test_auto_never_spills_to_the_platform(router: RunningRouter, upstreams: Pair) -> None:
    assert chat(router, "both").headers["x-llmrouter-source"] == "tenant"  # control
    upstreams[0].behaviours["custom-both"] = answering(500)
    answer = chat(router, "both")
    assert answer.status_code == 500
    assert [each.path.split("/")[3] for each in upstreams[0].requests] == ["custom-both"] * 2


@pytest.mark.parametrize("ending", [{}, {"cleanly": True}, {"stall": True}])
@pytest.mark.parametrize("inside_event", [False, True])
def test_a_cut_stream_ends_in_an_error_event(
    router: RunningRouter, upstreams: Pair, inside_event: bool, ending: dict[str, bool]
) -> None:
    upstreams[0].behaviours["failover"] = cut(inside_event, **ending)
    answer = chat(router, "failover", stream=True)
    events = [each for each in answer.text.split("\n\n") if each]
    assert all(json.loads(each.removeprefix("data: ")) for each in events)
    assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "stream_broken"
    assert "[DONE]" not in answer.text
    assert not upstreams[1].requests
    assert router.record(answer.headers["x-request-id"])["error"] == "stream_broken"


def test_the_official_client_sees_the_cut(router: RunningRouter, upstreams: Pair, opened: Opened) -> None:
    upstreams[0].behaviours["single"] = cut(inside_event=True)
    client = opened(OpenAI(base_url=f"{router.url}/v1", api_key=ALICE, max_retries=0))
    words = []
    stream = client.chat.completions.create(model="single", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="broke off"):
        words.extend(each.choices[0].delta.content for each in stream)
    assert words == ["hello ", "from "]


def test_cut_bytes_are_not_complete(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["single"] = half_bytes
    with pytest.raises(httpx.RemoteProtocolError):
        chat(router, "single")


@pytest.mark.parametrize("fault", [hanging, slowly(5)])
def test_a_client_that_leaves_cancels_upstream(router: RunningRouter, upstreams: Pair, fault: Any) -> None:
    upstreams[0].behaviours["single"] = fault
    request_id = f"gone-{time.monotonic_ns()}"
    with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.4) as client:
        client.post(
            f"{router.url}/v1/chat/completions",
            json={"model": "single", "messages": HELLO, "stream": True},
            headers={**AUTH, "x-request-id": request_id},
        )
    assert upstreams[0].cancelled.wait(3)
    assert router.record(request_id)["error"] == "client_gone"
    assert chat(router, "failover").status_code == 200  # control: the router goes on


def test_a_client_that_stays_cancels_nothing(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["single"] = slowly(0.1)
    assert "[DONE]" in chat(router, "single", stream=True).text
    assert not upstreams[0].cancelled.is_set()


def test_one_token_for_fifty_requests(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].valid_tokens.clear()
    upstreams[0].behaviours["oauth-chat"] = bearer_only
    upstreams[0].token_delay = 0.1
    _in_parallel(router, "oauth-chat", 50)
    # The one before the first test that used a token is not among them: it was not valid any more.
    assert len(upstreams[0].token_requests) == 1
    form = upstreams[0].token_requests[0]
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == "api://app/.default extra"
    assert {each.headers["authorization"] for each in upstreams[0].requests} >= {"Bearer token-1"}
    _in_parallel(router, "oauth-chat", 5)
    assert len(upstreams[0].token_requests) == 1


def test_a_rejected_token_is_fetched_anew_once(router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["oauth-chat"] = bearer_only
    assert chat(router, "oauth-chat").status_code == 200  # holds a token from here on
    fetched = len(upstreams[0].token_requests)
    upstreams[0].valid_tokens.clear()
    answer = chat(router, "oauth-chat")
    assert answer.status_code == 200
    assert len(upstreams[0].token_requests) == fetched + 1
    assert answer.headers["x-llmrouter-attempts"] == "2"
    upstreams[0].behaviours["oauth-chat"] = answering(401)
    before = len(upstreams[0].requests)
    assert chat(router, "oauth-chat").status_code == 401
    assert len(upstreams[0].requests) == before + 2  # one retry, not more


def test_token_endpoint_down_fails_over(router: RunningRouter, upstreams: Pair) -> None:
    answer = chat(router, "oauth-failover")
    assert answer.status_code == 200
    assert answer.headers["x-llmrouter-endpoint"] == "second"
    assert not upstreams[0].requests  # never sent with an empty bearer


def _in_parallel(router: RunningRouter, model: str, count: int) -> None:
    async def call_all() -> list[int]:
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(headers=AUTH, timeout=15, limits=limits) as client:
            body = {"model": model, "messages": HELLO}
            calls = [client.post(f"{router.url}/v1/chat/completions", json=body) for _ in range(count)]
            return [each.status_code for each in await asyncio.gather(*calls)]

    assert asyncio.run(call_all()) == [200] * count
