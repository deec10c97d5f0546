"""Every operation, called by the official clients: what they get, and what the upstream gets.

What arrives at an Azure upstream is held against the specification, and against what ``AzureOpenAI`` itself sends.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
import websockets
import websockets.sync.client
from contract import violations
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from running import Opened, RunningRouter
from standin import AUDIO, USAGE, Seen, StandIn, answering, streamed
from worlds import HEADER_SECRET, model, own

Pair = tuple[StandIn, StandIn]
HELLO: Any = [{"role": "user", "content": "hi"}]
VERSION = "2025-03-01-preview"
TYPES = {
    "chat": "chat",
    "text": "chat",
    "answer": "chat",
    "vector": "embedding",
    "image": "image_generation",
    "voice": "audio_speech",
    "ear": "audio_transcription",
    "live": "realtime",
}
NAMES = [*TYPES, "rank"]
Call = Callable[[Any], Any]

CALLS: dict[str, Call] = {
    "chat": lambda client: client.chat.completions.create(model="chat", messages=HELLO),
    "chat streamed": lambda client: client.chat.completions.create(model="chat", messages=HELLO, stream=True),
    "completions": lambda client: client.completions.create(model="text", prompt="hi"),
    "completions streamed": lambda client: client.completions.create(model="text", prompt="hi", stream=True),
    "responses": lambda client: client.responses.create(model="answer", input="hi"),
    "responses streamed": lambda client: client.responses.create(model="answer", input="hi", stream=True),
    "embeddings": lambda client: client.embeddings.create(model="vector", input="hi"),
    "images": lambda client: client.images.generate(model="image", prompt="a hat"),
    "speech": lambda client: client.audio.speech.create(model="voice", input="hi", voice="alloy"),
    "transcriptions": lambda client: client.audio.transcriptions.create(
        model="ear", file=("a.mp3", io.BytesIO(AUDIO), "audio/mpeg"), language="en"
    ),
}
EXPECTED: dict[str, Any] = {
    "chat": "hello from a",
    "chat streamed": "hello from a",
    "completions": "hello a",
    "completions streamed": "hello a",
    "responses": "hello from a",
    "responses streamed": "hello from a",
    "embeddings": [0.5, 0.25],
    "images": "aGVsbG8=",
    "speech": AUDIO,
    "transcriptions": f"{len(AUDIO)} bytes heard by a",
}


def said(answer: Any) -> Any:
    """What a client understood."""
    kind = type(answer).__name__
    if kind == "ChatCompletion":
        return answer.choices[0].message.content
    if kind == "Completion":
        return answer.choices[0].text
    if kind == "Response":
        return answer.output_text
    if kind == "CreateEmbeddingResponse":
        return answer.data[0].embedding
    if kind == "ImagesResponse":
        return answer.data[0].b64_json
    if kind == "Transcription":
        return answer.text
    return answer.read()


def joined(events: list[Any]) -> str:
    """The words of a stream."""
    words = []
    for each in events:
        kind = type(each).__name__
        if kind == "ChatCompletionChunk" and each.choices:
            words.append(each.choices[0].delta.content or "")
        elif kind == "Completion" and each.choices:
            words.append(each.choices[0].text)
        elif kind == "ResponseCompletedEvent":
            words.append(each.response.output_text)
    return "".join(words)


@pytest.fixture(scope="module")
def served(_upstreams: Pair) -> Iterator[RunningRouter]:
    """All operations on an Azure endpoint, and again (``o-`` before the name) on one of the other path style."""
    a, b = _upstreams
    customer = {
        "azure": own(a.url, *NAMES, api_key=HEADER_SECRET, version=VERSION, deployment_prefix="d-"),
        "plain": own(
            f"{b.url}/v1",
            *[f"o-{name}" for name in NAMES],
            provider="openai",
            path_style="openai",
            api_key=HEADER_SECRET,
            models={f"o-{name}": f"up-{name}" for name in NAMES},
        ),
        "spare": own(b.url, "answer", "live", api_key=HEADER_SECRET, version=VERSION),
    }
    models = {name: model(type=TYPES.get(name, "rerank")) for name in NAMES}
    models |= {f"o-{name}": {**each, "default_params": {"user": "x"}} for name, each in models.items()}
    policy = {"version": 1, "account": "acme", "source": "tenant", "limits": None, "allowed": sorted(models)}
    policy |= {"teams": {}, "keys": [], "models": models, "route_groups": {}}
    with RunningRouter(
        {"CUSTOMER_LLM_CONFIG": customer, "ROUTER_POLICY": policy}, "--idle-timeout", "1", "--cooldown", "0"
    ) as running:
        yield running


@pytest.fixture
def upstreams(_upstreams: Pair) -> Iterator[Pair]:
    """Both stand-ins, the first of which is as strict as Azure."""
    for each in _upstreams:
        each.reset()
    yield _upstreams
    azures = [seen for each in _upstreams for seen in each.requests if seen.path.startswith("/openai")]
    assert [violations(seen) for seen in azures] == [[] for _ in azures]


def azure(url: str, **more: Any) -> AzureOpenAI:
    return AzureOpenAI(azure_endpoint=url, api_key=HEADER_SECRET, api_version=VERSION, max_retries=0, **more)


CLIENTS: dict[str, Callable[[str], Any]] = {
    "OpenAI": lambda url: OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0),
    "AzureOpenAI": azure,
    "OpenAI, v1 of Azure": lambda url: OpenAI(base_url=f"{url}/openai/v1", api_key="x", max_retries=0),
}
ASYNC_CLIENTS: dict[str, Callable[[str], Any]] = {
    "AsyncOpenAI": lambda url: AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0),
    "AsyncAzureOpenAI": lambda url: AsyncAzureOpenAI(
        azure_endpoint=url, api_key="x", api_version=VERSION, max_retries=0
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("call", CALLS)
def test_clients(served: RunningRouter, upstreams: Pair, client: str, call: str) -> None:
    with CLIENTS[client](served.url) as caller:
        answer = CALLS[call](caller)
        assert (joined(list(answer)) if "streamed" in call else said(answer)) == EXPECTED[call]
    (seen,) = upstreams[0].requests
    assert seen.headers["api-key"] == HEADER_SECRET


@pytest.mark.parametrize("client", ASYNC_CLIENTS)
@pytest.mark.parametrize("call", CALLS)
def test_async_clients(served: RunningRouter, upstreams: Pair, client: str, call: str) -> None:
    async def run() -> Any:
        async with ASYNC_CLIENTS[client](served.url) as caller:
            answer = await CALLS[call](caller)
            if "streamed" in call:
                return joined([each async for each in answer])
            return said(answer)

    assert asyncio.run(run()) == EXPECTED[call]


def test_the_contract_can_be_broken() -> None:
    headers = {"api-key": "k", "content-type": "application/json", "x-stainless-os": "y"}
    seen = Seen("POST", "/openai/deployments/d/embeddings", "", headers, b"{}")
    assert violations(seen) == ["wrong query: ", "header that is not Azure's: x-stainless-os", "bad input"]


@pytest.mark.parametrize("call", CALLS)
def test_an_upstream_gets_what_azures_own_client_sends(
    served: RunningRouter, upstreams: Pair, call: str, opened: Opened
) -> None:
    through, direct = opened(CLIENTS["OpenAI"](served.url)), opened(azure(upstreams[0].url))
    CALLS[call](through)
    (ours,) = upstreams[0].requests
    upstreams[0].reset()
    # The same deployment, called by the client that knows Azure's URLs.
    renamed = _Renaming(direct)
    CALLS[call](renamed)
    (theirs,) = upstreams[0].requests
    assert (ours.method, ours.path, ours.query) == (theirs.method, theirs.path, theirs.query)
    for name in ("api-key", "content-type", "accept"):
        assert ours.headers.get(name, "").partition(" boundary")[0] == theirs.headers[name].partition(" boundary")[0]
    if ours.form:
        assert ours.form == theirs.form
    else:
        assert {**ours.json, "stream_options": 0} == {**theirs.json, "stream_options": 0}
    upstreams[0].requests.clear()  # the client's own headers are no business of ours


class _Renaming:
    """A client whose calls name the deployment in place of the model."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return _Renaming(getattr(self._target, name))

    def __call__(self, *, model: str, **more: Any) -> Any:
        return self._target(model=f"d-{model}", **more)


