"""The soak's traffic: clients that ask for everything, read on, break off and leave, and note what they saw."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import aiohttp
from soak_accounts import UNREADABLE
from soak_documents import MINUTE_LIMIT
from soak_noted import Seen
from soak_plan import KINDS, MIX, OPENING, Plan, content
from soak_requests import headers_of, path_of, request_of
from soak_upstream import SoakUpstream

PATIENCE = 120.0  # seconds for any one request
_PIECES = re.compile(r'"(?:content|text)": "([^"]*)"')
_OURS = re.compile(r"The (limit|budget) of ")


class Clients:
    """Some clients that ask until told to stop."""

    def __init__(self, url: str, upstream: SoakUpstream, seed: int) -> None:
        self.seen: dict[str, Seen] = {}
        """By request id."""
        self.faults: list[str] = []
        """What no client may ever see."""
        self.stopping = asyncio.Event()
        self._url, self._upstream, self._random = url, upstream, random.Random(seed)
        self._numbers, self._opening, self._kept = itertools.count(), iter(OPENING), ""

    async def run(self, count: int, rate: float) -> None:
        """So many at once, so many requests a second in all, until told to stop."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self._url, timeout=timeout, connector=connector) as session:
            await asyncio.gather(*(self._client(session, count / rate) for _ in range(count)))

    async def _client(self, session: aiohttp.ClientSession, pause: float) -> None:
        while not self.stopping.is_set():
            name = self._drawn()
            began = time.time()
            try:
                seen = await self._ask(name)(session, name)
                self.seen[name] = replace(seen, began=began, ended=time.time())
            except Exception as fault:  # whatever it is, it is told
                self.faults.append(f"{name}: {type(fault).__name__}: {fault}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), self._random.uniform(0, 2 * pause))

    def _drawn(self) -> str:
        """The next request's id."""
        drawn = self._random.choices(MIX, [share for share, *_ in MIX])[0]
        _, key, kind, plans = next(self._opening, drawn)
        plan = self._random.choice(plans)
        if kind == "state" and not self._kept:
            kind, plan = "respond", "ok"
        return f"{next(self._numbers)}.{key}.{kind}.{plan}"

    def _ask(self, name: str) -> Callable[[aiohttp.ClientSession, str], Awaitable[Seen]]:
        kind = Plan.read(name).kind
        others = {"realtime": self._realtime, "refused": self._refused, "state": self._state, "speech": self._speech}
        return others.get(kind) or (self._streamed if KINDS[kind].streams else self._whole)

    async def _whole(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """A whole answer of JSON."""
        kind = Plan.read(name).kind
        path, arguments = request_of(name)
        if name.endswith("leave"):
            return await self._leaving(session, name, path, arguments)
        async with session.post(path, **arguments) as answer:
            data = await answer.json()
            if answer.status != 200:
                return self._failed(name, answer, data)
            if kind == "respond":
                self._kept = data["id"]
            elif data["id"] != name:
                self.faults.append(f"{name}: got the answer of {data['id']}")
            self._told_of_limits(name, answer.headers)
            return Seen(kind, 200)

    def _failed(self, name: str, answer: aiohttp.ClientResponse, data: Mapping[str, Any]) -> Seen:
        """An error, which tells when to come again where a limit or a budget is reached."""
        error = data["error"]
        refused = answer.status == 429 and _OURS.match(error["message"]) is not None
        if refused and not answer.headers.get("retry-after", "").isdecimal():
            self.faults.append(f"{name}: refused, with the Retry-After {answer.headers.get('retry-after')}")
        if refused:
            self._told_of_limits(name, answer.headers)
        return Seen(Plan.read(name).kind, answer.status, error=error["code"], refused=refused)

    def _told_of_limits(self, name: str, headers: Mapping[str, str]) -> None:
        told = headers.get("x-ratelimit-limit-requests")
        if told != (str(MINUTE_LIMIT) if Plan.read(name).key == "minute" else None):
            self.faults.append(f"{name}: told of {told} requests a minute")

    async def _leaving(self, session: aiohttp.ClientSession, name: str, path: str, arguments: dict[str, Any]) -> Seen:
        """Gone before there is an answer, once the upstream was asked."""
        arrived = self._upstream.seen[name] = asyncio.Event()
        task = asyncio.ensure_future(session.post(path, **arguments))
        await asyncio.wait_for(arrived.wait(), PATIENCE)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        del self._upstream.seen[name]
        return Seen(Plan.read(name).kind, None, left=True)

    async def _ended_early(self, name: str, answer: aiohttp.ClientResponse) -> Seen | None:
        """An answer that is an error, or that is left after its first piece."""
        if answer.status != 200:
            return self._failed(name, answer, await answer.json())
        if not name.endswith("leave"):
            return None
        await answer.content.readany()
        answer.close()
        return Seen(Plan.read(name).kind, 200, left=True)

    async def _streamed(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """A stream, read to its end or left after its first piece."""
        kind = Plan.read(name).kind
        path, arguments = request_of(name)
        async with session.post(path, **arguments) as answer:
            if early := await self._ended_early(name, answer):
                return early
            text = (await answer.read()).decode()
        if set(_PIECES.findall(text)) - {name}:
            self.faults.append(f"{name}: got pieces of {set(_PIECES.findall(text))}")
        if '"code": "stream_broken"' in text:
            return Seen(kind, 200, error="stream_broken")
        end = "event: response.completed" if kind == "respond_stream" else "data: [DONE]\n\n"
        if end not in text:
            self.faults.append(f"{name}: a stream that is not complete and does not say so")
        return Seen(kind, 200)

    async def _speech(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """Bytes, to their end, or to where they are cut off or left."""
        path, arguments = request_of(name)
        async with session.post(path, **arguments) as answer:
            if early := await self._ended_early(name, answer):
                return early
            try:
                data = await answer.read()
            except aiohttp.ClientPayloadError:
                return Seen("speech", 200, error="stream_broken")
        if data != content(name):
            self.faults.append(f"{name}: got {len(data)} bytes that are not the ones")
        return Seen("speech", 200)

    async def _state(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """About a response that an upstream keeps."""
        async with session.get(path_of(name, self._kept), headers=headers_of(name)) as answer:
            data = await answer.json()
            return Seen("state", 200) if answer.status == 200 else self._failed(name, answer, data)

    async def _realtime(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """Four turns of a session, if it lasts."""
        try:
            async with session.ws_connect(path_of(name), headers=headers_of(name)) as socket:
                for _ in range(4):
                    await socket.send_json({"type": "response.create"})
                    message = await socket.receive(PATIENCE)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    data = json.loads(message.data)
                    if data["type"] == "error":
                        return Seen("realtime", 101, error="stream_broken")
                    if data["response"]["id"] != name:
                        self.faults.append(f"{name}: got what {data['response']['id']} was told")
        except aiohttp.WSServerHandshakeError as refusal:
            return Seen("realtime", refusal.status, error=UNREADABLE)
        return Seen("realtime", 101)

    async def _refused(self, session: aiohttp.ClientSession, name: str) -> Seen:
        """What the router itself refuses."""
        why = Plan.read(name).steps[0]
        headers = headers_of(name, "nobody" if why == "key" else None)
        body = b"{" if why == "json" else json.dumps({"model": "nothing" if why == "model" else "chat"}).encode()
        async with session.post("/v1/chat/completions", data=body, headers=headers) as answer:
            return self._failed(name, answer, await answer.json())
