"""Diagnostics with their lines, sorted: the last step before they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmcompile.diagnostics import Diagnostic, Severity
from llmcompile.load.locate import Location, Locator


@dataclass(frozen=True, slots=True)
class Located:
    """A diagnostic where it is."""

    diagnostic: Diagnostic
    at: Location
    related: tuple[tuple[Location, str], ...]


def located(diagnostics: Iterable[Diagnostic], locator: Locator) -> list[Located]:
    """All of them by file, line, column and code."""
    found = [
        Located(each, locator.find(each.place), tuple((locator.find(one.place), one.label) for one in each.related))
        for each in diagnostics
    ]
    return sorted(
        found,
        key=lambda each: (each.at.file, each.at.line, each.at.column, each.diagnostic.code, each.diagnostic.message),
    )


def worst(found: Sequence[Located], most: int) -> Sequence[Located]:
    """The ``most`` worst of them in the order they are in; all of them for 0."""
    if not 0 < most < len(found):
        return found
    severities = list(Severity)
    order = sorted(range(len(found)), key=lambda at: severities.index(found[at].diagnostic.severity))
    return [found[at] for at in sorted(order[:most])]


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many of each severity, in words."""
    counts = Counter(each.severity for each in diagnostics)
    words = [f"{counts[each]} {each}{'s' if counts[each] != 1 else ''}" for each in Severity if counts[each]]
    return ", ".join(words) if words else "no problems"
