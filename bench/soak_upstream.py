"""The soak's upstream: every operation on five endpoints and a token endpoint of one host, faults as ids ask for them.

It notes which request came where, what became of it there, what usage it told, and whatever it should not have been
sent. What is answered stands in soak_answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from weakref import WeakSet

import soak_answers
from aiohttp import web
from soak_isolation import Asked, strange
from soak_noted import Arrival, Told
from soak_plan import KINDS, Plan
from soak_tokens import TokenEndpoint


class SoakUpstream:
    """One server; its endpoints are folders."""

    def __init__(self) -> None:
        self.tokens = TokenEndpoint()
        self.told: dict[str, list[Told]] = defaultdict(list)
        self.arrivals: dict[str, list[Arrival]] = defaultdict(list)
        self.wrong: list[str] = []
        """What it should not have been sent."""
        self.most_at_once: Counter[str] = Counter()
        """By router key: as far as it is certain that the router was busy with all of them."""
        self.seen: dict[str, asyncio.Event] = {}
        """Set once a request that a client wants to leave has arrived."""
        self.url = ""
        self._running: Counter[str] = Counter()
        self._used: WeakSet[asyncio.BaseTransport] = WeakSet()

    async def start(self) -> None:
        """Listen on loopback."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/login/token", self._login)
        app.router.add_route("*", "/{endpoint}/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._runner.server.connections) if self._runner.server else 0

    async def _login(self, request: web.Request) -> web.StreamResponse:
        answer = await self.tokens.handle(request, self._is_used(request))
        return soak_answers.cut(request) if answer is None else answer

    def _is_used(self, request: web.Request) -> bool:
        """Whether its connection has served before: what is lost there without a word is sent again."""
        transport = request.transport
        used = transport in self._used if transport is not None else False
        if transport is not None:
            self._used.add(transport)
        return used

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name, endpoint = request.headers["x-request-id"], request.match_info["endpoint"]
        plan, arrival = Plan.read(name), Arrival(endpoint)
        used, body = self._is_used(request), b"" if request.headers.get("upgrade") else await request.read()
        asked = Asked(name, endpoint, request.headers, request.match_info["rest"], request.query_string, body)
        self.wrong += strange(asked)
        turn = sum(each.outcome != "401" for each in self.arrivals[name])
        self.arrivals[name].append(arrival)
        if endpoint in ("east", "west") and not self.tokens.is_good(endpoint, request.headers.get("authorization")):
            arrival.outcome = "401"
            return _refused(401)
        arrival.outcome = step = plan.steps[min(turn, len(plan.steps) - 1)]
        arrival.resent = used and step == "reset"
        if name in self.seen:
            self.seen[name].set()
        if step.isdigit():
            return _refused(int(step))
        if step == "reset":
            return soak_answers.cut(request)
        return await self._answered(request, asked, step)

    async def _answered(self, request: web.Request, asked: Asked, step: str) -> web.StreamResponse:
        kind, key = asked.plan.kind, asked.plan.key
        if step == "stall":
            await asyncio.sleep(soak_answers.STALL)
        told, noted = Told(asked.endpoint), False

        def note(tokens: dict[str, int]) -> None:
            nonlocal noted
            if not noted:
                self.told[asked.name].append(told)
                self._running[key] -= 1  # the router is still busy with it, whatever comes first to its end
            noted = True
            told.tokens.update(tokens)

        self._running[key] += 1
        self.most_at_once[key] = max(self.most_at_once[key], self._running[key])
        try:
            if kind == "realtime":
                return await soak_answers.realtime(request, asked, step, note)
            if kind == "speech":
                return await soak_answers.speech(request, asked, step)
            answer = soak_answers.stream if KINDS[kind].streams else soak_answers.whole
            return await answer(request, asked, step, note)
        finally:
            self._running[key] -= not noted


def _refused(status: int) -> web.Response:
    headers = {"retry-after-ms": "50"} if status == 429 else {}
    return web.json_response({"error": {"message": str(status), "code": "standin"}}, status=status, headers=headers)
