"""What a change of price rows means: which price differs, by how much, from when and until when.

Two timelines are compared as functions of time, so it does not matter in how many rows they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from itertools import pairwise
from typing import Any

from llmcompile.emit.canonical import money
from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import Unclear, name, text
from llmcompile.push.meaning.walk import Place, Rule

_ROW = {"id", "start", "end", "currency", "per_million_tokens"}
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_OPEN = "~"
"""After every instant."""
_THREE = Context(prec=3, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Price:
    """An amount for a million tokens; equal where the amounts are, however they are written."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{money(self.amount)} {self.currency}"


@dataclass(frozen=True, slots=True)
class Row:
    """A price row; instants are ISO texts, which sort as time does."""

    id: str
    start: str
    end: str
    prices: dict[str, Price]


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a price was one thing and is another."""

    start: str
    end: str
    old: Price | None
    new: Price | None


def price_rules() -> list[Rule]:
    """The rule of ROUTER_POLICY for prices."""
    return [Rule(("models", "*", "token_costs"), _timeline)]


def _timeline(place: Place) -> Iterator[Said]:
    model, old, new = name(place.up().key), _rows(place.old), _rows(place.new)
    said = [
        _said(name(unit), model, span)
        for unit in dict.fromkeys(unit for row in (*old, *new) for unit in row.prices)
        for span in _spans(unit, old, new)
    ]
    yield from said
    ids = {row.start: row.id for row in old}
    if not said:
        yield say("price-rows", "the same prices in other rows: ", model)
    elif any(ids.get(row.start, row.id) != row.id for row in new):
        yield say("price-rows", "price ids of ", model, " changed")


def _rows(side: Any) -> list[Row]:
    """The rows. Raises ``Unclear`` unless they are rows that ascend and do not overlap."""
    if not isinstance(side, list):
        raise Unclear
    rows = [_row(each) for each in side]
    instants = [instant for row in rows for instant in (row.start, row.end)]
    if instants != sorted(instants) or any(row.start == row.end for row in rows):
        raise Unclear
    return rows


def _row(row: Any) -> Row:
    if not isinstance(row, dict) or row.keys() != _ROW or not isinstance(row["per_million_tokens"], dict):
        raise Unclear
    currency = _matching(_CURRENCY, row["currency"])
    amounts = {unit: Decimal(_matching(_DECIMAL, each)) for unit, each in row["per_million_tokens"].items()}
    end = _OPEN if row["end"] is None else _matching(_INSTANT, row["end"])
    prices = {unit: Price(amount, currency) for unit, amount in amounts.items()}
    return Row(text(row["id"]), _matching(_INSTANT, row["start"]), end, prices)


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not pattern.fullmatch(text(value)):
        raise Unclear
    return str(value)


def _spans(unit: str, old: list[Row], new: list[Row]) -> Iterator[Span]:
    """When the price of a unit differs, neighbours that differ alike taken together."""
    instants = sorted({instant for row in (*old, *new) for instant in (row.start, row.end)})
    waiting: Span | None = None
    for start, end in pairwise(instants):
        span = Span(start, end, _at(unit, old, start), _at(unit, new, start))
        if waiting and (waiting.old, waiting.new) == (span.old, span.new):
            waiting = Span(waiting.start, end, span.old, span.new)
            continue
        if waiting and waiting.old != waiting.new:
            yield waiting
        waiting = span
    if waiting and waiting.old != waiting.new:
        yield waiting


def _at(unit: str, rows: list[Row], instant: str) -> Price | None:
    return next((row.prices.get(unit) for row in rows if row.start <= instant < row.end), None)


def _said(unit: str, model: str, span: Span) -> Said:
    what, when = (unit, " of ", model), _when(span)
    if span.old is None:
        return say("price-gained", *what, f" costs {span.new} per million tokens {when} (had no price)")
    if span.new is None:
        return say("price-lost", *what, f" has no price of its own {when} (was {span.old} per million tokens)")
    if span.old.currency != span.new.currency:
        return say("price-changed", *what, f" {span.old} -> {span.new} per million tokens {when}")
    amounts = f"{money(span.old.amount)} -> {span.new} per million tokens"
    return say("price-changed", *what, f" {_percent(span.old.amount, span.new.amount)}({amounts}) {when}")


def _when(span: Span) -> str:
    return f"from {_day(span.start)}" + (f" until {_day(span.end)}" if span.end != _OPEN else "")


def _day(instant: str) -> str:
    return instant.removesuffix("T00:00:00Z")


def _percent(old: Decimal, new: Decimal) -> str:
    """The change in percent, cut to three digits; a multiple from ten times on; nothing where it was free."""
    if not old:
        return ""
    if new >= 10 * old:
        return f"x{_digits(new / old)} "
    sign = "+" if new > old else ""
    return f"{sign}{_digits(100 * (new - old) / old)}% "


def _digits(value: Decimal) -> str:
    shown = f"{_THREE.plus(value):,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
