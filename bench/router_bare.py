"""The control of bench/router.py: the least that uvicorn and aiohttp do to pass one POST on, nothing else."""

from __future__ import annotations

import os
from typing import Any

import aiohttp

_UPSTREAM = os.environ["BARE_UPSTREAM"]
_held: dict[str, aiohttp.ClientSession] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """One ASGI connection."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if not _held:
        connector = aiohttp.TCPConnector(limit=0)
        _held["session"] = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    headers = {"content-type": "application/json"}
    async with _held["session"].post(_UPSTREAM, data=body, headers=headers) as answer:
        data = await answer.read()
    fields = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": data})