def test_the_other_path_style_gets_names_in_bodies(served: RunningRouter, upstreams: Pair, opened: Opened) -> None:
    client = _Prefixing(opened(CLIENTS["OpenAI"](served.url)))
    for call in CALLS.values():
        call(client)
    for seen in upstreams[1].requests:
        assert seen.path.startswith("/v1/")
        assert seen.headers["authorization"] == f"Bearer {HEADER_SECRET}"
        fields = {name: value.decode("latin-1") for name, value in seen.form.items()} or seen.json
        assert fields["model"].startswith("up-")
        assert fields["user"] == "x"  # a default, in forms too
    assert len(upstreams[1].requests) == len(CALLS)


class _Prefixing(_Renaming):
    def __getattr__(self, name: str) -> Any:
        return _Prefixing(getattr(self._target, name))

    def __call__(self, *, model: str, **more: Any) -> Any:
        return self._target(model=f"o-{model}", **more)


def test_rerank(served: RunningRouter, upstreams: Pair) -> None:
    body = {"model": "o-rank", "query": "q", "documents": ["a", "b"]}
    answer = httpx.post(f"{served.url}/v1/rerank", json=body)
    assert [each["index"] for each in answer.json()["results"]] == [1, 0]
    (seen,) = upstreams[1].requests
    assert (seen.path, seen.json) == ("/v1/rerank", {**body, "model": "up-rank", "user": "x"})


