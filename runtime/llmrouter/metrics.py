"""What a scraper of Prometheus reads, counted from the same records as the log lines. Of one process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llmrouter.limits import Limiter
from llmrouter.record import Record

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)
_Labels = tuple[str, ...]
_HELP = {
    "requests_total": ("counter", "Requests, by where they ended.", ("model", "source", "endpoint", "status", "error")),
    "failovers_total": ("counter", "Attempts after a request's first one.", ("model",)),
    "upstream_errors_total": ("counter", "Attempts that were not the client's answer.", ("endpoint", "kind")),
    "tokens_total": ("counter", "Tokens that upstreams told.", ("model", "source", "direction")),
    "unknown_usage_total": ("counter", "Answers whose usage was not told.", ("model", "source")),
    "cost_total": ("counter", "Cost by the price rows valid at arrival.", ("model", "source", "currency")),
    "token_refreshes_total": ("counter", "Requests for an access token, early ones too.", ("client_id", "outcome")),
    "budget_alerts_total": ("counter", "Lines of a budget that were crossed; no key: the account's.", ("key", "level")),
    "budget_uncounted_total": ("counter", "Answers whose cost a budget could not count.", ("key", "why")),
}


@dataclass(slots=True)
class _Histogram:
    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


def _histogram(*bounds: float) -> _Histogram:
    return _Histogram(bounds, [0] * (len(bounds) + 1))


@dataclass(slots=True)
class Metrics:
    """The counters of one process."""

    counters: dict[str, dict[_Labels, Decimal | int]] = field(default_factory=lambda: {name: {} for name in _HELP})
    latency: _Histogram = field(default_factory=lambda: _histogram(*_SECONDS))
    overhead: _Histogram = field(default_factory=lambda: _histogram(*_OVERHEAD))

    def add(self, name: str, labels: _Labels, amount: Decimal | int = 1) -> None:
        """Count."""
        series = self.counters[name]
        series[labels] = series.get(labels, 0) + amount

    def observe(self, record: Record) -> None:
        """Count a request that is through."""
        candidate, usage = record.candidate, record.usage
        model, source = (candidate.model, candidate.endpoint.source) if candidate else ("", "")
        endpoint = candidate.endpoint.name if candidate else ""
        self.add("requests_total", (model, source, endpoint, str(record.status or ""), record.error or ""))
        self.latency.add(record.seconds)
        if record.overhead is not None:
            self.overhead.add(record.overhead)
        if record.attempts > 1:
            self.add("failovers_total", (model,), record.attempts - 1)
        for name, kind in record.problems:
            self.add("upstream_errors_total", (name, kind))
        if usage.tokens_input:
            self.add("tokens_total", (model, source, "input"), usage.tokens_input)
        if usage.tokens_output:
            self.add("tokens_total", (model, source, "output"), usage.tokens_output)
        if record.status == 200 and usage.usage is None:
            self.add("unknown_usage_total", (model, source))
        price, cost = record.price, record.cost
        if price is not None and cost is not None:
            self.add("cost_total", (model, source, price.currency), cost)

    def text(self, state: Mapping[str, Any], resting: Mapping[str, float], limiter: Limiter) -> bytes:
        """All of it in the text format."""
        lines: list[str] = []
        for name, (kind, meaning, labels) in _HELP.items():
            lines += _head(name, kind, meaning)
            lines += [_line(name, zip(labels, each, strict=True), value) for each, value in self.counters[name].items()]
        lines += _buckets("request_seconds", "From a request's arrival to its end.", self.latency)
        lines += _buckets("overhead_seconds", "What the router itself took until its answer began.", self.overhead)
        lines += _head("resting", "gauge", "Endpoints that are left alone at the moment.")
        lines += [_line("resting", [("endpoint", name)], 1) for name in resting]
        for name in ("reloads", "reload_failures"):
            lines += [*_head(f"{name}_total", "counter", "Of the documents."), _line(f"{name}_total", (), state[name])]
        lines += _limits(limiter)
        lines += _head("document_info", "gauge", "What is served.")
        lines += [
            _line("document_info", [("document", name), ("digest", digest)], 1)
            for name, digest in state["documents"].items()
        ]
        return ("\n".join(lines) + "\n").encode()


def _limits(limiter: Limiter) -> list[str]:
    lines = _head("limit_store_up", "gauge", "Whether what counts limits and budgets can be asked.")
    state = limiter.state()
    lines.append(_line("limit_store_up", [("store", state["store"])], int(state.get("reachable", True))))
    lines += _head("budget_spent", "gauge", "Of the month, as far as this process knows; no key: the account's.")
    return lines + [
        _line("budget_spent", [("key", ask.key), ("currency", ask.budget.currency)], f"{amount.normalize():f}")
        for ask, amount in limiter.spent()
        if ask.budget
    ]


def _head(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP llmrouter_{name} {meaning}", f"# TYPE llmrouter_{name} {kind}"]


def _line(name: str, labels: Iterable[tuple[str, str]], value: object) -> str:
    written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"llmrouter_{name}{{{written}}} {value}" if written else f"llmrouter_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _buckets(name: str, meaning: str, histogram: _Histogram) -> list[str]:
    lines, below = _head(name, "histogram", meaning), 0
    for bound, count in zip([*map(str, histogram.bounds), "+Inf"], histogram.counts, strict=True):
        below += count
        lines.append(_line(f"{name}_bucket", [("le", bound)], below))
    return [*lines, _line(f"{name}_sum", (), f"{histogram.total:.6f}"), _line(f"{name}_count", (), below)]
