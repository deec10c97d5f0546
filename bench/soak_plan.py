"""The soak's traffic: what is asked for, how often, by whose key, and what is to happen to it on its way.

All of it is written in the request's id, which both sides see: ``17.soak.chat.reset-ok`` is request 17, by the key
``soak``, a chat whose first attempt is reset and whose next one is answered. Pure.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple


class Kind(NamedTuple):
    """One thing to ask for."""

    model: str
    path: str
    streams: bool = False


KINDS = {
    "chat": Kind("chat", "chat/completions"),
    "stream": Kind("chat", "chat/completions", True),
    "complete": Kind("chat", "completions"),
    "complete_stream": Kind("chat", "completions", True),
    "embed": Kind("embed", "embeddings"),
    "image": Kind("image", "images/generations"),
    "speech": Kind("speech", "audio/speech"),
    "hear": Kind("hear", "audio/transcriptions"),
    "rerank": Kind("rerank", "rerank"),
    "respond": Kind("chat", "responses"),
    "respond_stream": Kind("chat", "responses", True),
    "state": Kind("chat", "responses"),
    "realtime": Kind("talk", "realtime"),
    "own": Kind("own", "chat/completions"),
    "own_stream": Kind("own", "chat/completions", True),
    "refused": Kind("chat", "chat/completions"),
}
_FAULTS = ("reset-ok", "500-ok", "503-429-ok", "429-ok", "500-500", "broken-ok")
MIX: tuple[tuple[int, str, str, tuple[str, ...]], ...] = (
    (28, "soak", "chat", ("ok",)),
    (22, "soak", "stream", ("ok",)),
    (8, "soak", "chat", (*_FAULTS, "stall-ok", "leave")),
    (11, "soak", "stream", ("reset-ok", "429-ok", "500-ok", "broken", "leave")),
    (4, "soak", "complete", ("ok", "500-ok")),
    (3, "soak", "complete_stream", ("ok", "reset-ok", "broken")),
    (6, "soak", "embed", ("ok", "ok", "reset-ok", "503-ok")),
    (3, "soak", "image", ("ok", "500-ok")),
    (5, "soak", "speech", ("ok", "ok", "reset-ok", "broken", "leave")),
    (5, "soak", "hear", ("ok", "ok", "reset-ok")),
    (3, "soak", "rerank", ("ok", "503-ok")),
    (4, "soak", "respond", ("ok", "429-ok")),
    (3, "soak", "respond_stream", ("ok", "broken")),
    (2, "soak", "state", ("ok", "ok", "500-500")),
    (3, "soak", "realtime", ("ok", "ok", "broken", "reset-ok")),
    (12, "soak", "own", ("ok", "ok", "ok", "500-ok", "reset-ok")),
    (5, "soak", "own_stream", ("ok", "ok", "broken", "leave")),
    (2, "soak", "refused", ("key", "model", "json")),
    (3, "minute", "chat", ("ok",)),
    (4, "narrow", "stream", ("slow",)),
    (2, "daily", "chat", ("ok",)),
    (2, "thrifty", "chat", ("ok", "500-ok")),
)
"""Shares, keys, kinds and what happens to their attempts, one of these each time."""
OPENING = [each for each in MIX for _ in range(1 if each[1] == "soak" else 8)]
"""With what it begins, so that a short one has seen everything too, and every limit was reached."""
GOOD = ("ok", "slow")
"""Steps that are an answer."""
_SIZES = (1, 100, 20_000)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an id says."""

    key: str
    kind: str
    steps: tuple[str, ...]

    @classmethod
    def read(cls, name: str) -> Plan:
        """From a request's id."""
        _, key, kind, steps = name.split(".")
        return cls(key, kind, tuple(steps.split("-")))

    @property
    def is_answered(self) -> bool:
        """Whether some attempt gets an answer, if nothing else happens."""
        return self.steps[-1] in GOOD


def tokens(name: str, *kinds: str, turn: int = 0) -> dict[str, int]:
    """How many tokens of these kinds a request uses: no two requests the same."""
    seed = zlib.crc32(f"{name}/{turn}".encode())
    return {kind: (seed >> (5 * at)) % 997 + 1 for at, kind in enumerate(kinds)}


def content(name: str) -> bytes:
    """The file that a request sends or gets: some bytes, or half a megabyte of them."""
    return (name.encode() + b"\n") * _SIZES[zlib.crc32(name.encode()) % len(_SIZES)]


def is_azure(name: str) -> bool:
    """Whether it is asked for by Azure's paths."""
    return zlib.crc32(name.encode()) % 7 < 2
