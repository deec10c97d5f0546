"""Tries the candidates of one request in order until one answers.

It moves on only while the client has not been sent a byte: on no connection, no answer in time, a broken
answer, a redirect, 408, 429, 5xx and a deployment that does not exist. Every other answer is the client's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmrouter.entities import Candidate, Endpoint
from llmrouter.errors import upstream_failed
from llmrouter.operations import Operation
from llmrouter.payload import Body
from llmrouter.record import Record
from llmrouter.tokens import TokenError, Tokens
from llmrouter.upstream import Answer, Headers, TimeLimits, Upstream, UpstreamFailure, UpstreamRequest

_HELD_BYTES = 8 << 20  # a JSON answer up to this size is whole before the client sees any of it
_MOVE_ON = frozenset({408, 429})
_USAGE_SINCE = "2024-09-01"  # the first API version that knows stream_options; words such as preview are later
_ASKING: Mapping[str, Any] = {"stream_options": {"include_usage": True}}


@dataclass(slots=True)
class Reply:
    """An upstream's answer: its first bytes, and the rest where it is still coming."""

    status: int
    headers: Headers
    head: bytes
    rest: Answer | None
    strip_usage: bool = False
    """Whether its usage was asked for by the router alone."""

    def header(self, name: bytes) -> bytes:
        """A header's value in lower case; empty where it is missing."""
        for key, value in self.headers:
            if key == name:
                return value.strip().lower()
        return b""

    @property
    def is_event_stream(self) -> bool:
        """Whether it is a stream of server-sent events that can be read on its way."""
        kind, encoding = self.header(b"content-type"), self.header(b"content-encoding")
        return kind.startswith(b"text/event-stream") and encoding in (b"", b"identity")

    def close(self) -> None:
        """Give up the rest."""
        if self.rest is not None:
            self.rest.close()


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Forwarder:
    """What forwarding needs, the same for every request."""

    upstream: Upstream
    tokens: Tokens
    limits: TimeLimits

    async def forward(self, candidates: tuple[Candidate, ...], call: Call, record: Record) -> Reply:
        """The first answer that is the client's, else the last that any upstream gave, else ApiError 502.

        The last answer is the most useful of the failures: it says what to do, with its Retry-After.
        """
        last: tuple[Candidate, Reply] | None = None
        for candidate in candidates:
            try:
                reply = await self._attempt(candidate, call, record)
            except (UpstreamFailure, TokenError) as failure:
                record.problems.append(f"{candidate.endpoint.name}: {failure}")
                continue
            problem = _problem(reply)
            if problem is None:
                return reply
            record.problems.append(f"{candidate.endpoint.name}: {problem}")
            reply.close()
            if reply.rest is None and reply.status >= 400:
                last = candidate, reply
        if last is None:
            raise upstream_failed(record.problems)
        record.candidate, reply = last
        return reply

    async def _attempt(self, candidate: Candidate, call: Call, record: Record) -> Reply:
        record.candidate = candidate
        record.attempts += 1
        grant = candidate.endpoint.oauth if candidate.auth_kind == "oauth" else None
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
        defaults = {**model.default_params, **_ASKING} if asks_usage else model.default_params
        body = call.body.for_upstream(candidate, defaults) if call.body else b""
        headers = {**call.headers, **endpoint.auth_headers(token)}
        answer = await self.upstream.send(UpstreamRequest(call.url(candidate), headers, body, limits, call.method))
        try:
            reply = await _begun(answer)
        except BaseException:
            answer.close()
            raise
        reply.strip_usage = asks_usage
        return reply


async def _begun(answer: Answer) -> Reply:
    """The reply with its first bytes: all of a JSON answer or of an error, the first chunk of anything else."""
    if answer.status == 101:
        return Reply(101, answer.headers, b"", answer)
    reply = Reply(answer.status, answer.headers, await answer.read(), answer)
    whole = answer.status >= 400 or reply.header(b"content-type").startswith(b"application/json")
    if not whole and reply.head:
        return reply
    chunks, size = [reply.head], len(reply.head)
    while size < _HELD_BYTES:
        data = await answer.read() if chunks[-1] else b""
        if not data:
            reply.rest = None
            break
        chunks.append(data)
        size += len(data)
    reply.head = b"".join(chunks)
    return reply


def _problem(reply: Reply) -> str | None:
    """Why another endpoint should be asked; None: this answer is the client's."""
    if reply.status >= 500 or reply.status in _MOVE_ON:
        return f"answered {reply.status}"
    if reply.status == 404 and b"DeploymentNotFound" in reply.head:
        return "has no such deployment"
    if not 200 <= reply.status < 300 and reply.status < 400 and reply.status != 101:
        return f"answered {reply.status}, which is never followed"
    if reply.is_event_stream and not reply.head:
        return "ended its stream before the first event"
    return None