def test_speech_comes_piece_by_piece(served: RunningRouter, upstreams: Pair) -> None:
    body = {"model": "voice", "input": "hi", "voice": "alloy"}
    with httpx.stream("POST", f"{served.url}/v1/audio/speech", json=body) as answer:
        pieces = list(answer.iter_raw())
    assert b"".join(pieces) == AUDIO
    assert len(pieces) > 1
    assert answer.headers["content-type"] == "audio/mpeg"


def test_the_usage_of_a_stream_is_asked_for_and_kept_from_who_did_not(
    served: RunningRouter, upstreams: Pair, opened: Opened
) -> None:
    client = opened(CLIENTS["OpenAI"](served.url))
    headers = {"x-request-id": "asked-1"}
    events = list(client.chat.completions.create(model="chat", messages=HELLO, stream=True, extra_headers=headers))
    assert not [each for each in events if each.usage or not each.choices]
    assert upstreams[0].requests[0].json["stream_options"] == {"include_usage": True}
    line = served.record("asked-1")
    assert (line["tokens_input"], line["tokens_output"], line["cost"]) == (10, 4, "0.000065")
    options: Any = {"include_usage": True}
    events = list(client.chat.completions.create(model="chat", messages=HELLO, stream=True, stream_options=options))
    assert events[-1].usage.total_tokens == USAGE["total_tokens"]  # control: who asks gets it


def test_an_older_api_is_not_asked(router: RunningRouter, upstreams: Pair) -> None:
    body = {"model": "own-chat", "messages": HELLO, "stream": True}
    httpx.post(f"{router.url}/v1/chat/completions", json=body, headers={"api-key": "alice-router-key"})
    assert "stream_options" not in upstreams[0].requests[0].json  # 2023-05-15


@pytest.mark.parametrize("call", ["responses", "images", "transcriptions", "completions", "speech"])
def test_what_is_billed(served: RunningRouter, upstreams: Pair, call: str, opened: Opened) -> None:
    client = opened(CLIENTS["OpenAI"](served.url))
    headers = {"x-request-id": f"billed-{call}"}
    CALLS[call](client.with_options(default_headers=headers))
    line = served.record(f"billed-{call}")
    expected = {
        "responses": (10, 4, "0.000065"),
        "completions": (10, 4, "0.000065"),
        "images": (5, 100, "0.0010125"),
        "transcriptions": (10, 4, None),  # audio without a price of its own: unknown, not free
        "speech": (None, None, None),
    }[call]
    assert (line["tokens_input"], line["tokens_output"], line["cost"]) == expected


