"""Streams: what the router adds to the time to the first byte, and whether many at once keep all their bytes.

``--upstream PORT`` is the upstream, in a process of its own: it streams what the request's ``seed`` names, as many
events as ``events``, each ``pause`` seconds after the one before.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

from goals import Row, ranged, table
from serving import KEY, PATH, documents, free_port, router, running

STREAMS, CHUNKS = 256, 50
TURNS = 1000
_PAUSE = 0.01  # seconds between two events of one of many streams
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_DONE = b"data: [DONE]\n\n"


def event(seed: int, at: int) -> bytes:
    """One event of a stream, like no other."""
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': f'{seed}-{at} ' * 5}}]})}\n\n".encode()


async def upstream(port: int) -> None:
    """Stream to whoever asks."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                asked = json.loads(await reader.readexactly(length))
                before = _HEAD
                for at in range(asked["events"]):
                    data = event(asked["seed"], at)
                    writer.write(before + b"%x\r\n%b\r\n" % (len(data), data))
                    before = b""
                    await asyncio.sleep(asked["pause"])
                writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(_DONE), _DONE))

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=2 * STREAMS)
    await server.serve_forever()


def _request(seed: int, events: int, pause: float) -> bytes:
    asked = {"model": "gpt-4o", "stream": True, "messages": [], "seed": seed, "events": events, "pause": pause}
    body = json.dumps(asked).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def first_byte(connection: socket.socket) -> float:
    """Milliseconds from the request to the first event; reads on to the end of the stream."""
    begun, data, took = time.perf_counter(), b"", 0.0
    connection.sendall(_request(0, 3, 0.001))
    while not data.endswith(b"0\r\n\r\n"):
        data += connection.recv(65536)
        if not took and b"delta" in data:
            took = (time.perf_counter() - begun) * 1000
    return took


async def streamed(port: int, seed: int) -> tuple[bytes, int]:
    """The body of one stream, and in how many pieces it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request(seed, CHUNKS, _PAUSE))
    await reader.readuntil(b"\r\n\r\n")
    body, pieces = b"", 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        pieces += 1
        await reader.readexactly(2)
    writer.close()
    return body, pieces


async def many(port: int) -> Sequence[tuple[bytes, int]]:
    """All streams at once."""
    return await asyncio.gather(*(streamed(port, seed) for seed in range(STREAMS)))


def measure() -> list[Row]:
    """First bytes in turns, then the streams."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        command = [sys.executable, __file__, "--upstream", str(port)]
        direct = stack.enter_context(running(command, port, folder / "upstream.log"))
        ours = stack.enter_context(router(folder, documents(direct.url)))
        places = [stack.enter_context(socket.create_connection(("127.0.0.1", each))) for each in (port, ours.port)]
        pairs = [[first_byte(each) for each in places] for _ in range(TURNS)]
        found = asyncio.run(many(ours.port))
    return [_first(pairs), _whole(found)]


def _first(pairs: list[list[float]]) -> Row:
    added = [ours - direct for direct, ours in pairs]
    middle = median(ours for _, ours in pairs) - median(direct for direct, _ in pairs)
    tail = sorted(added)[int(len(added) * 0.99)]
    return Row(
        "added to the first byte of a stream, p50", "≤ 0.5 ms", f"{middle:.2f} ms (p99 {tail:.2f})", middle <= 0.5
    )


def _whole(found: Sequence[tuple[bytes, int]]) -> Row:
    wanted = [b"".join(event(seed, at) for at in range(CHUNKS)) + _DONE for seed in range(STREAMS)]
    wrong = sum(body != whole for (body, _), whole in zip(found, wanted, strict=True))
    pieces = ranged((count for _, count in found), ".0f")
    figure = f"{wrong} of {STREAMS}; {CHUNKS + 1} events came in {pieces} pieces"
    return Row(
        f"{STREAMS} streams of {CHUNKS} chunks at once: streams with a byte lost or changed", "0", figure, wrong == 0
    )


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--upstream"]:
        asyncio.run(upstream(int(sys.argv[2])))
        return
    print(table(measure()))


if __name__ == "__main__":
    main()
