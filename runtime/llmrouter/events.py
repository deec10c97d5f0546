"""Server-sent events on their way through: only whole events pass, and how the stream ended is known.

The bytes are those that came. An event is held back until it is complete, so that a stream that breaks
inside one can still end in an error event that clients understand.
"""

from __future__ import annotations

import re

_USAGE_ALONE = re.compile(rb'data: ?\{[^\r\n]*"choices": ?\[\][^\r\n]*"usage": ?\{[^\r\n]*(?:\r?\n){2}')
_LONGEST_EVENT = 8 << 20  # beyond this an event is passed on in pieces


class EventStream:
    """Watches one stream that ends in ``end``, if in anything.

    With ``strip_usage`` the event that tells the usage alone does not pass: the client did not ask for it.
    """

    def __init__(self, end: re.Pattern[bytes] | None, *, strip_usage: bool = False) -> None:
        self.done = False
        """Whether its end has passed."""
        self.usage_line: bytes | None = None
        """The last data line that told a usage."""
        self._end, self._strip, self._held = end, strip_usage, b""

    def feed(self, data: bytes) -> bytes:
        """Take what came; returns what may be passed on."""
        data = self._held + data if self._held else data
        end = max(data.rfind(b"\n\n") + 2, data.rfind(b"\r\n\r\n") + 4)
        if end < 4:  # found neither (-1 + 2, -1 + 4), or too short to be an event
            end = len(data) if len(data) > _LONGEST_EVENT else 0
        self._held = data[end:]
        return self._watched(data[:end])

    def finish(self) -> bytes:
        """The stream ended cleanly; returns what was held, unless it should have ended otherwise."""
        held, self._held = self._held, b""
        passed = self._watched(held)
        return passed if self.done or self._end is None else b""

    def _watched(self, data: bytes) -> bytes:
        if self._end is not None and not self.done:
            self.done = self._end.search(data) is not None
        at = data.rfind(b'"usage"')
        while at >= 0:
            line = data[data.rfind(b"\n", 0, at) + 1 : data.find(b"\n", at) % (len(data) + 1)]
            if b'"usage":null' not in line.replace(b" ", b""):
                self.usage_line = line.removeprefix(b"data:").strip()
                return _USAGE_ALONE.sub(b"", data) if self._strip else data
            at = data.rfind(b'"usage"', 0, at)
        return data
