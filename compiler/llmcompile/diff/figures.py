"""Money: what a million tokens cost before and after, over time. Exact decimals, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from llmcompile.diff.answers import Price, Span

_EXACT = Context(prec=200)
_Figure = tuple[str, Decimal] | None
"""Currency and amount."""
Costs = Iterable[tuple[str, str, Sequence[tuple[tuple[str, Price] | None, tuple[str, Price] | None]]]]
"""The model before, the model after, and what each costs in every span."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a million tokens of a unit cost for a while, before and after."""

    was_model: str
    model: str
    unit: str
    span: Span
    before: _Figure
    """None: no price."""
    after: _Figure

    @property
    def percent(self) -> Decimal | None:
        """By how much it rises, to two places; None where that says nothing."""
        if self.before is None or self.after is None or self.before[0] != self.after[0] or not self.before[1]:
            return None
        risen = _EXACT.subtract(self.after[1], self.before[1])
        return _EXACT.divide(risen * 100, self.before[1]).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def priced(costs: Costs, spans: Sequence[Span]) -> Iterator[PriceChange]:
    """Every unit whose price changes, with times that follow each other and say the same as one.

    A cached unit that only follows the uncached one is not said again.
    """
    found = list(_priced(costs, spans))
    said = {(each.was_model, each.model, each.unit, each.span, each.before, each.after) for each in found}
    for each in found:
        uncached = each.unit.removeprefix("cached_")
        follows = (each.was_model, each.model, uncached, each.span, each.before, each.after) in said
        if uncached == each.unit or not follows:
            yield each


def _priced(costs: Costs, spans: Sequence[Span]) -> Iterator[PriceChange]:
    for was_model, model, figures in costs:
        units = dict.fromkeys(unit for pair in figures for side in pair if side for unit, _ in side[1])
        for unit in units:
            held: PriceChange | None = None
            for span, (before, after) in zip(spans, figures, strict=True):
                found = PriceChange(was_model, model, unit, span, _figure(before, unit), _figure(after, unit))
                joined = _joined(held, found)
                if held is not None and joined is None:
                    yield held
                held = joined or (found if found.before != found.after else None)
            if held is not None:
                yield held


def _figure(price: tuple[str, Price] | None, unit: str) -> _Figure:
    amount = dict(price[1]).get(unit) if price else None
    return (price[0], amount) if price and amount is not None else None


def _joined(held: PriceChange | None, found: PriceChange) -> PriceChange | None:
    """Both as one, where they say the same."""
    if held is None or (held.before, held.after) != (found.before, found.after):
        return None
    span = Span(held.span.start, found.span.end)
    return PriceChange(held.was_model, held.model, held.unit, span, held.before, held.after)
