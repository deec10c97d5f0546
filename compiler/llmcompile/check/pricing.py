"""Pricing: one model's rows on the time line, and what is served without a price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.model import TokenCost
from llmcompile.inputs.values import format_instant
from llmcompile.link.catalogue import Model

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_NEEDED = {
    "chat": ("text_input", "text_output"),
    "realtime": ("text_input", "text_output"),
    "embedding": ("text_input",),
    "rerank": ("text_input",),
}


def _row(model: Model, index: int, *steps: str) -> Place:
    return Place(model.file, ("token_costs", index, *steps))


def timeline(context: Context) -> Iterator[Diagnostic]:
    """Rows ascend, and each follows the one before without overlap or gap."""
    for model in context.models:
        rows = model.input.token_costs
        for index, (before, row) in enumerate(pairwise(rows), start=1):
            yield from _follows(model, index, before, row)


def _follows(model: Model, index: int, before: TokenCost, row: TokenCost) -> Iterator[Diagnostic]:
    here, first = _row(model, index, "start"), _row(model, index - 1, "start")
    if row.start == before.start:
        related = (Related(first, "the other row"),)
        yield Diagnostic("price-duplicate", "two rows start at one instant", here, "keep one of them", related)
    elif row.start < before.start:
        related = (Related(first, "the row before it starts later"),)
        yield Diagnostic("price-order", "the rows do not ascend", here, "sort the rows by start", related)
    elif before.end is not None and before.end > row.start:
        related = (Related(_row(model, index - 1, "end"), "the row before ends later"),)
        yield Diagnostic(
            "price-overlap",
            "two rows hold at one time",
            here,
            f"end the row before at {format_instant(row.start)}",
            related,
        )
    elif before.end is not None and before.end < row.start:
        related = (Related(_row(model, index - 1, "end"), "the row before ends here"),)
        hint = f"remove that end: a row without one ends where the next one starts ({format_instant(row.start)})"
        yield Diagnostic(
            "price-gap",
            f"no price from {format_instant(before.end)} to {format_instant(row.start)}",
            here,
            hint,
            related,
        )


def currencies(context: Context) -> Iterator[Diagnostic]:
    """A model is priced in one currency."""
    for model in context.models:
        rows = model.input.token_costs
        for index, row in enumerate(rows):
            if row.currency != rows[0].currency:
                related = (Related(_row(model, 0, "currency"), f"first priced in {rows[0].currency}"),)
                message = f"priced in {row.currency} after {rows[0].currency}"
                here = _row(model, index, "currency")
                yield Diagnostic("price-currency-mixed", message, here, "convert the price, or add a model", related)


def units(context: Context) -> Iterator[Diagnostic]:
    """A row has the units that its model's type needs."""
    for model in context.models:
        for index, row in enumerate(model.input.token_costs):
            for unit in _NEEDED.get(model.input.type, ()):
                if getattr(row.per_million_tokens, unit) is None:
                    message = f"a model of type {model.input.type} needs {unit}"
                    here = _row(model, index, "per_million_tokens").key()
                    related = (Related(Place(model.file, ("type",)), "its type"),)
                    hint = f"add {unit}: PRICE; what is free costs 0"
                    yield Diagnostic("price-unit-missing", message, here, hint, related)


def missing(whole: Whole) -> Iterator[Diagnostic]:
    """Whatever is served has a price from now to the horizon."""
    horizon = whole.as_of + timedelta(days=whole.catalogue.project.price_horizon_days)
    for code, place in sorted(whole.served.items()):
        model = whole.catalogue.models.get(code)
        gap = _uncovered(model.input.token_costs, whole.as_of, horizon) if model else None
        if model is None or gap is None:
            continue
        start, end = gap
        rows = model.input.token_costs
        until = f"from {format_instant(start)} " + (f"to {format_instant(end)}" if end else "on")
        here = Place(model.file, ("token_costs",) if rows else ("code",)).key()
        hint = "add a row to token_costs; a free model has a row of zeros"
        if rows and end is None:
            here, hint = _row(model, len(rows) - 1, "end"), "add the next row to token_costs, or remove this end"
        yield Diagnostic(
            "price-missing",
            f"'{code}' is served and has no price {until}",
            here,
            hint,
            (Related(place, "served here"), *_first_start(model, start)),
        )


def _first_start(model: Model, now: datetime) -> tuple[Related, ...]:
    """Where the first price starts, if it is that one which is late."""
    rows = model.input.token_costs
    return (Related(_row(model, 0, "start"), "its first price starts here"),) if rows and rows[0].start > now else ()


def turns(whole: Whole) -> Iterator[datetime]:
    """Every instant at which a row, or the horizon before it, begins or ends to count."""
    ahead = timedelta(days=whole.catalogue.project.price_horizon_days)
    for model in whole.catalogue.models.values():
        for row in model.input.token_costs:
            for instant in (row.start, row.end):
                if instant is not None:
                    yield instant
                    if instant - _EARLIEST > ahead:
                        yield instant - ahead


def _uncovered(
    rows: tuple[TokenCost, ...], now: datetime, horizon: datetime
) -> tuple[datetime, datetime | None] | None:
    """The first time without a price between now and the horizon; holes between rows are said elsewhere."""
    if not rows or rows[0].start > now:
        return now, rows[0].start if rows else None
    last = rows[-1].end
    return (max(last, now), None) if last is not None and last <= horizon else None
