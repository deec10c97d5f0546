"""The line that every request leaves on stdout: who, what, where, how long and how much. Never content."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from llmrouter.deliver import Delivery
from llmrouter.entities import Key
from llmrouter.forward import Progress
from llmrouter.prices import PriceMissingError, TokenCost, cost, price_at
from llmrouter.snapshot import Snapshot


@dataclass(slots=True)
class Record:
    """What is known of a request so far."""

    request_id: str
    snapshot: Snapshot
    region: str | None = None
    arrival: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)
    key: Key | None = None
    progress: Progress = field(default_factory=Progress)
    delivery: Delivery = field(default_factory=Delivery)
    status: int | None = None
    error: str | None = None
    """A code of ours where the request did not get as far as a delivery."""

    def line(self) -> bytes:
        """The record as one line of JSON; what is not known is null."""
        candidate = self.progress.candidate
        usage, price = self.delivery.usage, self._price()
        amount = self._cost(price) if price else None
        data = {
            "timestamp": self.arrival.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request_id": self.request_id,
            "tenant_id": self.snapshot.account,
            "region": self.region,
            "key_id": self.key.id if self.key else None,
            "model": candidate.model if candidate else None,
            "provider": candidate.endpoint.provider if candidate else None,
            "source": candidate.endpoint.source if candidate else None,
            "endpoint": candidate.endpoint.name if candidate else None,
            "attempts": self.progress.attempts,
            "status": self.status,
            "error": self.error or self.delivery.error,
            "latency_ms": round((time.perf_counter() - self.started) * 1000, 1),
            "tokens_input": usage.tokens_input,
            "tokens_output": usage.tokens_output,
            "cost": amount,
            "currency": price.currency if price else None,
            "price_id": price.id if price else None,
        }
        return json.dumps(data, separators=(",", ":")).encode() + b"\n"

    def _price(self) -> TokenCost | None:
        candidate = self.progress.candidate
        if candidate is None:
            return None
        return price_at(self.snapshot.models[candidate.model].token_costs, self.arrival)

    def _cost(self, price: TokenCost) -> str | None:
        usage = self.delivery.usage.usage
        if usage is None:
            return None
        try:
            return format(cost(price, usage).normalize(), "f")
        except PriceMissingError:
            return None


def write_stdout(line: bytes) -> None:
    """One write, so that the lines of several workers do not mix; a reader that left stops no request."""
    with suppress(OSError, ValueError):
        os.write(sys.stdout.fileno(), line)
