"""How a realtime session ended is told by its close frame, not by who hung up first."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from wires import asked
from worlds import own

from llmrouter.app import Router, Settings
from llmrouter.documents import parse
from llmrouter.snapshot import Snapshot
from llmrouter.upstream_fake import FakeAnswer, FakeUpstream

DONE = json.dumps({"type": "response.done", "response": {"usage": {"input_tokens": 10, "output_tokens": 4}}}).encode()
TOLD = b"\x81" + bytes([len(DONE)]) + DONE
CLOSE = b"\x88\x02\x03\xe8"


@dataclass(slots=True)
class Lingering(FakeAnswer):
    """An upstream that says all it has to say and then stays."""

    async def read(self) -> bytes:
        if self._at == len(self.chunks):
            await asyncio.Event().wait()
        return await FakeAnswer.read(self)


def hung_up_after(*chunks: bytes) -> dict[str, Any]:
    """The log line of a session whose client hangs up after these bytes of the upstream."""

    async def play() -> bytes:
        lines: list[bytes] = []
        answer = Lingering(101, chunks=chunks)
        upstream = FakeUpstream({"wss://": lambda _: answer})
        snapshot = Snapshot.build(parse(json.dumps({"x": own("https://x.example", "live", api_key="k")})))
        exchange = asked("/v1/realtime?model=live", headers={"upgrade": "websocket"}, method="GET")
        task = asyncio.create_task(Router(snapshot, upstream, Settings(), lines.append)(exchange))
        while answer._at < len(chunks):
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        exchange.gone = True  # what the connection does when its client is gone
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return lines[0]

    return json.loads(asyncio.run(play()))


@pytest.mark.parametrize(
    ("chunks", "status", "error"),
    [((TOLD, CLOSE), 101, None), ((TOLD + CLOSE,), 101, None), ((TOLD,), 499, "client_gone")],
)
def test_who_hangs_up_after_the_close_frame_has_not_left(
    chunks: tuple[bytes, ...], status: int, error: str | None
) -> None:
    line = hung_up_after(*chunks)
    assert (line["status"], line["error"]) == (status, error)
    assert (line["tokens_input"], line["tokens_output"]) == (10, 4)