# The Responses API's state.


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_response_stays_where_it_is_kept(
    served: RunningRouter, upstreams: Pair, client: str, stream: bool, opened: Opened
) -> None:
    a, b = upstreams
    caller = opened(CLIENTS[client](served.url))
    a.behaviours["d-answer"] = answering(500)
    answer = caller.responses.create(model="answer", input="hi", stream=stream)
    first = next(each for each in answer if each.type == "response.completed").response if stream else answer
    assert first.id.startswith("resp_b0_at_")
    a.reset()
    second = caller.responses.create(model="answer", input="more", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert b.requests[-1].json["previous_response_id"] == "resp_b0"
    assert caller.responses.retrieve(first.id).id == first.id
    assert caller.responses.input_items.list(first.id).data == []
    caller.responses.delete(second.id)
    assert b.responses == {"resp_b0"}
    assert not a.requests
    fresh = caller.responses.create(model="answer", input="hi")
    assert fresh.id.startswith("resp_a0_at_")  # control: without a state the first endpoint answers
    assert fresh.id[-8:] != first.id[-8:]


def test_state_never_moves_and_never_grants(served: RunningRouter, upstreams: Pair, opened: Opened) -> None:
    caller = opened(CLIENTS["OpenAI"](served.url))
    first = caller.responses.create(model="answer", input="hi")
    upstreams[0].behaviours["d-answer"] = answering(503)
    with pytest.raises(openai.InternalServerError):
        caller.responses.create(model="answer", input="more", previous_response_id=first.id)
    assert not upstreams[1].requests
    for unknown in ("resp_1_at_00000000", "resp_1", "resp_1_at_" + first.id[-7:] + "0"):
        with pytest.raises(openai.NotFoundError):
            caller.responses.retrieve(unknown)
    # An endpoint that holds a response says nothing about one that serves another model.
    with pytest.raises(openai.NotFoundError) as caught:
        caller.responses.create(model="o-answer", input="more", previous_response_id=first.id)
    assert caught.value.code == "response_not_found"


def test_asking_for_a_response_is_billed_to_nobody(served: RunningRouter, upstreams: Pair, opened: Opened) -> None:
    caller = opened(CLIENTS["OpenAI"](served.url))
    first = caller.responses.create(model="answer", input="hi")
    caller.responses.retrieve(first.id, extra_headers={"x-request-id": "again-1"})
    line = served.record("again-1")
    assert (line["status"], line["tokens_input"], line["cost"]) == (200, None, None)


def test_a_cut_stream_of_responses_ends_in_an_error(served: RunningRouter, upstreams: Pair) -> None:
    async def begun(_: StandIn, request: Any, __: Any) -> Any:
        return await streamed(request, [b'event: response.created\ndata: {"type":"response.created"}\n\n'])

    upstreams[0].behaviours["d-answer"] = begun
    body = {"model": "answer", "input": "hi", "stream": True}
    answer = httpx.post(f"{served.url}/v1/responses", json=body)
    assert "stream_broken" in answer.text
    assert served.record(answer.headers["x-request-id"])["error"] == "stream_broken"


# Forms.


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("application/json", b"{}", "invalid_form"),
        ("multipart/form-data", b"--x--", "invalid_form"),
        ("multipart/form-data; boundary=x", b"", "invalid_form"),
        ("multipart/form-data; boundary=x", b"--x", "invalid_form"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", "invalid_form"),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\near', None),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\near\r\n'
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nchat\r\n--x--',
            "invalid_form",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nnope\r\n--x--',
            "model_not_found",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="model"; name="n"\r\n\r\near\r\n--x--',
            "invalid_form",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\near\r\n--x-\r\n--x--',
            "invalid_form",
        ),
    ],
)
def test_forms_that_are_none(served: RunningRouter, kind: str, body: bytes, code: str | None) -> None:
    answer = httpx.post(f"{served.url}/v1/audio/transcriptions", content=body, headers={"content-type": kind})
    assert answer.json()["error"]["code"] == (code or "invalid_form")


@pytest.mark.parametrize("name", [b'"model"', b"model", b'"model"; filename="x;y"'])
def test_a_form_written_in_other_ways(served: RunningRouter, upstreams: Pair, name: bytes) -> None:
    parts = b"--x\r\nContent-Disposition: form-data; name=" + name + b"\r\n\r\near\r\n"
    parts += b'--x\r\nContent-Type: audio/mpeg\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    parts += b"--y\r\n\r\n-x-\r\n--x--\r\n"
    kind = {"content-type": 'multipart/form-data; boundary="x"'}
    answer = httpx.post(f"{served.url}/v1/audio/transcriptions", content=parts, headers=kind)
    assert answer.status_code == 200, answer.text
    assert upstreams[0].requests[0].body == parts.replace(b"\r\near\r\n", b"\r\nd-ear\r\n")


