"""The few HTTP needs of the ASGI app: a bounded body, plain answers, and noticing that a client has left."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from llmrouter.errors import ApiError, too_large

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_DRAIN_TIMES = 4  # how far over the limit a body is still read, so that its sender gets to see the answer


class ClientGoneError(Exception):
    """The client closed its connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    headers: Headers
    receive: Receive
    request_id: str

    @classmethod
    def of(cls, scope: Mapping[str, Any], receive: Receive) -> Request:
        """From ASGI; a usable x-request-id is kept, otherwise one is made."""
        headers: Headers = scope["headers"]
        given = next((value for name, value in headers if name == b"x-request-id"), b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        return cls(scope["method"], scope["path"], headers, receive, request_id)

    def header(self, name: bytes) -> str | None:
        """The first value of a header."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), None)

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises ApiError 413 or ClientGoneError."""
        chunks, size, more = [], 0, True
        while more and size <= limit * _DRAIN_TIMES:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            data, more = message.get("body", b""), message.get("more_body", False)
            size += len(data)
            if size <= limit:
                chunks.append(data)
            else:
                chunks.clear()
        if size > limit:
            raise too_large(limit)
        return b"".join(chunks)


@asynccontextmanager
async def cancelled_when_gone(receive: Receive) -> AsyncIterator[None]:
    """Cancels what runs inside when the client leaves, and raises ClientGoneError in its place."""
    task = asyncio.current_task()
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        if task is not None:
            task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if gone and task is not None and task.uncancel() == 0:
            raise ClientGoneError from None
        raise
    finally:
        watcher.cancel()


async def answer(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """A whole answer at once; JSON unless the headers say otherwise."""
    fields = [*headers, (b"content-length", str(len(body)).encode())]
    if not any(name == b"content-type" for name, _ in fields):
        fields.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def answer_error(send: Send, error: ApiError, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """An error of the router's own."""
    own = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    await answer(send, error.status, error.body(), [*headers, *own])
