"""Every call in the order of its arrival, as data; of a payload its size only. May append to a file of JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(slots=True)
class Call:
    """One call. ``version`` is what the request names, for AddSecretVersion the number that it got.

    ``status`` is OK, an error's, or DROPPED where the connection was cut; ``committed`` says whether the store changed,
    whatever the caller was told. ``at`` is seconds since the epoch, ``size`` the bytes of a payload sent or asked for.
    """

    number: int
    at: float
    method: str
    caller: str
    is_write: bool
    secret: str = ""
    version: str = ""
    size: int | None = None
    status: str = "OK"
    committed: bool = False


class Journal:
    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._calls: list[Call] = []

    def add(self, call: Call) -> None:
        """When the call ends, before its reply leaves."""
        self._calls.append(call)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(call)) + "\n")

    @property
    def calls(self) -> list[Call]:
        """Those that ended, by number."""
        return sorted(self._calls, key=lambda call: call.number)

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.is_write]

    def of(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def clear(self) -> None:
        """Forgets the calls so far; numbers go on."""
        self._calls.clear()
