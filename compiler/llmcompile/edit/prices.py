"""One more row in a model's ``token_costs``: in order of dates, and never over what already happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from llmcompile.edit.draft import Draft
from llmcompile.edit.render import Braces
from llmcompile.errors import RefusedError, UsageError
from llmcompile.inputs.model import UNITS, Model, TokenCost
from llmcompile.inputs.values import format_instant

Prices = dict[str, int | Decimal]
"""By unit, per million tokens, as written."""


@dataclass(frozen=True, slots=True)
class NewPrice:
    """What is asked for."""

    start: datetime
    prices: Prices
    currency: str | None
    """None: the one that the model has."""
    reviewed: str | None = None


def row(start: datetime, currency: str, prices: Prices, reviewed: str | None = None) -> dict[str, Any]:
    """A row of ``token_costs``."""
    units = Braces({unit: prices[unit] for unit in UNITS if unit in prices})
    data = {"start": format_instant(start), "currency": currency, "per_million_tokens": units}
    return data | ({"reviewed": reviewed} if reviewed else {})


def add_price(draft: Draft, model: Model, new: NewPrice, now: datetime, *, allow_past: bool) -> Draft:
    """The model's file with the row.

    Raises ``UsageError`` where it cannot be a row of this model, ``RefusedError`` where it would change the past.
    """
    rows = model.token_costs
    currency = _currency(rows, new.currency)
    index = sum(each.start < new.start for each in rows)
    _check_neighbours(rows, index, new.start)
    if rows and new.start <= now and not allow_past:
        raise RefusedError(
            f"{format_instant(new.start)} is past; what was billed since would have another price",
            "take a later instant; --allow-past if the history itself is wrong",
        )
    written = row(new.start, currency, new.prices, new.reviewed)
    return draft.put(("token_costs",), None, _ordered(draft, index, written), index)


def _currency(rows: tuple[TokenCost, ...], wanted: str | None) -> str:
    if not rows and wanted is None:
        raise UsageError("the model has no price yet, so its currency is not known", "add --currency, such as USD")
    held = rows[0].currency if rows else wanted
    if wanted not in (None, held):
        raise UsageError(f"the model is priced in {held}; a model has one currency", "convert the price")
    return str(held)


def _check_neighbours(rows: tuple[TokenCost, ...], index: int, start: datetime) -> None:
    """The row before reaches up to the new one: its own end is not touched."""
    if any(left.start >= right.start for left, right in pairwise(rows)):
        raise UsageError("the rows do not ascend by start", "sort them first; llmcompile check shows where")
    if index < len(rows) and rows[index].start == start:
        raise UsageError(f"there is a row from {format_instant(start)} already", "edit that row, or take another start")
    end = rows[index - 1].end if index else None
    if end is not None and end != start:
        before = f"the row from {format_instant(rows[index - 1].start)} ends at {format_instant(end)}"
        gap = f"from {format_instant(end)} to {format_instant(start)} there would be no price"
        overlap = "two rows would hold at one time"
        hint = f"take --from {format_instant(end)}, or change that end"
        raise UsageError(f"{before}: {gap if end < start else overlap}", hint)


def _ordered(draft: Draft, index: int, written: dict[str, Any]) -> dict[str, Any]:
    """The row with its keys, and its units, in the order of the row beside it."""
    beside = draft.get(("token_costs", max(0, index - 1)))
    if not isinstance(beside, dict):
        return written
    units = beside["per_million_tokens"]
    inner = Braces(_like(written["per_million_tokens"], units))
    return _like({**written, "per_million_tokens": inner}, beside)


def _like(data: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in [*(each for each in other if each in data), *data]}


def remarks(model: Model, new: NewPrice) -> list[str]:
    """What is worth saying of the row: how long it holds, and what it leaves out."""
    after = min((each.start for each in model.token_costs if each.start > new.start), default=None)
    lines = [f"it holds up to {format_instant(after)}, where the next row starts"] if after else []
    before = [each for each in model.token_costs if each.start < new.start][-1:]
    units = [unit for each in before for unit, _ in each.per_million_tokens.items() if unit not in new.prices]
    return [*lines, f"the row before has {', '.join(units)} too, this one has not"] if units else lines
