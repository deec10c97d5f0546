"""Writes what one turn of the event loop has to say at the turn's end, back to back.

Whoever is written to wakes up once for a burst instead of once for every message, which otherwise costs more than
the message. What a single request has to say is written at once: nothing would come along with it. The order of what
goes through it is kept; nothing else may be written to the same transport meanwhile.
"""

from __future__ import annotations

import asyncio

_MOST = 64 << 10  # bytes to hold back: beyond, a transport must get to say that it is full


class Outbox:
    """The writes of one event loop."""

    def __init__(self) -> None:
        self.requests = 0
        """How many are being answered."""
        self._held: dict[asyncio.Transport, list[bytes]] = {}
        self._size = 0

    def put(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write soon."""
        if not self._held:
            if self.requests == 1:
                _write(transport, [data])
                return
            asyncio.get_running_loop().call_soon(self.flush)
        self._held.setdefault(transport, []).append(data)
        self._size += len(data)
        if self._size > _MOST:
            self.flush()

    def flush(self) -> None:
        """Write now."""
        held, self._held, self._size = self._held, {}, 0
        for transport, pieces in held.items():
            _write(transport, pieces)


def _write(transport: asyncio.Transport, pieces: list[bytes]) -> None:
    if not transport.is_closing():
        transport.writelines(pieces)
