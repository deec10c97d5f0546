"""Any bytes on a real socket: no 500, no hang, no crash, and nothing upstream that a second parser does not see too.

The second parser is h11, which shares no line with llhttp. What it reads as requests is either passed on exactly so, in
order, or refused; what it does not read as one never is.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

import h11
import pytest
from hypothesis import HealthCheck, currently_in_test_context, example, given, note, settings
from hypothesis import strategies as st
from wires import asked
from worldlets import Request, Worldlet, Worldlets, request_of

from llmrouter.app import Router
from llmrouter.errors import ApiError, internal
from llmrouter.exchange import Exchange
from llmrouter.operations import match
from llmrouter.payload import Payload

PATIENCE = 30.0
LAST = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
SENT_UPSTREAM = {b"host", b"content-length", b"accept-encoding", b"user-agent", b"x-request-id", b"content-type"}
SENT_UPSTREAM |= {b"connection", b"upgrade", b"sec-websocket-version", b"sec-websocket-key", b"sec-websocket-protocol"}
SENT_UPSTREAM |= {b"accept", b"traceparent", b"tracestate", b"openai-beta", b"authorization"}


_SPACES = re.compile(rb"\A(\S+) +(\S+) +(HTTP/\d\.\d\r\n)")


def strict(data: bytes) -> tuple[list[Request], str, Request | None]:
    """The requests in these bytes as h11 reads them, why there are no more, and one of which not all is right or there.

    Why: error, incomplete, closed or switched.
    """
    found: list[Request] = []
    while True:
        # RFC 9112, 2.2 and 3: empty lines before a request line are nothing, and several spaces in it are as one.
        data = _SPACES.sub(rb"\1 \2 \3", data.lstrip(b"\r\n"))
        parser = h11.Connection(h11.SERVER)
        parser.receive_data(data)
        request, end = _one(parser)
        if end or request is None:
            return found, end, request
        found.append(request)
        connection = [token.strip() for token in request.header(b"connection").split(b",")]
        old = request.version == "1.0"
        if _asks_for_a_socket(request):
            request.rest = bytes(parser.trailing_data[0])
            return found, "switched", None
        if b"close" in connection or (old and b"keep-alive" not in connection):
            return found, "closed", None
        data = bytes(parser.trailing_data[0])


def _one(parser: h11.Connection) -> tuple[Request | None, str]:
    request: Request | None = None
    try:
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                if event.method == b"CONNECT":
                    return None, "error"  # a tunnel, which this is not
                request = request_of(event)
            elif isinstance(event, h11.Data) and request is not None:
                request.body += bytes(event.data)
            else:
                return request, "" if isinstance(event, h11.EndOfMessage) else "incomplete"
    except h11.RemoteProtocolError:
        return request, "error"


def _asks_for_a_socket(request: Request) -> bool:
    connection = [token.strip() for token in request.header(b"connection").split(b",")]
    return b"upgrade" in connection and request.header(b"upgrade") == b"websocket" and request.version == "1.1"


def is_call(request: Request) -> bool:
    """Whether a request is one that the router passes on."""
    path, _, query = request.target.partition("?")
    if request.method == "GET" and unquote(path) == "/v1/realtime":
        return _asks_for_a_socket(request) and dict(parse_qsl(query)).get("model") in ("m", "n")
    route = match(unquote(path))
    if request.method != "POST" or route is None or route.operation is None or route.operation.sends != "json":
        return False
    try:
        return Payload.parse(request.body).model() in ("m", "n") and len(request.body) <= 4096
    except ApiError:
        return False


class Said:
    """What a server said on one connection, answer by answer."""

    def __init__(self, data: bytes, methods: list[str]) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        stream = io.BytesIO(data)
        stream.close = lambda: None  # type: ignore[method-assign]
        while stream.tell() < len(data):
            method = methods[len(self.answers)] if len(self.answers) < len(methods) else "GET"
            answer = http.client.HTTPResponse(_Socket(stream), method=method)  # type: ignore[arg-type]
            answer.begin()
            # What is refused has no method, so a HEAD that is refused gets the body too; the connection ends behind it.
            body = answer.read() or (stream.read() if data[stream.tell() :].startswith(b'{"error"') else b"")
            self.answers.append((answer.status, {k.lower(): v for k, v in answer.getheaders()}, body))
            if answer.status == 101:
                break


class _Socket:
    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def makefile(self, _: str) -> io.BytesIO:
        return self._stream


def spoken(port: int, data: bytes, cuts: list[int], methods: list[str], open_end: bool) -> Said:
    """Send, in pieces, and listen to the end; where the server cannot know it, say that nothing more comes."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                connection.sendall(data[start:end])
                if cuts:
                    time.sleep(0.001)
            while heard.count(b"HTTP/1.1 ") - heard.count(b"HTTP/1.1 100 ") < len(methods):
                came = connection.recv(65536)
                if not came:
                    break
                heard += came
            if open_end:
                connection.shutdown(socket.SHUT_WR)
            while came := connection.recv(65536):
                heard += came
        except TimeoutError:
            pytest.fail(f"no answer to {data!r} after {heard!r}")
        except OSError:
            pass  # closed by the other side
    return Said(heard, methods)


