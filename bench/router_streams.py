"""What the router adds to the time to a stream's first byte: one stream called directly and through it, in turns."""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from router import KEY, PATH, documents, free_port, request_body, running

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ENDING = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


async def upstream(port: int) -> None:
    """Streams three events, a millisecond apart, to whoever asks."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))
            chunk = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
            writer.write(HEAD + chunk)
            for _ in range(2):
                await asyncio.sleep(0.001)
                writer.write(chunk)
            writer.write(ENDING)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


def first_byte(connection: socket.socket) -> float:
    """Milliseconds from the request to the first event; reads on to the end of the stream."""
    body = request_body().replace('"max_tokens"', '"stream": true, "max_tokens"').encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    start, data, took = time.perf_counter(), b"", 0.0
    connection.sendall(head.encode() + body)
    while not data.endswith(b"0\r\n\r\n"):
        data += connection.recv(65536)
        if not took and b"hello" in data:
            took = (time.perf_counter() - start) * 1000
    return took


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--upstream"]:
        asyncio.run(upstream(int(sys.argv[2])))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port, ours = free_port(), free_port()
        command = [sys.executable, __file__, "--upstream", str(port)]
        direct = stack.enter_context(running(command, port, folder / "upstream.log"))
        command = [sys.executable, "-m", "llmrouter", "serve", "--port", str(ours)]
        stack.enter_context(running(command, ours, folder / "router.log", **documents(direct)))
        places = {"direct": port, "router": ours}
        connections = {name: socket.create_connection(("127.0.0.1", at)) for name, at in places.items()}
        found: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(1000):
            for name, connection in connections.items():
                found[name].append(first_byte(connection))
        for connection in connections.values():
            connection.close()
    medians = {name: statistics.median(times) for name, times in found.items()}
    print(f"first byte of a stream, p50: direct {medians['direct']:.2f} ms, router {medians['router']:.2f} ms")
    print(f"added: {medians['router'] - medians['direct']:.2f} ms (goal 0.5)")


if __name__ == "__main__":
    main()
