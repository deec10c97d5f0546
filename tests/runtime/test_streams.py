"""Many streams at once: every byte arrives, in order, and piece by piece."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from running import RunningRouter
from worlds import own

STREAMS, CHUNKS = 256, 50
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def events(stream: int) -> list[bytes]:
    told = [json.dumps({"stream": stream, "at": at, "text": f"{stream}-{at} " * 5}) for at in range(CHUNKS)]
    return [f"data: {each}\n\n".encode() for each in told] + [b"data: [DONE]\n\n"]


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Streams what it is asked for, a little at a time."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            stream = json.loads(await reader.readexactly(length))["seed"]
            writer.write(HEAD)
            for event in events(stream):
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def streamed(port: int, stream: int) -> tuple[bytes, int]:
    """The body as it came without its framing, and the number of its pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": "m", "stream": True, "seed": stream, "messages": []}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    await reader.readuntil(b"\r\n\r\n")
    found, pieces = b"", 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        found += await reader.readexactly(size)
        pieces += 1
        await reader.readexactly(2)
    writer.close()
    await writer.wait_closed()
    return found, pieces


def test_no_byte_is_lost_and_none_waits() -> None:
    async def play() -> list[Any]:
        server = await asyncio.start_server(upstream, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with await asyncio.to_thread(
            RunningRouter, {"CUSTOMER_LLM_CONFIG": {"x": own(url, "m", api_key="k")}}
        ) as router:
            port = int(router.url.rpartition(":")[2])
            found = await asyncio.gather(*(streamed(port, each) for each in range(STREAMS)))
            await asyncio.sleep(0.2)
            lines = router.output().splitlines()
            await asyncio.to_thread(router.stop)
        server.close()
        await asyncio.sleep(0.2)  # the upstream's side of the connections ends
        assert len(lines) == STREAMS
        return found

    found = asyncio.run(play())
    assert [body for body, _ in found] == [b"".join(events(each)) for each in range(STREAMS)]
    assert min(pieces for _, pieces in found) > CHUNKS / 2  # not held back until the end
