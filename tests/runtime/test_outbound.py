"""The HTTP client against upstreams that misbehave on the wire: what its caller sees, and what is logged."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from running import RunningRouter
from worlds import model, own

from llmrouter.outbound import _HELD_BYTES, HttpUpstream
from llmrouter.outbox import Outbox
from llmrouter.upstream import TimeLimits, UpstreamFailure, UpstreamRequest

ANSWER = json.dumps({"usage": {"prompt_tokens": 10, "completion_tokens": 4}}).encode()
OK, JSON, EVENTS = b"HTTP/1.1 200 OK\r\n", b"content-type: application/json\r\n", b"content-type: text/event-stream\r\n"
LENGTH = b"content-length: %d\r\n" % len(ANSWER)
GOOD = OK + JSON + LENGTH + b"\r\n" + ANSWER
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
EVENT, DONE = b'data: {"choices": []}\n\n', b"data: [DONE]\n\n"


def chunks(*data: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in data)


STREAM = OK + EVENTS + CHUNKED + chunks(EVENT, DONE) + b"0\r\n\r\n"


_NUMBERS = itertools.count()


class Wire:
    """An upstream that says fixed bytes, then stays, closes or resets."""

    def __init__(self) -> None:
        self.says, self.ending, self.accepted, self.asked = GOOD, "stay", 0, 0
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
            try:
                while self._asked(connection):
                    connection.sendall(self.says)
                    if self.ending == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if self.ending != "stay":
                        return
            except OSError:
                return

    def _asked(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        missing = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]) - len(body)
        while missing > 0:
            missing -= len(connection.recv(65536))
        self.asked += 1
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    found = Wire()
    yield found
    found.close()


@pytest.fixture(scope="module")
def routed(wire: Wire) -> Iterator[RunningRouter]:
    policy = {"version": 1, "account": "a", "source": "auto", "limits": None, "allowed": ["m"], "teams": {}, "keys": []}
    policy |= {"models": {"m": model()}, "route_groups": {}}
    variables = {"CUSTOMER_LLM_CONFIG": {"x": own(wire.url, "m", api_key="k")}, "ROUTER_POLICY": policy}
    arguments = ("--first-byte-timeout", "1", "--idle-timeout", "0.7", "--cooldown", "0")
    with RunningRouter(variables, *arguments) as running:
        yield running


@pytest.fixture
def call(wire: Wire, routed: RunningRouter) -> Iterator[Callable[..., tuple[httpx.Response | None, dict[str, Any]]]]:
    """Calls once while the upstream says something; the answer (None: cut off) and the log line."""

    def call(says: bytes, ending: str = "stay", stream: bool = False) -> tuple[httpx.Response | None, dict[str, Any]]:
        wire.says, wire.ending = says, ending
        request_id = f"wire-{next(_NUMBERS)}-"
        body = {"model": "m", "messages": [], "stream": stream}
        try:
            headers = {"x-request-id": request_id}
            answer = httpx.post(f"{routed.url}/v1/chat/completions", json=body, headers=headers, timeout=10)
        except httpx.RemoteProtocolError:
            answer = None
        return answer, routed.record(request_id)

    yield call
    wire.says, wire.ending = OK + LENGTH + b"connection: close\r\n\r\n" + ANSWER, "close"
    for _ in range(2):  # no connection is left in a state that the next test would see
        httpx.post(f"{routed.url}/v1/chat/completions", json={"model": "m"}, timeout=10)


@pytest.mark.parametrize("ending", ["stay", "close"])
@pytest.mark.parametrize(
    "says",
    [
        GOOD,
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + GOOD,
        OK + JSON + CHUNKED + chunks(ANSWER[:5], ANSWER[5:]) + b"0\r\nx-trailer: 1\r\n\r\n",
        b"HTTP/1.1 200\r\n" + JSON + LENGTH + b"\r\n" + ANSWER,
        b"HTTP/1.0 200 OK\r\n" + JSON + LENGTH + b"\r\n" + ANSWER,
    ],
    ids=["plain", "continue", "early hints", "chunked", "no reason", "old"],
)
def test_answers_in_other_words(call: Any, says: bytes, ending: str) -> None:
    answer, line = call(says, ending)
    assert (answer.status_code, answer.content, line["tokens_input"], line["attempts"]) == (200, ANSWER, 10, 1)


def test_a_body_that_ends_with_its_connection(call: Any) -> None:
    answer, line = call(OK + JSON + b"\r\n" + ANSWER, "close")
    assert (answer.content, line["tokens_input"]) == (ANSWER, 10)
    answer, line = call(OK + EVENTS + b"\r\n" + EVENT + DONE, "close", stream=True)
    assert (answer.content, line["error"]) == (EVENT + DONE, None)


NO_ANSWER = {
    "nothing, closed": (b"", "close"),
    "nothing, reset": (b"", "reset"),
    "nothing at all": (b"", "stay"),
    "half a head": (OK + JSON[:9], "close"),
    "half a head, then silence": (OK + JSON[:9], "stay"),
    "a head that does not end": (OK + b"x: y\r\n" * 50_000, "stay"),
    "not HTTP": (b"\x00\x01\x02 hello\r\n\r\n", "stay"),
    "another protocol that nobody asked for": (
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "stay",
    ),
    "both lengths": (OK + LENGTH + CHUNKED + chunks(ANSWER) + b"0\r\n\r\n", "stay"),
    "two lengths": (OK + LENGTH + b"content-length: 1\r\n\r\n" + ANSWER, "stay"),
    "a bare LF": (OK.replace(b"\r", b"") + LENGTH + b"\r\n" + ANSWER, "stay"),
    "headers alone": (OK + JSON + LENGTH + b"\r\n", "stay"),
    "headers, then reset": (OK + JSON + LENGTH + b"\r\n", "reset"),
    "half a body": (OK + JSON + LENGTH + b"\r\n" + ANSWER[:9], "close"),
    "half a body, reset": (OK + JSON + LENGTH + b"\r\n" + ANSWER[:9], "reset"),
    "half a body, then silence": (OK + JSON + LENGTH + b"\r\n" + ANSWER[:9], "stay"),
    "half a chunk": (OK + JSON + CHUNKED + b"ff\r\n" + ANSWER[:9], "close"),
    "a chunk of no size": (OK + JSON + CHUNKED + b"zz\r\n" + ANSWER, "stay"),
    "no last chunk": (OK + JSON + CHUNKED + chunks(ANSWER), "close"),
    "a stream that never begins": (OK + EVENTS + CHUNKED, "stay"),
    "a stream that ends before it begins": (OK + EVENTS + CHUNKED + b"0\r\n\r\n", "stay"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", NO_ANSWER)
def test_what_is_no_answer(call: Any, wire: Wire, fault: str, stream: bool) -> None:
    wire.asked = 0
    answer, line = call(*NO_ANSWER[fault], stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    assert (line["status"], line["error"], line["attempts"]) == (502, "upstream_failed", 1)
    assert (line["tokens_input"], line["cost"]) == (None, None)
    assert wire.asked == 1


CUT = {
    "closed": (OK + EVENTS + CHUNKED + chunks(EVENT), "close"),
    "reset": (OK + EVENTS + CHUNKED + chunks(EVENT), "reset"),
    "silent": (OK + EVENTS + CHUNKED + chunks(EVENT), "stay"),
    "ended without its end": (OK + EVENTS + CHUNKED + chunks(EVENT) + b"0\r\n\r\n", "stay"),
    "half an event": (OK + EVENTS + CHUNKED + chunks(EVENT, EVENT[:9]) + b"0\r\n\r\n", "stay"),
    "half a chunk": (OK + EVENTS + CHUNKED + chunks(EVENT) + b"ff\r\n" + EVENT, "close"),
    "a chunk of no size": (OK + EVENTS + CHUNKED + chunks(EVENT) + b"zz\r\n", "stay"),
}


@pytest.mark.parametrize("fault", CUT)
def test_a_stream_that_is_cut(call: Any, wire: Wire, fault: str) -> None:
    wire.asked = 0
    answer, line = call(*CUT[fault], stream=True)
    assert answer.status_code == 200
    first, *_, last = [each for each in answer.text.split("\n\n") if each]
    assert first.encode() + b"\n\n" == EVENT
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "stream_broken"
    assert (line["error"], line["tokens_output"], line["cost"], wire.asked) == ("stream_broken", None, None, 1)


def test_a_stream_that_says_it_is_done_is_done(call: Any) -> None:
    for ending in ("close", "reset"):
        answer, line = call(OK + EVENTS + CHUNKED + chunks(EVENT, DONE), ending, stream=True)
        assert (answer.content, line["error"]) == (EVENT + DONE, None)


def test_what_comes_unasked_is_nobodys_answer(call: Any, wire: Wire) -> None:
    poison = GOOD.replace(b"10", b"99")
    for says in (GOOD + poison, GOOD + b"HTTP/1.1 ", GOOD + b"junk"):
        accepted = wire.accepted
        answer, _ = call(says)
        assert answer.content == ANSWER
        answer, line = call(GOOD)
        assert (answer.content, line["tokens_input"]) == (ANSWER, 10)
        assert wire.accepted > accepted  # the connection was not used again


def test_connections_are_used_again(call: Any, wire: Wire) -> None:
    call(GOOD)
    accepted = wire.accepted
    for _ in range(5):
        assert call(GOOD)[0].content == ANSWER
    assert wire.accepted == accepted
    call(OK + JSON + LENGTH + b"connection: close\r\n\r\n" + ANSWER)
    call(GOOD)
    assert wire.accepted == accepted + 1


def test_a_large_answer_that_was_whole_before_it_was_read_leaves_its_connection_good() -> None:
    """With its last byte it is more than is held, so reading stops; whoever reads it later need not ask for more."""
    body = b"x" * (_HELD_BYTES + 1)
    wire = Wire()
    wire.says = OK + b"content-length: %d\r\n\r\n" % len(body) + body

    async def asked() -> None:
        upstream = HttpUpstream(Outbox())
        request = UpstreamRequest(wire.url, {}, b"", TimeLimits(first_byte=20.0))
        for _ in range(2):
            answer = await upstream.send(request)
            while not answer.complete:
                await asyncio.sleep(0.01)
            assert await answer.read() == body
        await upstream.close()
        assert wire.accepted == 1

    asyncio.run(asyncio.wait_for(asked(), 60))
    wire.close()


def test_whoever_takes_a_connection_at_once_has_a_time_limit_of_its_own() -> None:
    """It is free when an answer is whole, before the reader of that one has woken up and waits no more."""

    async def asked() -> None:
        go_on, over = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK + b"content-length: 1\r\n\r\n")
            await go_on.wait()
            writer.write(b"x")
            await over.wait()  # whatever else is asked
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        upstream = HttpUpstream(Outbox())
        answer = await upstream.send(UpstreamRequest(url, {}, b"", TimeLimits()))
        reading = asyncio.create_task(answer.read())
        await asyncio.sleep(0)
        go_on.set()
        while not answer.complete:
            await asyncio.sleep(0)
        assert not reading.done()
        with pytest.raises(UpstreamFailure, match="no answer in time"):
            async with asyncio.timeout(20):
                await upstream.send(UpstreamRequest(url, {}, b"", TimeLimits(first_byte=0.5)))
        assert await reading == b"x"
        over.set()
        await upstream.close()
        server.close()
        await server.wait_closed()

    asyncio.run(asked())


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream"])
def test_what_is_packed_passes_as_it_is(call: Any, kind: bytes) -> None:
    packed = b"\x1f\x8b" + b"\x00" * 100  # nobody here unpacks it, bomb or not
    says = OK + b"content-type: " + kind + b"\r\nx-encoded: 1\r\ncontent-encoding: gzip\r\n"
    with pytest.raises(httpx.DecodingError):
        call(says + b"content-length: %d\r\n\r\n" % len(packed) + packed)


def test_an_error_page(call: Any) -> None:
    page = b"<html>no</html>"
    says = b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n" % len(page)
    answer, line = call(says + page)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "upstream_error")
    assert answer.headers["content-type"] == "application/json"
    assert line["status"] == 403
