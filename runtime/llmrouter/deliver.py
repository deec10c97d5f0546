"""Hands an upstream's reply to the client: bytes as they come, headers without those of the other connection.

A stream that is not complete never ends as if it were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

from llmrouter.errors import stream_broken
from llmrouter.events import EventStream
from llmrouter.exchange import Exchange
from llmrouter.operations import Operation
from llmrouter.record import Record
from llmrouter.reply import Reply
from llmrouter.state import told
from llmrouter.upstream import Answer, Headers, UpstreamFailure
from llmrouter.usage import reported

_NOT_FORWARDED = frozenset(
    # Of one connection alone, or said by this server itself.
    b"connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding upgrade "
    b"content-length date server x-request-id "
    # Meant for the router, or about the upstream's host.
    b"set-cookie set-cookie2 location www-authenticate strict-transport-security alt-svc".split()
)

_LINGER = 1.0  # seconds
_LIMITS = b"x-ratelimit-"  # where the router has limits of its own, an upstream's say nothing to the client


async def deliver(exchange: Exchange, reply: Reply, operation: Operation, own: Headers, record: Record) -> None:
    """Send the reply."""
    headers = forwarded(reply)
    if record.gate is not None and record.gate.admission is not None:
        headers = [each for each in headers if not each[0].startswith(_LIMITS)]
    headers += own
    if reply.rest is None:
        body = reply.head
        if reply.usage is not None:
            record.usage = reply.usage
            body = _told(body, operation, record)
        exchange.answer(reply.status, body, headers)
        record.complete = True
        return
    try:
        exchange.start(reply.status, headers)
        if reply.is_event_stream:
            await _events(exchange, reply, reply.rest, operation, record)
        else:
            await _bytes(exchange, reply.head, reply.rest, record)
    finally:
        reply.close()


def forwarded(reply: Reply, but: Collection[bytes] = ()) -> Headers:
    """The reply's headers that are the client's too, without some."""
    named = reply.header(b"connection").translate(None, b" \t").split(b",")
    return [
        each
        for each in reply.headers
        if each[0] not in _NOT_FORWARDED
        and each[0] not in named
        and each[0] not in but
        and not each[0].startswith(b"x-llmrouter-")
    ]


def _told(data: bytes, operation: Operation, record: Record) -> bytes:
    return told(data, record.candidate.endpoint) if operation.stateful and record.candidate else data


async def _events(exchange: Exchange, reply: Reply, rest: Answer, operation: Operation, record: Record) -> None:
    stream, data, broken = EventStream(operation.end, strip_usage=reply.strip_usage), reply.head, False
    try:
        while data:
            await exchange.write(_told(stream.feed(data), operation, record))
            record.complete = stream.done
            data = await (_last(rest) if stream.done else rest.read())
        await exchange.write(_told(stream.finish(), operation, record))
    except UpstreamFailure:
        broken = True
    finally:
        record.usage = reported(stream.usage_line)
    if operation.end is not None:
        # What counts is the upstream's own word that it is done, however the connection ended.
        broken = not stream.done
    if broken:
        error = stream_broken()
        record.error = error.code
        await exchange.write(b"data: " + error.body() + b"\n\n")
    exchange.end()
    record.complete = True


async def _last(rest: Answer) -> bytes:
    """What still follows the end of a stream; nobody waits long for an upstream that said all and does not end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            return await rest.read()
    return b""


async def _bytes(exchange: Exchange, head: bytes, rest: Answer, record: Record) -> None:
    """Opaque bytes. If they break off the answer is left unfinished, and its connection is dropped."""
    data = head
    try:
        while data:
            await exchange.write(data)
            data = await rest.read()
    except UpstreamFailure:
        record.error = stream_broken().code
        return
    exchange.end()
    record.complete = True
