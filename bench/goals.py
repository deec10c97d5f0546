"""What is measured against a goal: one row of a Markdown table each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HEAD = ("| | goal | figure | |", "|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class Row:
    """A goal and what was found."""

    what: str
    goal: str
    figure: str
    met: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.goal} | {self.figure} | {'met' if self.met else '**not met**'} |"


def table(rows: Iterable[Row]) -> str:
    """All rows, with their head."""
    return "\n".join([*HEAD, *map(str, rows)])


def ranged(values: Iterable[float], form: str = ".2f") -> str:
    """A median with its range: ``2.00 (1.90 to 2.30)``."""
    found = sorted(values)
    half = len(found) // 2
    median = found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2
    return f"{median:{form}} ({found[0]:{form}} to {found[-1]:{form}})"
