"""A client's connection without a network, and requests on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from llmrouter.app import Router
from llmrouter.exchange import Exchange


class FakeWire:
    """A connection that remembers."""

    date = b""

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data

    async def drained(self) -> None: ...

    def hold(self, held: bool) -> None: ...

    def switched(self, received: Callable[[bytes], None]) -> None: ...


def asked(path: str, body: Any = None, headers: Mapping[str, str] | None = None, method: str = "POST") -> Exchange:
    """A request that came whole."""
    exchange = Exchange(FakeWire())
    exchange.method, exchange.target = method.encode(), path.encode()
    exchange.headers = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    exchange.fed(json.dumps(body).encode() if body is not None else b"")
    exchange.wake(complete=True)
    return exchange


async def told(router: Router, exchange: Exchange) -> tuple[int | None, dict[str, str], bytes]:
    """Status, headers and body of what a router answers."""
    await router(exchange)
    wire = exchange._wire
    assert isinstance(wire, FakeWire)
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return exchange.status, {name: value for name, _, value in lines}, body
