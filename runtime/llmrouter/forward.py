"""Tries the candidates of one request in order until one answers.

It moves on only while the client has not been sent a byte: on no connection, no answer in time, a broken answer, a
redirect, 408, 429, 5xx and a deployment that does not exist; to other models where one's context window or content
policy refused. Every other answer is the client's.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from llmrouter.entities import Candidate, Endpoint
from llmrouter.errors import ApiError, all_resting, upstream_failed
from llmrouter.gate import Gate
from llmrouter.health import Health, asked_seconds
from llmrouter.operations import Operation
from llmrouter.payload import Body
from llmrouter.record import Record
from llmrouter.reply import Reply, begun, detour, problem
from llmrouter.resolve import detours
from llmrouter.tokens import TokenError, Tokens
from llmrouter.upstream import TimeLimits, Upstream, UpstreamFailure, UpstreamRequest

_USAGE_SINCE = "2024-09-01"  # the first API version that knows stream_options; words such as preview are later
_ASKING: Mapping[str, bytes] = {"stream_options": b'{"include_usage":true}'}


@dataclass(slots=True)
class Call:
    """One request on its way upstream."""

    operation: Operation
    headers: Mapping[str, str]
    """The headers that go along; never the client's credentials."""
    body: Body | None = None
    method: str = "POST"
    suffix: str = ""
    """What stands behind the operation in the path."""
    query: str = ""
    """What is asked of the upstream besides its API version."""

    def url(self, candidate: Candidate) -> str:
        """Where a candidate takes it."""
        url = candidate.url(self.operation.path)
        if not self.suffix and not self.query:
            return url
        path, _, version = url.partition("?")
        query = "&".join(each for each in (version, self.query) if each)
        return f"{path}{self.suffix}?{query}" if query else path + self.suffix

    def asks_usage(self, endpoint: Endpoint) -> bool:
        """Whether the router asks for the usage of a stream, because the client did not."""
        asks = self.operation.asks_usage and self.body is not None and self.body.streams
        return asks and (endpoint.path_style == "openai" or (endpoint.version or "") >= _USAGE_SINCE)


@dataclass(slots=True)
class _Route:
    """Where one request may still go, and where it was."""

    fresh: deque[Candidate]
    put_off: tuple[tuple[float, Candidate], ...] = ()
    """Those that rest, and from when on they may be tried all the same."""
    tried_again: tuple[Candidate, ...] = ()
    refusing: frozenset[str] = frozenset()
    """Models that refused for a reason that another one may not have."""
    waited: float = 0.0
    last: tuple[Candidate, Reply] | None = None
    refusal: ApiError | None = None
    """Of limits or budgets."""
    problems: tuple[str, ...] = ()

    def refused(self, source: str, refusal: ApiError) -> None:
        """Traffic of this source may not pass."""
        self.refusal = refusal
        self.fresh = deque(each for each in self.fresh if each.endpoint.source != source)
        self.put_off = tuple(each for each in self.put_off if each[1].endpoint.source != source)

    def failed(self, candidate: Candidate, reply: Reply, problem: str) -> None:
        """Note a reply that is not the client's, unless it is the last."""
        self.problems += (f"{candidate.endpoint.name}: {problem}",)
        reply.close()
        if reply.rest is None and reply.status >= 400:
            self.last = candidate, reply