def checked(world: Worldlet, data: bytes, cuts: list[int]) -> None:
    """Send bytes, and compare what came of it with what h11 sees in them."""
    world.seen.clear(), world.faults.clear()
    requests, end, begun = strict(data)
    said = spoken(world.port, data, cuts, [each.method for each in requests], end in ("incomplete", "switched"))
    if currently_in_test_context():
        note(f"{data!r}\nh11: {requests} {end} {begun}\nanswers: {said.answers}\nupstream: {world.seen}")
    until = time.monotonic() + PATIENCE
    while world.server.connections:
        assert time.monotonic() < until, "a connection that nobody holds is still there"
        time.sleep(0.001)
    refused = [answer for answer in said.answers if b'"invalid_http"' in answer[2] or answer[0] in (408, 431)]
    for status, headers, body in said.answers:
        assert status != 500
        if status >= 400 and body:
            assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
            assert headers["content-type"] == "application/json"
    if refused:
        assert said.answers[-1] is refused[-1]
        assert refused[-1][1]["connection"] == "close"
    passed = [each for each in said.answers if "x-llmrouter-endpoint" in each[1]]
    calls = [(each.method, each.body) for each in requests if is_call(each)]
    assert [(each.method, each.body) for each in world.seen] == calls[: len(world.seen)], (
        "passed on what is none, or not as it is"
    )
    assert len(passed) == len(world.seen)
    assert all(set(dict(each.headers)) <= SENT_UPSTREAM for each in world.seen)
    assert world.faults == []
    for asked_for, sent in zip([each for each in requests if is_call(each)], world.seen, strict=False):
        assert asked_for.rest.startswith(sent.rest), "passed on through a WebSocket what is not its own"
    early = said.answers[len(requests) :][: len(said.answers) - len(refused) - len(requests)]
    assert len(early) <= (begun is not None), "answered what is no request"
    assert all(status >= 400 for status, _, _ in early)
    if not refused:
        assert len(said.answers) - len(early) == len(requests), "left a request without an answer"
        assert len(world.seen) == len(calls)


def body(number: int, name: str = "m") -> bytes:
    return json.dumps({"model": name, "n": number}).encode()


def fixed(text: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(text), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + text


def chunked(text: bytes, sizes: list[int], extension: bytes = b"", trailer: bytes = b"") -> bytes:
    out, at = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 0
    for size in [*sizes, len(text)]:
        piece = text[at : at + size]
        at += len(piece)
        out += b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) if piece else b""
    return out + b"0\r\n" + trailer + b"\r\n"


UPGRADE = (b"Connection: Upgrade", b"Upgrade: h2c")
SOCKET = b"GET /v1/realtime?model=m HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
GOOD = [
    fixed(body(1)),
    fixed(body(2), b"Connection: keep-alive", b"Accept: */*"),
    fixed(body(3), b"Expect: 100-continue"),
    fixed(body(4), *UPGRADE),
    fixed(LAST + body(5)),
    chunked(body(6), [1, 5, 9]),
    chunked(body(7), [], b";a=b", b"x-trailer: y\r\n"),
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/models/m?x=%20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"DELETE /v1/responses/resp_1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    SOCKET,
]
NASTY = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"0",
    b"\x0b",
    b"\x7f",
    b"\x85",
    b"\xff",
    b"%",
    b"?",
]
NASTY += [
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"content-length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
]
NASTY += [
    b"transfer-encoding: identity\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"ffffffffffffffff\r\n",
    b"-1\r\n",
]
NASTY += [
    b"Connection: close\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"Upgrade: h2c\r\n",
    b" HTTP/1.1\r\n",
]
NASTY += [
    b"Host: y\r\n",
    b"CONNECT x:1",
    b"HTTP/1.0",
    b"Expect: 100-continue\r\n",
    b"x" * 70_000,
    b"\r\n folded\r\n",
    LAST,
]


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """A few requests in a row, some of them bent, and where the writes are cut."""
    parts = draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3))
    data = b"".join(parts)
    for _ in range(draw(st.integers(0, 3))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
        kind = draw(st.sampled_from(["insert", "drop", "replace", "repeat", "any"]))
        put = draw(st.sampled_from(NASTY)) if kind in ("insert", "replace") else b""
        put = data[at : at + length] * 2 if kind == "repeat" else draw(st.binary(max_size=4)) if kind == "any" else put
        data = data[:at] + put + data[at if kind == "insert" else at + length :]
    data += LAST
    return data, sorted(set(draw(st.lists(st.integers(1, max(1, len(data) - 1)), max_size=4))))


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worldlets]:
    with Worldlets() as found:
        yield found
        assert found.complaints == []


