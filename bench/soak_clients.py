"""The soak's traffic: clients that ask for everything, read on, break off and leave, and note what they saw."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
from serving import KEY
from soak_accounts import Seen
from soak_upstream import SoakUpstream

PATIENCE = 60.0  # seconds for any one request
_FAULTS = ("reset-ok", "500-ok", "503-429-ok", "429-ok", "500-500", "broken-ok")
_SHARES: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (30, "chat", ("ok",)),
    (25, "stream", ("ok",)),
    (8, "chat", (*_FAULTS, "stall-ok", "leave")),
    (12, "stream", ("reset-ok", "429-ok", "500-ok", "broken", "leave")),
    (8, "embed", ("ok", "ok", "reset-ok", "503-ok")),
    (4, "image", ("ok", "500-ok")),
    (6, "hear", ("ok", "ok", "reset-ok")),
    (4, "respond", ("ok", "429-ok")),
    (3, "respond-stream", ("ok", "broken")),
    (2, "state", ("ok", "ok", "500-500")),
    (3, "realtime", ("ok", "ok", "broken", "reset-ok")),
    (2, "refused", ("key", "model", "json")),
)
_PATHS = {"embed": "embeddings", "image": "images/generations", "hear": "audio/transcriptions", "respond": "responses"}
_MODELS = {"embed": "embed", "image": "image", "hear": "hear"}


class Clients:
    """Some clients that ask until told to stop."""

    def __init__(self, url: str, upstream: SoakUpstream, seed: int) -> None:
        self.seen: dict[str, Seen] = {}
        """By request id."""
        self.faults: list[str] = []
        """What no client may ever see."""
        self.stopping = asyncio.Event()
        self._url, self._upstream, self._random = url, upstream, random.Random(seed)
        self._numbers, self._kept = itertools.count(), ""

    async def run(self, count: int, rate: float) -> None:
        """So many at once, so many requests a second in all, until told to stop."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self._url, timeout=timeout, connector=connector) as session:
            await asyncio.gather(*(self._client(session, count / rate) for _ in range(count)))

    async def _client(self, session: aiohttp.ClientSession, pause: float) -> None:
        kinds: dict[str, Callable[[aiohttp.ClientSession, str], Awaitable[Seen]]] = {
            "realtime": self._realtime,
            "refused": self._refused,
            "state": self._state,
        }
        while not self.stopping.is_set():
            _, kind, plans = self._random.choices(_SHARES, [share for share, _, _ in _SHARES])[0]
            kind = "respond" if kind == "state" and not self._kept else kind
            base, _, stream = kind.partition("-")
            base, stream = ("chat", "stream") if base == "stream" else (base, stream)
            name = f"{next(self._numbers)}.{base}.{self._random.choice(plans)}"
            ask = kinds.get(base) or (self._streamed if stream else self._asked)
            try:
                self.seen[name] = await ask(session, name)
            except Exception as fault:  # whatever it is, it is told
                self.faults.append(f"{name}: {type(fault).__name__}: {fault}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), self._random.uniform(0, 2 * pause))

    def _request(self, name: str, stream: bool = False) -> tuple[str, dict[str, Any]]:
        """Path and arguments of a request."""
        kind = name.split(".")[1]
        headers = {"authorization": f"Bearer {KEY}", "x-request-id": name}
        path, model = f"/v1/{_PATHS.get(kind, 'chat/completions')}", _MODELS.get(kind, "chat")
        if kind == "hear":
            form = aiohttp.FormData({"model": model})
            form.add_field("file", b"RIFF" + bytes(2000), filename="a.wav")
            return path, {"data": form, "headers": headers}
        body = {"model": model, "input": "x"} if kind != "chat" else {"model": model, "messages": []}
        return path, {"json": body | ({"stream": True} if stream else {}), "headers": headers}

    async def _asked(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """A whole answer."""
        kind, leaves = name.split(".")[1], name.endswith("leave")
        path, arguments = self._request(name)
        if leaves:
            return await self._leaving(session, name, path, arguments)
        async with session.post(path, **arguments) as answer:
            data = await answer.json()
            if kind == "respond" and answer.status == 200:
                self._kept = data["id"]
            return Seen(kind, answer.status)

    async def _leaving(self, session: aiohttp.ClientSession, name: str, path: str, arguments: dict[str, Any]) -> Seen:
        """Gone before there is an answer, once the upstream was asked."""
        arrived = self._upstream.seen[name] = asyncio.Event()
        task = asyncio.ensure_future(session.post(path, **arguments))
        await asyncio.wait_for(arrived.wait(), PATIENCE)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        del self._upstream.seen[name]
        return Seen("chat", None, left=True)

    async def _streamed(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """A stream, read to its end or left after its first piece."""
        kind = name.split(".")[1]
        path, arguments = self._request(name, stream=True)
        async with session.post(path, **arguments) as answer:
            if name.endswith("leave") and answer.status == 200:
                await answer.content.readany()
                answer.close()
                return Seen(kind, 200, left=True)
            text = (await answer.read()).decode()
        if answer.status != 200:
            return Seen(kind, answer.status)
        if '"code": "stream_broken"' in text:
            return Seen(kind, 200, error="stream_broken")
        end = "data: [DONE]\n\n" if kind == "chat" else "event: response.completed"
        if end not in text:
            self.faults.append(f"{name}: a stream that is not complete and does not say so")
        return Seen(kind, 200)

    async def _state(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """About a response that an upstream keeps."""
        headers = {"authorization": f"Bearer {KEY}", "x-request-id": name}
        async with session.get(f"/v1/responses/{self._kept}", headers=headers) as answer:
            await answer.read()
            return Seen("state", answer.status)

    async def _realtime(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """Four turns of a session, if it lasts."""
        headers = {"authorization": f"Bearer {KEY}", "x-request-id": name}
        try:
            async with session.ws_connect("/v1/realtime?model=talk", headers=headers) as socket:
                for _ in range(4):
                    await socket.send_json({"type": "response.create"})
                    message = await socket.receive(PATIENCE)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    if json.loads(message.data)["type"] == "error":
                        return Seen("realtime", 101, error="stream_broken")
        except aiohttp.WSServerHandshakeError as refusal:
            return Seen("realtime", refusal.status)
        return Seen("realtime", 101)

    async def _refused(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """What the router itself refuses."""
        why = name.rpartition(".")[2]
        headers = {"authorization": f"Bearer {'nobody' if why == 'key' else KEY}", "x-request-id": name}
        body = b"{" if why == "json" else json.dumps({"model": "nothing" if why == "model" else "chat"}).encode()
        async with session.post("/v1/chat/completions", data=body, headers=headers) as answer:
            await answer.read()
            return Seen("refused", answer.status)
