"""Price sanity: figures that are possible and probably wrong. ``reviewed: URL`` on the row answers them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from statistics import median

from llmcompile.check.context import Context
from llmcompile.check.price_pairs import OF_UNIT, contradictory, doubt
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.model import TokenCost
from llmcompile.link.catalogue import Model

UNIT_FACTOR = 1000
"""Prices per token, per thousand and per million differ by this."""
JUMP_FACTOR = 3
_GENERATING = ("chat", "realtime")
_PEERS = 3
"""Fewer models of a kind than this say nothing about what is usual."""
_ANSWER = "prices are per million tokens; if it is right, add reviewed: URL to the row"


def _place(model: Model, index: int, unit: str) -> Place:
    return Place(model.file, ("token_costs", index, "per_million_tokens", unit))


def _rows(context: Context) -> Iterator[tuple[Model, int, TokenCost]]:
    for model in context.models:
        for index, row in enumerate(model.input.token_costs):
            if row.reviewed is None:
                yield model, index, row


def _ratio(one: Decimal, other: Decimal) -> Decimal:
    """How many times the larger is the smaller; 1 where one of them is free."""
    return max(one, other) / min(one, other) if one and other else Decimal(1)


def output_below_input(context: Context) -> Iterator[Diagnostic]:
    """A generating model's output costs at least what its input does."""
    for model, index, row in _rows(context):
        prices = row.per_million_tokens
        if model.input.type not in _GENERATING or prices.text_input is None or prices.text_output is None:
            continue
        if prices.text_output < prices.text_input:
            related = (Related(_place(model, index, "text_input"), "its input costs more"),)
            message = "output that costs less than input"
            hint = doubt(prices.text_input, prices.text_output)
            here = _place(model, index, "text_output")
            yield Diagnostic("price-output-below-input", message, here, hint, related)


def units_within_row(context: Context) -> Iterator[Diagnostic]:
    """The units of one row are of one magnitude."""
    for model, index, row in _rows(context):
        items = [(unit, price) for unit, price in row.per_million_tokens.items() if price]
        if len(items) < 2:
            continue
        middle = sorted(items, key=lambda each: each[1])[len(items) // 2]
        for unit, price in items:
            if _ratio(price, middle[1]) >= UNIT_FACTOR:
                related = (Related(_place(model, index, middle[0]), f"{middle[0]} is {middle[1]}"),)
                yield _off(model, index, unit, price, middle[1], related)


def units_between_rows(context: Context) -> Iterator[Diagnostic]:
    """A unit keeps its magnitude from row to row, and rarely changes by more than a factor of 3."""
    for model in context.models:
        before: dict[str, tuple[int, Decimal]] = {}
        off: dict[str, Decimal] = {}
        for index, row in enumerate(model.input.token_costs):
            for unit, price in row.per_million_tokens.items():
                at, usual = before.get(unit, (index, price))
                ratio = _ratio(price, usual)
                if row.reviewed is None and ratio >= UNIT_FACTOR and _ratio(price, off.get(unit, usual)) >= UNIT_FACTOR:
                    # No measure for the next row, unless that one agrees with it.
                    off[unit] = price
                    related = (Related(_place(model, at, unit), "the row before"),)
                    yield _off(model, index, unit, price, usual, related, "before it")
                    continue
                if contradictory(row.per_million_tokens) and ratio < OF_UNIT:
                    continue  # figures that changed places are that mistake, and no measure
                if row.reviewed is None and JUMP_FACTOR < ratio < UNIT_FACTOR:
                    yield _jump(model, (at, usual), (index, price), unit)
                before[unit] = index, price


def _jump(model: Model, before: tuple[int, Decimal], after: tuple[int, Decimal], unit: str) -> Diagnostic:
    factor = _round(_ratio(before[1], after[1]))
    message = f"{unit} changes from {before[1]} to {after[1]}, by a factor of {factor}"
    related = (Related(_place(model, before[0], unit), "the row before"),)
    hint = _ANSWER if _ratio(before[1], after[1]) >= OF_UNIT else "if it is right, add reviewed: URL to the row"
    return Diagnostic("price-jump", message, _place(model, after[0], unit), hint, related)


def units_between_models(context: Context) -> Iterator[Diagnostic]:
    """A unit has the magnitude that it has for other models of the type and currency."""
    peers: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    for model in context.models:
        for row in model.input.token_costs[-1:]:
            for unit, price in row.per_million_tokens.items():
                if price:
                    peers[model.input.type, row.currency, unit][model.input.code] = price
    for model, index, row in _rows(context):
        for unit, price in row.per_million_tokens.items():
            others = dict(peers[model.input.type, row.currency, unit])
            others.pop(model.input.code, None)
            if len(others) < _PEERS:
                continue
            usual = median(others.values())
            if _ratio(price, usual) >= UNIT_FACTOR:
                yield _off(model, index, unit, price, usual, (), "of other models")


def _off(
    model: Model,
    index: int,
    unit: str,
    price: Decimal,
    usual: Decimal,
    related: tuple[Related, ...],
    whose: str = "",
) -> Diagnostic:
    factor = _round(_ratio(price, usual))
    size = "above" if price > usual else "below"
    message = f"{unit} of {price} lies {factor} times {size} the {usual} {whose or 'beside it'}"
    return Diagnostic("price-unit", message, _place(model, index, unit), _ANSWER, related)


def _round(ratio: Decimal) -> str:
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"
