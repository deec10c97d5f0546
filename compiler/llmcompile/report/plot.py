"""The price timeline as a drawing: instants become percentages of a width, prices pixels of a height.

Only geometry; the template draws it. All models share one axis of time, every unit has its own of money.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from llmcompile.emit.canonical import money
from llmcompile.inputs.values import format_instant
from llmcompile.report.data import Model, Page, Timeline

HEIGHT = 56
"""Pixels of a unit's drawing."""
TOP, ZERO = 20, 50
"""Where the highest price and a price of nothing lie."""
_MARGIN = 0.04
"""Time beyond the first and the last instant that matters, as a share of all."""
_ROOM = 9.0
"""Percent of the width that the label of a price takes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A price while it holds; x in percent, y in pixels from the top."""

    left: float
    right: float
    y: float
    label: str
    anchor: Literal["start", "end", ""]
    """Where the label stands: over the line's start, under the end of time, or, where there is no room, nowhere."""
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A unit of a model."""

    unit: str
    lines: tuple[Line, ...]
    drops: tuple[tuple[float, float, float], ...]
    """Where one price follows at once on another: x, and the two y."""
    now: str
    """The price that holds; empty: none does."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The time that all plots share."""

    start: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """The instant's place in percent, at most 0 to 100."""
        share = (moment - self.start) / (self.end - self.start)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """The first of each year, or of each quarter where there are less than three years."""
        months = (1,) if (self.end - self.start).days > 3 * 366 else (1, 4, 7, 10)
        years = range(self.start.year, self.end.year + 1)
        days = (datetime(year, month, 1, tzinfo=UTC) for year in years for month in months)
        found = [each for each in days if self.start <= each <= self.end]
        return [(self.at(each), each.strftime("%Y" if each.month == 1 else "%b")) for each in found]


def axis(page: Page) -> Axis:
    """From the first price to the last one, now and the horizon included."""
    moments = [page.as_of, page.horizon, page.as_of - timedelta(days=90)]
    for model in page.models:
        moments += [moment for row in model.rows for moment in (row.start, row.end) if moment is not None]
    first, last = min(moments), max(moments)
    margin = (last - first) * _MARGIN
    return Axis(first - margin, last + margin)


def plots(model: Model, shared: Axis, as_of: datetime) -> list[Plot]:
    """Each unit of the model."""
    return [_plot(each, model.currency, shared, as_of) for each in model.timelines]


def _plot(timeline: Timeline, currency: str, shared: Axis, as_of: datetime) -> Plot:
    lines = tuple(_lines(timeline, currency, shared))
    holds = (each.price for each in timeline.steps if each.start <= as_of and (each.end is None or as_of < each.end))
    return Plot(timeline.unit, lines, tuple(_drops(lines)), next((money(each) for each in holds), ""))


def _lines(timeline: Timeline, currency: str, shared: Axis) -> Iterator[Line]:
    highest = max(each.price for each in timeline.steps)
    for step in timeline.steps:
        left, right = shared.at(step.start), shared.at(step.end) if step.end else 100.0
        until = f"until {format_instant(step.end)}" if step.end else "with no end"
        title = f"{timeline.unit} {currency} {money(step.price)} from {format_instant(step.start)} {until}"
        anchor: Literal["start", "end", ""] = "start" if right - left >= _ROOM else "" if step.end else "end"
        yield Line(left, right, _y(step.price, highest), money(step.price), anchor, title)


def _y(price: Decimal, highest: Decimal) -> float:
    return round(ZERO - (ZERO - TOP) * float(price / highest), 1) if highest else float(ZERO)


def _drops(lines: Iterable[Line]) -> Iterator[tuple[float, float, float]]:
    before: Line | None = None
    for line in lines:
        if before is not None and before.right == line.left and before.y != line.y:
            yield line.left, before.y, line.y
        before = line
