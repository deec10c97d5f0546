"""Writes what one turn of the event loop has to say at the turn's end, back to back.

Whoever is written to wakes up once for a burst instead of once for every message, which otherwise costs more than
the message. It keeps the order of what goes through it; nothing else may be written to the same transport meanwhile.
"""

from __future__ import annotations

import asyncio

_MOST = 64 << 10  # bytes to hold back: beyond, a transport must get to say that it is full


class Outbox:
    """The writes of one event loop."""

    def __init__(self) -> None:
        self._held: list[tuple[asyncio.Transport, bytes]] = []
        self._size = 0

    def put(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write soon."""
        if not self._held:
            asyncio.get_running_loop().call_soon(self.flush)
        self._held.append((transport, data))
        self._size += len(data)
        if self._size > _MOST:
            self.flush()

    def flush(self) -> None:
        """Write now."""
        held, self._held, self._size = self._held, [], 0
        for transport, data in held:
            if not transport.is_closing():
                transport.write(data)
