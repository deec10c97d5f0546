"""Prices that do not fit each other or the calendar: cached above uncached, free beside paid, another century."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.model import PerMillionTokens, TokenCost
from llmcompile.inputs.values import format_instant
from llmcompile.link.catalogue import Model

_CACHED = (("cached_text_input", "text_input"), ("cached_audio_input", "audio_input"))
_LARGEST_DISCOUNT = 15
"""What providers take for cached text is a tenth of the price at the least."""
OF_UNIT = 50
"""From this factor on, a wrong unit is the likelier reason than figures that changed places."""
_FIRST = datetime.fromisoformat("2018-01-01T00:00:00+00:00")
"""Before it, nobody sold tokens."""
_EVER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""What ``import`` writes where its source has no dates."""
_AHEAD = timedelta(days=3650)


def _place(model: Model, index: int, *steps: str) -> Place:
    return Place(model.file, ("token_costs", index, *steps))


def doubt(high: Decimal, low: Decimal) -> str:
    """A hint about two figures that seem to have changed places, or to be of two units."""
    unit = not low or high / low >= OF_UNIT
    reason = "prices are per million tokens;" if unit else "swapped?"
    return f"{reason} if it is right, add reviewed: URL to the row"


def contradictory(prices: PerMillionTokens) -> bool:
    """Whether a row's cached input costs more than its input, or its output less: its figures changed places."""
    pairs = (*_CACHED, ("text_input", "text_output"), ("audio_input", "audio_output"))
    found = ((getattr(prices, low), getattr(prices, high)) for low, high in pairs)
    return any(low is not None and high is not None and low > high for low, high in found)


def cached(context: Context) -> Iterator[Diagnostic]:
    """Cached input costs at most what input does, and cached text not next to nothing."""
    for model in context.models:
        for index, row in enumerate(model.input.token_costs):
            for unit, whole in _CACHED if row.reviewed is None else ():
                yield from _cached(model, index, row, unit, whole)


def _cached(model: Model, index: int, row: TokenCost, unit: str, whole: str) -> Iterator[Diagnostic]:
    price, full = getattr(row.per_million_tokens, unit), getattr(row.per_million_tokens, whole)
    if price is None or full is None:
        return
    first = _place(model, index, "per_million_tokens", whole)
    here = _place(model, index, "per_million_tokens", unit)
    related = (Related(first, f"{whole} is {full}"),)
    if price > full:
        hint = doubt(price, full)
        yield Diagnostic("price-cached", "cached input that costs more than input", here, hint, related)
    elif unit == "cached_text_input" and price and price * _LARGEST_DISCOUNT < full:
        hint = doubt(full, Decimal())
        message = f"cached input that costs less than a fifteenth of input: {price}"
        yield Diagnostic("price-cached", message, here, hint, related)


def audio_output(context: Context) -> Iterator[Diagnostic]:
    """Audio that a model speaks costs at least what it hears."""
    for model in context.models:
        for index, row in enumerate(model.input.token_costs):
            heard, spoken = row.per_million_tokens.audio_input, row.per_million_tokens.audio_output
            if row.reviewed is None and heard is not None and spoken is not None and spoken < heard:
                here = _place(model, index, "per_million_tokens", "audio_output")
                related = (Related(_place(model, index, "per_million_tokens", "audio_input"), "its input costs more"),)
                hint = doubt(heard, spoken)
                yield Diagnostic(
                    "price-output-below-input", "audio output that costs less than input", here, hint, related
                )


def free(context: Context) -> Iterator[Diagnostic]:
    """What costs something in one row does not cost nothing in the next, nor the other way round; cached input may."""
    for model in context.models:
        for index, (before, row) in enumerate(pairwise(model.input.token_costs), start=1):
            old = dict(before.per_million_tokens.items())
            for unit, price in row.per_million_tokens.items() if row.reviewed is None else ():
                if unit in old and not unit.startswith("cached_") and bool(old[unit]) != bool(price):
                    yield _free(model, index, unit, old[unit], price)


def _free(model: Model, index: int, unit: str, before: Decimal, price: Decimal) -> Diagnostic:
    first = _place(model, index - 1, "per_million_tokens", unit)
    message = f"{unit} changes from {before} to {price}"
    hint = "if it is right, add reviewed: URL to the row"
    here = _place(model, index, "per_million_tokens", unit)
    return Diagnostic("price-jump", message, here, hint, (Related(first, "the row before"),))


def dates(whole: Whole) -> Iterator[Diagnostic]:
    """Rows start and end in this age."""
    for model in whole.catalogue.models.values():
        for index, row in enumerate(model.input.token_costs):
            for field, at in (("start", row.start), ("end", row.end)):
                if at is not None and at != _EVER and not _FIRST <= at <= whole.as_of + _AHEAD:
                    message = f"a price that {field}s in {format_instant(at)[:4]}"
                    yield Diagnostic("price-date", message, _place(model, index, field), "correct the year")


def turns(whole: Whole) -> Iterator[datetime]:
    """Every instant at which ``dates`` ceases to say something."""
    for model in whole.catalogue.models.values():
        for row in model.input.token_costs:
            yield from (at - _AHEAD for at in (row.start, row.end) if at is not None and at > _FIRST)
