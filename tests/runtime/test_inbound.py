"""The HTTP server on a raw socket: what is no request, what never ends, and who takes too long."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from llmrouter.exchange import Exchange
from llmrouter.inbound import MAX_HEAD, Connection, HttpServer, Patience
from llmrouter.outbox import Outbox

LIMIT = 100_000
SHORT = Patience(head=0.5, body=0.8, idle=0.9, reading=0.6, linger=0.8)
GOOD = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"


class Served:
    """A server in a thread: it echoes, and remembers what it was asked."""

    def __init__(self, patience: Patience = SHORT) -> None:
        self._patience = patience
        self.seen: list[tuple[str, bytes]] = []
        self.cancelled = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5)

    async def _start(self) -> int:
        self.server = HttpServer(self._handle, Outbox(), self._patience)
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Connection(self.server), "127.0.0.1", 0)
        self._ticking = loop.create_task(self._tick())
        return int(self._listening.sockets[0].getsockname()[1])

    async def _tick(self) -> None:
        while True:
            self.server.tick()
            await asyncio.sleep(0.1)

    async def _handle(self, exchange: Exchange) -> None:
        try:
            if exchange.path == "/early":
                exchange.answer(401, b"no", [])
                return
            body = await exchange.body(LIMIT)
            self.seen.append((exchange.path, body))
            if exchange.path == "/wait":
                await asyncio.sleep(10)
            if exchange.path == "/much":
                exchange.start(200, [])
                while True:
                    await exchange.write(b"x" * 65536)
            if exchange.path == "/big":
                exchange.answer(200, b"x" * (8 << 20), [])
                return
            if exchange.path == "/stream":
                exchange.start(200, [])
                await exchange.write(b"one")
                await exchange.write(b"two")
                exchange.end()
                return
            exchange.answer(200, body, [])
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        except Exception as error:
            exchange.answer_error(error, [])  # type: ignore[arg-type]

    def stop(self) -> None:
        async def stop() -> None:
            self._listening.close()
            self._ticking.cancel()
            await self.server.drain(0.1)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served()
    yield found
    found.stop()


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), 5)


def until_closed(connection: socket.socket) -> bytes:
    said = b""
    while True:
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            return said
        if not data:
            return said
        said += data


def until_said(connection: socket.socket, what: bytes, times: int) -> bytes:
    said = b""
    while said.count(what) < times:
        data = connection.recv(65536)
        assert data, said
        said += data
    return said


def exchanged(served: Served, data: bytes) -> bytes:
    """All that is said until the server closes."""
    with connected(served) as connection:
        connection.sendall(data)
        return until_closed(connection)


HEAD = b"POST /x HTTP/1.1\r\nhost: x\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
SMUGGLING = {
    "both lengths": HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "both, the other way": HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello" + SMUGGLED,
    "two equal lengths": HEAD + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello" + SMUGGLED,
    "a list of lengths": HEAD + b"content-length: 5, 5\r\n\r\nhello" + SMUGGLED,
    "a signed length": HEAD + b"content-length: +5\r\n\r\nhello" + SMUGGLED,
    "a length in hex": HEAD + b"content-length: 0x5\r\n\r\nhello" + SMUGGLED,
    "a huge length": HEAD + b"content-length: 99999999999999999999\r\n\r\n" + SMUGGLED,
    "bare LF": b"POST /x HTTP/1.1\nhost: x\ncontent-length: 0\n\n" + SMUGGLED,
    "a bare LF among headers": HEAD + b"x: y\ncontent-length: 5\r\n\r\nhello" + SMUGGLED,
    "bare CR": HEAD + b"x: y\rcontent-length: 5\r\n\r\nhello" + SMUGGLED,
    "obsolete folding": HEAD + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before the colon": HEAD + b"content-length : 5\r\n\r\nhello" + SMUGGLED,
    "an unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked is not last": HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked in HTTP/1.0": b"POST /x HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a NUL": HEAD + b"x: \x00\r\n\r\n" + SMUGGLED,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + SMUGGLED,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "no host": b"GET / HTTP/1.1\r\n\r\n" + SMUGGLED,
    "two hosts": HEAD + b"host: y\r\n\r\n" + SMUGGLED,
    "HTTP/0.9": b"GET /\r\n\r\n" + SMUGGLED,
    "HTTP/0.9 with a body": b"POST /x\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a tunnel": b"CONNECT y:1 HTTP/1.1\r\nhost: x\r\n\r\n" + SMUGGLED,
    "HTTP/9": b"GET / HTTP/9.9\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_two_could_read_in_two_ways_is_refused(served: Served, name: str) -> None:
    said = exchanged(served, SMUGGLING[name])
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert said.count(b"HTTP/1.1") == 1
    assert b"connection: close" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_http"
    assert served.seen == []


def test_what_is_fine_is_served(served: Served) -> None:
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n"
    said = exchanged(served, GOOD + chunked + b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 3
    assert served.seen == [("/echo", b"hello"), ("/x", b"hello"), ("/last", b"")]


@pytest.mark.parametrize("chunk", [b"5\nhello\r\n", b"5\r\nhello\n", b"zz\r\n", b"5\r\nhelloX\r\n", b"-5\r\nhello\r\n"])
def test_a_malformed_chunk(served: Served, chunk: bytes) -> None:
    said = exchanged(served, HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n" + SMUGGLED)
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1") == 1
    assert served.seen == []


def test_requests_in_a_row_are_answered_in_order(served: Served) -> None:
    many = b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % at for at in range(100))
    with connected(served) as connection:
        connection.sendall(many)
        until_said(connection, b"HTTP/1.1 200 OK", 100)
    assert [path for path, _ in served.seen] == [f"/{at}" for at in range(100)]


@pytest.mark.parametrize("data", [b"GET /" + b"x" * MAX_HEAD, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * MAX_HEAD])
def test_a_head_that_does_not_end(served: Served, data: bytes) -> None:
    said = exchanged(served, data[: MAX_HEAD * 2])
    assert said.startswith(b"HTTP/1.1 431") or not said  # it may be reset while it still sends
    assert served.seen == []


def test_a_slow_head(served: Served) -> None:
    start = time.monotonic()
    with connected(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        connection.settimeout(0.1)
        said = b""
        while time.monotonic() < start + 3 and not said:
            try:
                connection.sendall(b"x: y\r\n")
                said = connection.recv(65536)
            except TimeoutError:
                continue
    assert said.startswith(b"HTTP/1.1 408")
    assert 0.4 < time.monotonic() - start < 1.5


def test_silence_is_hung_up_on(served: Served) -> None:
    assert exchanged(served, b"") == b""
    start = time.monotonic()
    assert exchanged(served, GOOD).endswith(b"hello")  # and so is silence after a request
    assert 0.7 < time.monotonic() - start < 2


def test_a_slow_body(served: Served) -> None:
    start = time.monotonic()
    assert exchanged(served, HEAD + b"content-length: 9\r\n\r\nhello") == b""
    assert 0.7 < time.monotonic() - start < 2
    assert served.cancelled.wait(2)


def test_a_body_over_the_limit_is_answered_while_it_comes(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(HEAD + b"content-length: 300000\r\n\r\n" + b"x" * 200_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")
        connection.sendall(b"x" * 100_000 + GOOD)  # the rest is read, and the connection is good for another
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


class Pausing(asyncio.Transport):
    """A transport that is told when to read; what is written is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def is_closing(self) -> bool:
        return False