def thorough(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


FOUND = [
    b"GET /v1/models/m\r\nConnection: keep-alive\r\n\r\n",  # HTTP/0.9
    b"POST /v1/completions\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0\r\n\r\n",
    fixed(body(1)).replace(b"Host: x\r\n", b""),
    fixed(body(1), b"Host: y"),
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",  # read again and again, for ever
    fixed(body(1)) + SOCKET,  # the one behind was never answered
    fixed(body(1)).replace(b"Host: x", b"Host:\r\n x"),
    SOCKET.replace(b"connection: upgrade\r\n", b""),  # switched all the same
    SOCKET[:-2] + b"content-length: 5\r\n\r\nhello",  # frames to one, a body to the other
]


@thorough(300)
@given(stream=streams())
@example((FOUND[0] + LAST, []))
@example((FOUND[1] + LAST, []))
@example((FOUND[2] + LAST, []))
@example((FOUND[3] + LAST, []))
@example((FOUND[4] + LAST, []))
@example((FOUND[5] + LAST, []))
@example((FOUND[6] + LAST, [40, 60]))
@example((FOUND[7] + LAST, []))
@example((FOUND[8] + LAST, []))
def test_bent_requests(worlds: Worldlets, stream: tuple[bytes, list[int]]) -> None:
    checked(worlds.all[0], *stream)
    assert worlds.complaints == []


@thorough(60)
@given(data=st.binary(max_size=200), cuts=st.just([]))
@example(b"", [])
@example(b"\r\n" * 9, [])
def test_any_bytes(worlds: Worldlets, data: bytes, cuts: list[int]) -> None:
    checked(worlds.all[0], data + LAST, cuts)
    assert worlds.complaints == []


@pytest.mark.parametrize("at", range(len(GOOD)))
def test_straight_requests_are_all_served(worlds: Worldlets, at: int) -> None:
    """The control: what is right is not refused, cut between any two bytes or not at all."""
    world = worlds.all[0]
    for cuts in ([], list(range(1, len(GOOD[at])))):
        checked(world, GOOD[at] + fixed(body(9)) + LAST, cuts)
        assert len(world.seen) == is_call(strict(GOOD[at])[0][0]) + (GOOD[at] is not SOCKET)


async def _failing(router: Router, exchange: Exchange) -> None:
    exchange.answer_error(internal(), [])


async def _bending(router: Router, exchange: Exchange) -> None:
    await exchange.body(4096)
    exchange._chunks[-1:] = [each + b" " for each in exchange._chunks[-1:]]
    await router(exchange)


async def _doubling(router: Router, exchange: Exchange) -> None:
    await router(asked("/v1/completions", {"model": "m"}))
    await router(exchange)


async def _shapeless(router: Router, exchange: Exchange) -> None:
    exchange.answer(404, b"{}", [(b"content-type", b"application/json")])


@pytest.fixture(scope="module")
def faulty() -> Iterator[Worldlets]:
    with Worldlets(_failing, _bending, _doubling, _shapeless) as found:
        yield found


@pytest.mark.parametrize("at", range(4))
def test_a_fault_in_between_is_noticed(faulty: Worldlets, at: int) -> None:
    """The other control: whoever fails, bends, doubles or forgets how errors look does not pass."""
    with pytest.raises((AssertionError, KeyError)):
        checked(faulty.all[at], GOOD[0] + LAST, [])
