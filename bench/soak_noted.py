"""What the soak notes: what clients saw, what the upstream saw and told, the router's log and its metrics."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from soak_tokens import Grant

Line = Mapping[str, Any]
Prices = Mapping[str, Mapping[str, str]]
"""Per million tokens, by price row and kind."""
Samples = Mapping[tuple[str, ...], Decimal]
"""By a metric's name without prefix and its labels' values, in their order."""

_SAMPLE = re.compile(r"llmrouter_(\w+?)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client saw of one request."""

    kind: str
    status: int | None
    """None: it left before there was one."""
    left: bool = False
    error: str | None = None
    """The code of an error: in the answer, in a stream or in a session."""
    refused: bool = False
    """Whether it was told that a limit or a budget of its own is reached."""
    began: float = 0.0
    ended: float = 0.0
    """Seconds since 1970: not later than the router had it, and not before the router was through with it."""


@dataclass(slots=True)
class Arrival:
    """One attempt, as an endpoint saw it."""

    endpoint: str
    outcome: str = "left"
    resent: bool = False
    """Whether it was cut on a connection that had served before: the router sends it again and counts it once."""


@dataclass(slots=True)
class Told:
    """The usage that one endpoint told for one request: tokens by kind, each counted once."""

    endpoint: str
    tokens: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Books:
    """All that was noted. Mappings are by request id."""

    seen: Mapping[str, Seen]
    told: Mapping[str, Sequence[Told]]
    """In order."""
    arrivals: Mapping[str, Sequence[Arrival]]
    """In order."""
    grants: Sequence[Grant]
    most_at_once: Mapping[str, int]
    """By router key, as the upstream saw them."""
    prices: Prices
    lines: Sequence[Line] = ()
    metrics: Sequence[str] = ()
    """Of each worker."""
    said: str = ""
    """On stderr."""

    @property
    def workers(self) -> int:
        """How many processes served."""
        return len(self.metrics)


def merged(metrics: Iterable[str]) -> Samples:
    """The sums over all workers."""
    found: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for text in metrics:
        for name, value in samples(text):
            found[name] += value
    return found


def samples(text: str) -> Iterable[tuple[tuple[str, ...], Decimal]]:
    """Each sample of one worker's metrics."""
    for line in text.splitlines():
        found = None if line.startswith("#") else _SAMPLE.fullmatch(line)
        if found is not None:
            yield (found[1], *(value for _, value in _LABEL.findall(found[2] or ""))), Decimal(found[3])


def read_lines(text: str) -> list[Line]:
    """The log."""
    return [json.loads(each) for each in text.splitlines()]
