"""The soak's bookkeeping: what clients saw, what the upstream told, the router's log and its metrics must agree.

Pure: everything that was noted goes in, every difference comes out as a line of text. Money is compared exactly.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

Line = Mapping[str, Any]
Prices = Mapping[str, Mapping[str, str]]
"""Per million tokens, by price row and kind."""

_SAMPLE = re.compile(r"llmrouter_(\w+?)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_MOST = 20  # differences of one sort that are told


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client saw of one request."""

    kind: str
    status: int | None
    """None: it left before there was one."""
    left: bool = False
    error: str | None = None
    """The code of an error event in a stream or a session."""


@dataclass(slots=True)
class Told:
    """The usage that one endpoint told for one request: tokens by kind, each counted once."""

    endpoint: str
    tokens: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Books:
    """All that was noted."""

    seen: Mapping[str, Seen]
    """By request id."""
    told: Mapping[str, Sequence[Told]]
    """By request id, in order."""
    lines: Sequence[Line]
    metrics: str
    prices: Prices


def differences(books: Books) -> list[str]:
    """Everything that does not agree; empty: every request is accounted for exactly once."""
    by_id: dict[str, list[Line]] = defaultdict(list)
    for line in books.lines:
        by_id[str(line["request_id"])].append(line)
    groups = [_counted(books.seen, by_id), _agreed(books, by_id), _billed(books), _metered(books)]
    return [each for group in groups for each in (*group[:_MOST], *_more(group))]


def _more(group: Sequence[str]) -> list[str]:
    return [f"... and {len(group) - _MOST} more like these"] if len(group) > _MOST else []


def _counted(seen: Mapping[str, Seen], by_id: Mapping[str, list[Line]]) -> list[str]:
    missing = [f"{name}: no log line ({seen[name].kind})" for name in seen if name not in by_id]
    strange = [f"{name}: a log line that nobody asked for" for name in by_id if name not in seen]
    twice = [f"{name}: {len(lines)} log lines" for name, lines in by_id.items() if len(lines) != 1]
    return [*missing, *strange, *twice]


def _agreed(books: Books, by_id: Mapping[str, list[Line]]) -> list[str]:
    """Each line says what its client saw, and bills what the endpoint that answered told."""
    found = []
    for name, seen in books.seen.items():
        for line in by_id.get(name, [])[:1]:
            found += [f"{name} ({seen.kind}): {each}" for each in _unlike(seen, line)]
            found += [
                f"{name} ({seen.kind}): {each}" for each in _misbilled(line, books.told.get(name, []), books.prices)
            ]
    return found


def _unlike(seen: Seen, line: Line) -> list[str]:
    if seen.left:
        gone = line["status"] == 499 and line["error"] == "client_gone"
        return [] if gone else [f"the client left, the log says {line['status']}, {line['error']}"]
    found = []
    if line["status"] != seen.status:
        found.append(f"the client saw {seen.status}, the log says {line['status']}")
    if seen.error is not None and line["error"] != seen.error:
        found.append(f"the client was told {seen.error}, the log says {line['error']}")
    if seen.error is None and seen.status in (101, 200) and line["error"] is not None:
        found.append(f"the client saw no error, the log says {line['error']}")
    return found


def expected(line: Line, told: Sequence[Told], prices: Prices) -> tuple[int | None, int | None, Fraction | None]:
    """Input and output tokens and cost that the line must have: those that its endpoint told last."""
    told = [each for each in told if each.endpoint == line["endpoint"]]
    if not told:
        return None, None, None
    tokens = told[-1].tokens
    given = sum(count for kind, count in tokens.items() if kind.endswith("input"))
    made = sum(count for kind, count in tokens.items() if kind.endswith("output"))
    row = prices[line["price_id"]]
    return given, made, sum((Fraction(row[kind]) * count for kind, count in tokens.items()), Fraction(0)) / 10**6


def _misbilled(line: Line, told: Sequence[Told], prices: Prices) -> list[str]:
    given, made, cost = expected(line, told, prices)
    billed = None if line["cost"] is None else Fraction(line["cost"])
    found = []
    if (line["tokens_input"], line["tokens_output"]) != (given, made):
        found.append(f"tokens {line['tokens_input']}, {line['tokens_output']}; the upstream told {given}, {made}")
    if billed != cost:
        found.append(f"billed {line['cost']}; by what the upstream told it is {None if cost is None else float(cost)}")
    return found


def _billed(books: Books) -> list[str]:
    """The sum of all lines against the upstream's own count, request by request and not by the lines' word."""
    billed = sum((Fraction(each["cost"]) for each in books.lines if each["cost"] is not None), Fraction(0))
    rows = {str(each["request_id"]): each for each in books.lines}
    owed = Fraction(0)
    for name, told in books.told.items():
        line = rows.get(name)
        row = books.prices.get(str(line["price_id"])) if line else next(iter(books.prices.values()))
        if row is not None and told:
            owed += sum((Fraction(row[kind]) * count for kind, count in told[-1].tokens.items()), Fraction(0)) / 10**6
    return [] if billed == owed else [f"billed in all {float(billed)}, the upstream's own count is {float(owed)}"]


def _metered(books: Books) -> list[str]:
    """The counters are those of the lines."""
    wanted: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for line in books.lines:
        place = tuple(str(line[name] or "") for name in ("model", "source"))
        rest = tuple(str(line[name] or "") for name in ("endpoint", "status", "error"))
        wanted["requests_total", *place, *rest] += 1
        wanted["tokens_total", *place, "input"] += line["tokens_input"] or 0
        wanted["tokens_total", *place, "output"] += line["tokens_output"] or 0
        wanted["failovers_total", place[0]] += max(0, line["attempts"] - 1)
        if line["cost"] is not None:
            wanted["cost_total", *place, line["currency"]] += Decimal(line["cost"])
    found = {name: value for name, value in samples(books.metrics) if name[0] in {each[0] for each in wanted}}
    names = {name for name, value in wanted.items() if value} | set(found)
    return [
        f"metric {' '.join(name)} is {found.get(name, 0)}, the log says {wanted.get(name, 0)}"
        for name in sorted(names)
        if found.get(name, 0) != wanted.get(name, 0)
    ]


def samples(text: str) -> Iterable[tuple[tuple[str, ...], Decimal]]:
    """Each sample of the router's metrics: its name without prefix and its labels' values, in their order."""
    for line in text.splitlines():
        found = None if line.startswith("#") else _SAMPLE.fullmatch(line)
        if found is not None:
            yield (found[1], *(value for _, value in _LABEL.findall(found[2] or ""))), Decimal(found[3])


def read_lines(text: str) -> list[Line]:
    """The log."""
    return [json.loads(each) for each in text.splitlines()]