# Realtime.


def live(client: str, url: str) -> Any:
    """A client whose WebSockets go to the router."""
    socket = url.replace("http", "ws")
    if client == "AzureOpenAI":
        return azure(url, websocket_base_url=f"{socket}/openai")
    path = "/v1" if client == "OpenAI" else "/openai/v1"
    return OpenAI(base_url=url + path, api_key="x", websocket_base_url=socket + path)


@pytest.mark.filterwarnings("ignore:connect.* must be used as a context manager:DeprecationWarning")
@pytest.mark.parametrize("client", CLIENTS)
def test_realtime(served: RunningRouter, upstreams: Pair, client: str) -> None:
    headers = {"x-request-id": f"live-{len(client)}"}
    with live(client, served.url).realtime.connect(model="live", extra_headers=headers) as connection:
        assert connection.recv().session.id == "a"
        for _ in range(2):
            connection.send({"type": "response.create", "text": "x" * 70_000})
            assert connection.recv().echo["text"] == "x" * 70_000
    (seen,) = upstreams[0].requests
    assert (seen.path, seen.query) == ("/openai/realtime", f"api-version={VERSION}&deployment=d-live")
    line = served.record(headers["x-request-id"])
    assert (line["status"], line["error"]) == (101, None)
    assert (line["tokens_input"], line["tokens_output"], line["cost"]) == (20, 8, "0.00013")


@contextmanager
def session(url: str, **more: Any) -> Iterator[Any]:
    with websockets.sync.client.connect(url.replace("http", "ws"), **more) as socket:
        yield socket


def test_bytes_pass_both_ways_in_any_size(served: RunningRouter, upstreams: Pair) -> None:
    with session(f"{served.url}/v1/realtime?model=o-live&intent=x", max_size=None) as socket:
        assert json.loads(socket.recv())["session"]["id"] == "b"
        for size in (0, 1, 125, 126, 65_535, 65_536, 3_000_000):
            data = (bytes(range(256)) * (size // 256 + 1))[:size]
            socket.send(data)
            assert socket.recv() == data[::-1]
    assert (upstreams[1].requests[0].path, upstreams[1].requests[0].query) == ("/v1/realtime", "model=up-live&intent=x")


def test_a_browsers_key_is_taken_and_stays_here(served: RunningRouter, upstreams: Pair) -> None:
    protocols: Any = ["realtime", "openai-insecure-api-key.secret-of-the-client", "openai-beta.realtime-v1"]
    with session(f"{served.url}/v1/realtime?model=live", subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        socket.recv()
    assert upstreams[0].requests[0].headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"


def test_a_session_that_breaks_says_so(served: RunningRouter, upstreams: Pair) -> None:
    headers = {"x-request-id": "live-broken"}
    with session(f"{served.url}/v1/realtime?model=live", additional_headers=headers) as socket:
        socket.recv()
        socket.send(json.dumps({"type": "break"}))
        assert json.loads(socket.recv())["error"]["code"] == "stream_broken"
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as caught:
            socket.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1011
    assert served.record("live-broken")["error"] == "stream_broken"


def test_a_session_begins_at_the_next_endpoint_if_the_first_is_down(served: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours[""] = answering(503)
    with session(f"{served.url}/v1/realtime?model=live") as socket:
        assert json.loads(socket.recv())["session"]["id"] == "b"
        assert socket.response.headers["x-llmrouter-endpoint"] == "spare"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/realtime?model=nope", 404, "model_not_found"), ("/v1/realtime", 400, "missing_model")],
)
def test_no_session(served: RunningRouter, path: str, status: int, code: str) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as caught, session(served.url + path):
        pass
    assert caught.value.response.status_code == status
    assert json.loads(caught.value.response.body)["error"]["code"] == code
    assert httpx.get(served.url + path).status_code == 400  # no upgrade asked for


def test_a_client_that_leaves_ends_the_session_upstream(served: RunningRouter, upstreams: Pair) -> None:
    with session(f"{served.url}/v1/realtime?model=live", additional_headers={"x-request-id": "live-gone"}) as socket:
        socket.recv()
        socket.socket.shutdown(2)
    assert served.record("live-gone")["error"] == "client_gone"