@pytest.mark.parametrize("reads", [True, False], ids=["read", "answered early"])
def test_a_large_body_that_came_at_once_leaves_the_connection_listening(reads: bool) -> None:
    """So large that reading is held, and whole before anybody reads: nobody who waits for more lets it go on."""

    async def handler(exchange: Exchange) -> None:
        exchange.answer(200, await exchange.body(1 << 20) if reads else b"", [])

    async def asked() -> None:
        connection, transport = Connection(HttpServer(handler)), Pausing()
        connection.connection_made(transport)
        connection.data_received(HEAD + b"content-length: 300000\r\n\r\n" + b"x" * 300_000)
        assert not transport.reading
        while connection.task is not None:
            await asyncio.sleep(0)
        assert transport.reading

    asyncio.run(asked())


def test_an_endless_body(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        start = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012
            while time.monotonic() < start + 8:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert served.seen == []


def test_an_early_answer_reaches_who_still_sends(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        connection.sendall(b"hello" + GOOD)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_who_does_not_read_is_let_go(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n")
        assert served.cancelled.wait(5)
        assert len(until_closed(connection)) < 1 << 25


def test_who_leaves_is_noticed(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(0.2)
        assert not served.cancelled.is_set()  # control
    assert served.cancelled.wait(2)


def test_a_client_that_waits_to_be_told_to_send(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(HEAD + b"content-length: 5\r\nexpect: 100-continue\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert connection.recv(65536).endswith(b"hello")


def test_old_clients(served: Served) -> None:
    said = exchanged(served, b"GET /stream HTTP/1.0\r\n\r\n")
    assert said.endswith(b"\r\n\r\nonetwo")
    assert b"chunked" not in said
    said = exchanged(served, b"GET /stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert said.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_no_body_for_who_wants_the_head(served: Served) -> None:
    said = exchanged(served, b"HEAD /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab")
    assert b"content-length: 2" in said
    assert said.endswith(b"\r\n\r\n")


def test_another_protocol_is_not_spoken(served: Served) -> None:
    upgrade = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello"
    with connected(served) as connection:
        connection.sendall(HEAD + upgrade + GOOD)
        said = until_said(connection, b"hello", 2)
    assert said.count(b"HTTP/1.1 200 OK") == 2


def test_a_body_behind_an_upgrade_is_no_request(served: Served) -> None:
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n\r\n" % len(SMUGGLED)
    with connected(served) as connection:
        connection.sendall(HEAD + upgrade + SMUGGLED + GOOD)
        until_said(connection, b"HTTP/1.1 200 OK", 2)
    assert served.seen == [("/x", SMUGGLED), ("/echo", b"hello")]


def test_many_upgrades_at_once_are_not_read_again_and_again(served: Served) -> None:
    asking = b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: odd\r\n\r\n"
    few = exchanged(served, asking * 10 + b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert (few.count(b"HTTP/1.1 200"), few.count(b"HTTP/1.1 400")) == (11, 0)  # the control
    many = exchanged(served, asking * 5_000)
    assert many.count(b"HTTP/1.1 400") == 1
    assert many.count(b"HTTP/1.1 200") < 200
    assert b"HTTP/1.1 200" in exchanged(served, b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")


def test_an_upgrade_leaves_the_rest_as_it_was(served: Served) -> None:
    """What is read again as if it had not asked keeps its version, and its wish to be the last."""
    old = b"GET /stream HTTP/1.0\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    assert exchanged(served, old).endswith(b"\r\n\r\nonetwo")
    last = HEAD + b"connection: close, upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello"
    said = exchanged(served, last + SMUGGLED)
    assert said.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in said


def test_an_answer_is_not_lost_to_what_is_still_sent(served: Served) -> None:
    """To close while bytes are unread resets a connection, and takes the answer from whoever still sends."""
    for first in (GOOD.replace(b"host: x", b"host: x\r\nconnection: close"), b"no HTTP\r\n\r\n"):
        with connected(served) as connection:
            connection.sendall(first)
            until = time.monotonic() + 5
            while served.server.connections and time.monotonic() < until and len(served.seen) < 1:
                time.sleep(0.01)
            for _ in range(20):
                connection.sendall(b"x" * 10_000)
                time.sleep(0.005)
            assert until_closed(connection).startswith(b"HTTP/1.1 ")


def test_who_reads_slowly_gets_all_of_the_last_answer() -> None:
    served = Served(Patience(reading=30, linger=0.2))
    try:
        with connected(served) as connection:
            connection.sendall(b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            time.sleep(1)  # longer than the server lingers
            assert len(until_closed(connection)) > 8 << 20
        with connected(served) as connection:  # control: who has got it all and does not close is let go
            connection.sendall(b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            until_closed(connection)
            until = time.monotonic() + 20
            while served.server.connections and time.monotonic() < until:
                time.sleep(0.02)
            assert not served.server.connections
    finally:
        served.stop()


def test_a_thousand_idle_connections(served: Served) -> None:
    idle = [connected(served) for _ in range(400)]
    assert b"200 OK" in exchanged(served, GOOD.replace(b"host: x", b"host: x\r\nconnection: close"))
    time.sleep(0.8)
    assert len(served.server.connections) == 0
    for each in idle:
        each.close()


def test_the_date_is_told(served: Served) -> None:
    assert b"\r\ndate: " in exchanged(served, GOOD)
