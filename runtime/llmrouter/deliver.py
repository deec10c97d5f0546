"""Hands an upstream's reply to the client: bytes as they come, headers without those of the other connection.

A stream that is not complete never ends as if it were.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmrouter.asgi import Headers, Send, answer
from llmrouter.errors import stream_broken
from llmrouter.events import EventStream
from llmrouter.forward import Reply
from llmrouter.operations import Operation
from llmrouter.upstream import Answer, UpstreamFailure
from llmrouter.usage import UNKNOWN, Reported, reported

_NOT_FORWARDED = frozenset(
    # Of one connection alone, or said by this server itself.
    b"connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding upgrade "
    b"content-length date server x-request-id "
    # Meant for the router, or about the upstream's host.
    b"set-cookie set-cookie2 location www-authenticate strict-transport-security alt-svc".split()
)


@dataclass(slots=True)
class Delivery:
    """How it went; filled in on the way, so that it holds when the client leaves in the middle."""

    usage: Reported = UNKNOWN
    complete: bool = False
    """Whether the client was sent all there was to say."""
    error: str | None = None
    """A code of ours where the reply broke off."""


async def deliver(send: Send, reply: Reply, operation: Operation, own: Headers, delivery: Delivery) -> None:
    """Send the reply."""
    headers = [*_forwarded(reply), *own]
    if reply.rest is None:
        if not reply.header(b"content-encoding"):
            delivery.usage = reported(reply.head)
        await answer(send, reply.status, reply.head, headers)
        delivery.complete = True
        return
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.is_event_stream:
            await _events(send, reply.head, reply.rest, operation, delivery)
        else:
            await _bytes(send, reply.head, reply.rest, delivery)
    finally:
        reply.close()


def _forwarded(reply: Reply) -> Headers:
    named = {token.strip().lower() for token in reply.header(b"connection").split(b",")}
    found = ((name.lower(), value) for name, value in reply.headers)
    return [
        (name, value)
        for name, value in found
        if name not in _NOT_FORWARDED and name not in named and not name.startswith(b"x-llmrouter-")
    ]


async def _events(send: Send, head: bytes, rest: Answer, operation: Operation, delivery: Delivery) -> None:
    stream, data, error = EventStream(), head, None
    try:
        while data:
            await _chunk(send, stream.feed(data))
            delivery.complete = stream.done
            data = await rest.read()
        await _chunk(send, stream.finish(operation.ends_with_done))
    except UpstreamFailure:
        error = stream_broken()
    finally:
        delivery.usage = reported(stream.usage_line)
    if operation.ends_with_done:
        # What counts is the upstream's own word that it is done, however the connection ended.
        error = None if stream.done else stream_broken()
    delivery.error = error.code if error else None
    await send({"type": "http.response.body", "body": b"data: " + error.body() + b"\n\n" if error else b""})
    delivery.complete = True


async def _bytes(send: Send, head: bytes, rest: Answer, delivery: Delivery) -> None:
    """Opaque bytes. If they break off the answer is left unfinished, and the server drops the connection."""
    data = head
    try:
        while data:
            await _chunk(send, data)
            data = await rest.read()
    except UpstreamFailure:
        delivery.error = stream_broken().code
        return
    await send({"type": "http.response.body", "body": b""})
    delivery.complete = True


async def _chunk(send: Send, data: bytes) -> None:
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})
