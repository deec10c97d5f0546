"""What is known of a request, and the line that it leaves on stdout: who, what, where, how long and how much.

Never content.
"""

from __future__ import annotations

import asyncio
import os
import select
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted

from llmrouter.entities import Candidate, Key
from llmrouter.gate import Gate
from llmrouter.prices import PriceMissingError, TokenCost, cost, price_at
from llmrouter.snapshot import Snapshot
from llmrouter.usage import UNKNOWN, Reported

GONE = 499  # the status of a request whose client left; nobody gets to see it but the log
_WHERE = ("tenant_id", "region", "key_id", "model", "provider", "source", "endpoint", "currency", "price_id")
_HOLD_SECONDS = 0.02


@dataclass(slots=True)
class Record:
    """What is known so far; filled in on the way, so that it holds wherever the request ends."""

    request_id: str
    snapshot: Snapshot
    region: str | None = None
    arrived: float = field(default_factory=time.time)
    """In seconds since 1970."""
    started: float = field(default_factory=time.perf_counter)
    key: Key | None = None
    candidate: Candidate | None = None
    """The last one that was tried."""
    attempts: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Endpoint and kind of every attempt that was no good."""
    waited: float = 0.0
    """Seconds spent on waiting for upstreams before the answer began."""
    overhead: float | None = None
    """Seconds that the router itself took until its answer began."""
    seconds: float = 0.0
    """From arrival to end, once it has ended."""
    usage: Reported = UNKNOWN
    complete: bool = False
    """Whether the client was sent all there was to say."""
    gate: Gate | None = None
    """Where limits or budgets apply to it."""
    price: TokenCost | None = None
    cost: Decimal | None = None
    status: int | None = None
    error: str | None = None
    """A code of ours where the request failed or its answer broke off."""

    @property
    def billed(self) -> bool:
        """Whether some upstream has worked on it, as far as can be told: an answer that is an error costs nothing."""
        return self.candidate is not None and (self.status is None or self.status < 400 or self.status == GONE)

    def end(self) -> None:
        """The request is through: work out what it cost, by the row that was valid when it came."""
        self.seconds = time.perf_counter() - self.started
        if self.candidate is None:
            return
        arrival = datetime.fromtimestamp(self.arrived, UTC)
        self.price = price_at(self.snapshot.models[self.candidate.model].token_costs, arrival)
        if self.price is not None and self.usage.usage is not None:
            try:
                self.cost = cost(self.price, self.usage.usage)
            except PriceMissingError:
                self.cost = None

    def line(self) -> bytes:
        """The record as one line of JSON; what is not known is null."""
        candidate, usage, price = self.candidate, self.usage, self.price
        endpoint = candidate.endpoint if candidate else None
        where = _where(
            self.snapshot.account,
            self.region,
            self.key.id if self.key else None,
            candidate.model if candidate else None,
            endpoint.provider if endpoint else None,
            endpoint.source if endpoint else None,
            endpoint.name if endpoint else None,
            price.currency if price else None,
            price.id if price else None,
        )
        cost_ = None if self.cost is None else format(self.cost.normalize(), "f")
        # By hand: json.dumps takes as long as all the rest of the router.
        return (
            f'{{"timestamp":"{_second(int(self.arrived))}.{int(self.arrived * 1000) % 1000:03}Z"'
            f',"request_id":{_quoted(self.request_id)}{where}'
            f',"attempts":{self.attempts},"status":{_json(self.status)},"error":{_json(self.error)}'
            f',"latency_ms":{self.seconds * 1000:.1f}'
            f',"tokens_input":{_json(usage.tokens_input)},"tokens_output":{_json(usage.tokens_output)}'
            f',"cost":{_json(cost_)}}}\n'
        ).encode()


def _json(value: str | int | None) -> str:
    return "null" if value is None else _quoted(value) if isinstance(value, str) else str(value)


@lru_cache(64)
def _second(since: int) -> str:
    return datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(4096)
def _where(*values: str | None) -> str:
    return "".join(f',"{name}":{_json(value)}' for name, value in zip(_WHERE, values, strict=True))


class Lines:
    """Writes lines to a descriptor, those of some milliseconds at once.

    A write is at most what a pipe takes in one piece, so that lines of several workers do not mix; a reader that
    left stops no request.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = b""

    def write(self, line: bytes) -> None:
        """Take a line, inside a running event loop."""
        if len(self._held) + len(line) > select.PIPE_BUF:
            self.flush()
        if not self._held:
            asyncio.get_running_loop().call_later(_HOLD_SECONDS, self.flush)
        self._held += line

    def flush(self) -> None:
        """Write what is held."""
        held, self._held = self._held, b""
        if held:
            with suppress(OSError):
                os.write(self._descriptor, held)