@dataclass(frozen=True, slots=True)
class Forwarder:
    """What forwarding needs, the same for every request."""

    upstream: Upstream
    tokens: Tokens
    limits: TimeLimits
    health: Health
    retry_budget: float
    """Seconds that one request may spend on waiting for endpoints that asked for patience."""

    async def forward(self, candidates: Iterable[Candidate], call: Call, record: Record) -> Reply:
        """The first answer that is the client's, else the last that any upstream gave, else an ApiError.

        The last answer is the most useful of the failures: it says what to do, with its Retry-After.
        """
        route = _Route(deque(candidates))
        while (candidate := await self._next(route, record)) is not None:
            if record.gate is not None and not await self._let_in(record.gate, candidate, route):
                continue
            record.candidate = candidate
            asked_at = time.perf_counter()
            try:
                reply = await self._attempt(candidate, call, record)
            except (UpstreamFailure, TokenError) as failure:
                self.health.failed(candidate, "failure")
                record.problems.append(
                    (candidate.endpoint.name, "token" if isinstance(failure, TokenError) else "lost")
                )
                route.problems += (f"{candidate.endpoint.name}: {failure}",)
                continue
            except BaseException:
                self.health.left(candidate)
                raise
            finally:
                record.waited += time.perf_counter() - asked_at
            if self._is_final(reply, candidate, call, route, record):
                return reply
        if route.last is not None:
            record.candidate, reply = route.last
            return reply
        if route.problems:
            raise upstream_failed(route.problems)
        if route.refusal is not None:
            raise route.refusal
        raise all_resting(min(self.health.wait(each) for _, each in route.put_off))

    async def _let_in(self, gate: Gate, candidate: Candidate, route: _Route) -> bool:
        """Whether limits and budgets let a candidate be tried. Else none of its kind is."""
        try:
            await gate.admit(candidate)
        except ApiError as refusal:
            self.health.left(candidate)
            route.refused(candidate.endpoint.source, refusal)
            return False
        except BaseException:
            self.health.left(candidate)
            raise
        return True

    async def _next(self, route: _Route, record: Record) -> Candidate | None:
        """Whom to try next: all that do not rest, then those that do, as far as the time for waiting goes."""
        while route.fresh:
            candidate = route.fresh.popleft()
            if self.health.ready(candidate):
                return candidate
            route.put_off += ((asyncio.get_running_loop().time() + self.health.wait(candidate), candidate),)
        if not route.put_off:
            return None
        soonest = min(route.put_off, key=lambda each: each[0])
        wait = max(0.0, soonest[0] - asyncio.get_running_loop().time())
        if route.waited + wait > self.retry_budget:
            return None
        route.waited += wait
        record.waited += wait
        await asyncio.sleep(wait)
        route.put_off = tuple(each for each in route.put_off if each is not soonest)
        return soonest[1]

    def _is_final(self, reply: Reply, candidate: Candidate, call: Call, route: _Route, record: Record) -> bool:
        """Whether a reply is the client's. If not, the route is prepared for what comes next."""
        found = problem(reply, call.method)
        if found is None:
            self.health.worked(candidate)
            return not self._is_detoured(reply, candidate, route, record)
        asked = asked_seconds(reply.header(b"retry-after-ms"), reply.header(b"retry-after"))
        kind, why = found
        self.health.failed(candidate, kind, asked)
        record.problems.append((candidate.endpoint.name, str(reply.status)))
        route.failed(candidate, reply, why)
        if kind == "quota" and asked is not None and candidate not in route.tried_again:
            route.tried_again += (candidate,)
            route.put_off += ((asyncio.get_running_loop().time() + asked, candidate),)
        return False

    def _is_detoured(self, reply: Reply, candidate: Candidate, route: _Route, record: Record) -> bool:
        """Whether another model is to take what this one refused; nobody else is asked then."""
        why = detour(reply)
        if why is None:
            return False
        route.refusing |= {candidate.model}
        found = detours(record.snapshot, candidate.model, why, record.key, route.refusing)
        if found:
            route.fresh, route.put_off = deque(found), ()
            route.failed(candidate, reply, f"refused by its {why}")
        return bool(found)

    async def _attempt(self, candidate: Candidate, call: Call, record: Record) -> Reply:
        record.attempts += 1
        endpoint = candidate.endpoint
        grant = endpoint.oauth if endpoint.auth_kind == "oauth" else None
        token = await self.tokens.get(grant) if grant else None
        reply = await self._send(candidate, call, token, record)
        if reply.status == 401 and grant and token:
            self.tokens.reject(grant, token)
            reply.close()
            token = await self.tokens.get(grant)
            record.attempts += 1
            reply = await self._send(candidate, call, token, record)
        return reply

    async def _send(self, candidate: Candidate, call: Call, token: str | None, record: Record) -> Reply:
        endpoint, limits = candidate.endpoint, self.limits
        if endpoint.timeout_seconds is not None:
            limits = replace(limits, first_byte=endpoint.timeout_seconds)
        model, asks_usage = record.snapshot.models[candidate.model], call.asks_usage(endpoint)
        defaults = {**model.defaults, **_ASKING} if asks_usage else model.defaults
        body = call.body.for_upstream(candidate, defaults) if call.body else b""
        headers = {**call.headers, **endpoint.auth_headers(token)}
        answer = await self.upstream.send(UpstreamRequest(call.url(candidate), headers, body, limits, call.method))
        try:
            reply = await begun(answer)
        except BaseException:
            answer.close()
            raise
        if reply.status >= 400:
            reply.hide(token or (endpoint.api_key.reveal() if endpoint.api_key else ""))
        reply.strip_usage = asks_usage
        return reply
