"""The official clients against the real router: nothing but the base URL and the key is theirs to set."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from running import Opened, RunningRouter
from standin import StandIn, slowly
from worlds import ALICE, BOB, HEADER_SECRET

Pair = tuple[StandIn, StandIn]
HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture
def client(router: RunningRouter, opened: Opened) -> OpenAI:
    return opened(OpenAI(base_url=f"{router.url}/v1", api_key=ALICE, max_retries=0))


@pytest.fixture
def azure(router: RunningRouter, opened: Opened) -> AzureOpenAI:
    return opened(AzureOpenAI(azure_endpoint=router.url, api_key=ALICE, api_version="2024-10-21", max_retries=0))


def test_plain_chat(client: OpenAI, upstreams: Pair) -> None:
    raw = client.chat.completions.with_raw_response.create(model="own-chat", messages=HELLO)
    assert raw.parse().choices[0].message.content == "hello from a"
    (seen,) = upstreams[0].requests
    assert seen.path == "/openai/deployments/custom-own-chat/chat/completions"
    assert seen.query == "api-version=2023-05-15"
    assert seen.headers["api-key"] == HEADER_SECRET
    assert "authorization" not in seen.headers
    assert seen.json["model"] == "custom-own-chat"
    told = raw.headers
    assert told["x-llmrouter-endpoint"] == "own"
    assert told["x-llmrouter-model"] == "own-chat"
    assert told["x-llmrouter-source"] == "tenant"
    assert told["x-llmrouter-attempts"] == "1"
    assert told["x-ratelimit-remaining-requests"] == "7"
    assert "set-cookie" not in told


def test_the_log_line(client: OpenAI, router: RunningRouter, upstreams: Pair) -> None:
    client.chat.completions.create(model="single", messages=HELLO, extra_headers={"x-request-id": "log-line-1"})
    line = router.record("log-line-1")
    assert line.pop("latency_ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "request_id": "log-line-1",
        "tenant_id": "acme",
        "region": "here",
        "key_id": "alice",
        "model": "single",
        "provider": "azure",
        "source": "platform",
        "endpoint": "primary",
        "attempts": 1,
        "status": 200,
        "error": None,
        "tokens_input": 10,
        "tokens_output": 4,
        "cost": "0.000065",
        "currency": "USD",
        "price_id": "m@2024-10-01",
    }
    assert upstreams[0].requests[0].headers["x-request-id"] == "log-line-1"


def test_streamed_chat_arrives_piece_by_piece(client: OpenAI, router: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["single"] = slowly(0.1)
    headers = {"x-request-id": "streamed-1"}
    stream = client.chat.completions.create(model="single", messages=HELLO, stream=True, extra_headers=headers)
    chunks = list(stream)
    assert "".join(each.choices[0].delta.content for each in chunks if each.choices) == "hello from a"
    line = router.record("streamed-1")
    assert (line["tokens_input"], line["tokens_output"], line["cost"]) == (10, 4, "0.000065")
    assert line["error"] is None


def test_async_and_concurrent(router: RunningRouter, upstreams: Pair) -> None:
    async def call_all() -> list[str | None]:
        async with AsyncOpenAI(base_url=f"{router.url}/v1", api_key=ALICE, max_retries=0) as client:
            calls = [client.chat.completions.create(model="failover", messages=HELLO) for _ in range(30)]
            stream = await client.chat.completions.create(model="failover", messages=HELLO, stream=True)
            words = [each.choices[0].delta.content or "" async for each in stream if each.choices]
            return [*[each.choices[0].message.content for each in await asyncio.gather(*calls)], "".join(words)]

    assert asyncio.run(call_all()) == ["hello from a"] * 31


def test_embeddings(client: OpenAI, router: RunningRouter, upstreams: Pair) -> None:
    raw = client.embeddings.with_raw_response.create(
        model="embed", input="x", encoding_format="float", extra_headers={"x-request-id": "embed-1"}
    )
    assert raw.parse().data[0].embedding == [0.5, 0.25]
    assert upstreams[0].requests[0].path == "/openai/deployments/embed/embeddings"
    line = router.record("embed-1")
    assert (line["tokens_input"], line["tokens_output"], line["cost"]) == (3, 0, "0.0000075")


def test_azure_client(azure: AzureOpenAI, upstreams: Pair) -> None:
    answer = azure.chat.completions.create(model="own-chat", messages=HELLO)
    assert answer.choices[0].message.content == "hello from a"
    words = azure.chat.completions.create(model="own-chat", messages=HELLO, stream=True)
    assert "".join(each.choices[0].delta.content or "" for each in words if each.choices) == "hello from a"
    assert azure.embeddings.create(model="embed", input="x", encoding_format="float").data
    assert "single" in {each.id for each in azure.models.list()}


def test_azure_client_with_a_fixed_deployment(router: RunningRouter, upstreams: Pair, opened: Opened) -> None:
    client = opened(
        AzureOpenAI(
            azure_endpoint=router.url, azure_deployment="single", api_key=ALICE, api_version="2024-10-21", max_retries=0
        )
    )
    raw = client.chat.completions.with_raw_response.create(model="whatever", messages=HELLO)
    assert raw.headers["x-llmrouter-model"] == "single"
    assert upstreams[0].requests[0].path.startswith("/openai/deployments/single/")


def test_openai_path_style_gets_its_own_name(client: OpenAI, upstreams: Pair) -> None:
    client.chat.completions.create(model="renamed", messages=HELLO)
    (seen,) = upstreams[1].requests
    assert seen.path == "/v1/chat/completions"
    assert seen.query == ""
    assert seen.headers["authorization"] == f"Bearer {HEADER_SECRET}"
    assert seen.json["model"] == "vendor/real-name"


def test_custom_auth_header(client: OpenAI, upstreams: Pair) -> None:
    client.chat.completions.create(model="custom-auth", messages=HELLO)
    headers = upstreams[1].requests[0].headers
    assert headers["x-own-key"] == f"Key {HEADER_SECRET}!"
    assert "authorization" not in headers
    assert "api-key" not in headers


def test_defaults_are_injected_and_the_client_wins(client: OpenAI, upstreams: Pair) -> None:
    client.chat.completions.create(model="same-name", messages=HELLO, temperature=0.1)
    assert upstreams[1].requests[0].json == {
        "model": "same-name",
        "messages": HELLO,
        "temperature": 0.1,
        "top_p": 0.9,
    }


def test_route_group(client: OpenAI, upstreams: Pair) -> None:
    raw = client.chat.completions.with_raw_response.create(model="group", messages=HELLO)
    assert raw.headers["x-llmrouter-endpoint"] == "secondary"
    assert raw.headers["x-llmrouter-model"] == "refused"


def test_models_shows_only_what_the_key_may_call(router: RunningRouter, client: OpenAI, opened: Opened) -> None:
    assert {"single", "group", "own-chat"} <= {each.id for each in client.models.list()}
    bob = opened(OpenAI(base_url=f"{router.url}/v1", api_key=BOB, max_retries=0))
    assert [each.id for each in bob.models.list()] == ["last-resort", "single"]
    assert bob.models.retrieve("single").id == "single"
    with pytest.raises(openai.NotFoundError):
        bob.models.retrieve("own-chat")


def test_a_key_reaches_no_further_than_it_may(router: RunningRouter, upstreams: Pair, opened: Opened) -> None:
    bob = opened(OpenAI(base_url=f"{router.url}/v1", api_key=BOB, max_retries=0))
    assert bob.chat.completions.create(model="single", messages=HELLO).choices
    messages = {}
    for name in ("failover", "failovet"):
        with pytest.raises(openai.NotFoundError) as caught:
            bob.chat.completions.create(model=name, messages=HELLO)
        assert caught.value.code == "model_not_found"
        messages[name] = json.dumps(caught.value.body).replace(name, "NAME")
    assert messages["failover"] == messages["failovet"]  # what exists and what does not look the same
    assert "failover" not in messages["failovet"]


def test_did_you_mean(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Did you mean 'failover'"):
        client.chat.completions.create(model="failovr", messages=HELLO)


@pytest.mark.parametrize("key", ["wrong", ALICE + "x", ALICE[:-1]])
def test_wrong_key(router: RunningRouter, key: str, upstreams: Pair, opened: Opened) -> None:
    client = opened(OpenAI(base_url=f"{router.url}/v1", api_key=key, max_retries=0))
    with pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model="single", messages=HELLO)
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    assert not upstreams[0].requests
