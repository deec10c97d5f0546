"""Tries the candidates of one request in order until one answers.

It moves on only while the client has not been sent a byte: on no connection, no answer in time, a broken
answer, a redirect, 408, 429, 5xx and a deployment that does not exist. Every other answer is the client's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmrouter.entities import Candidate
from llmrouter.errors import upstream_failed
from llmrouter.operations import Operation
from llmrouter.payload import Payload
from llmrouter.record import Record
from llmrouter.tokens import TokenError, Tokens
from llmrouter.upstream import Answer, Headers, TimeLimits, Upstream, UpstreamFailure, UpstreamRequest

_HELD_BYTES = 8 << 20  # a JSON answer up to this size is whole before the client sees any of it
_MOVE_ON = frozenset({408, 429})


@dataclass(slots=True)
class Reply:
    """An upstream's answer: its first bytes, and the rest where it is still coming."""

    status: int
    headers: Headers
    head: bytes
    rest: Answer | None

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
    payload: Payload
    headers: Mapping[str, str]
    """The headers that go along; never the client's credentials."""


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
        body = call.payload.for_upstream(candidate, record.snapshot.models[candidate.model].default_params)
        headers = {**call.headers, **endpoint.auth_headers(token)}
        url = candidate.url(call.operation.path)
        answer = await self.upstream.send(UpstreamRequest(url, headers, body, limits))
        try:
            return await _begun(answer)
        except BaseException:
            answer.close()
            raise


async def _begun(answer: Answer) -> Reply:
    """The reply with its first bytes: all of a JSON answer or of an error, the first chunk of anything else."""
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
    if not 200 <= reply.status < 300 and reply.status < 400:
        return f"answered {reply.status}, which is never followed"
    if reply.is_event_stream and not reply.head:
        return "ended its stream before the first event"
    return None
