"""What became of the source, item by item. Holds places and words, never a value that could be a secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llmcompile.diagnostics import Route
from llmcompile.importing.source import Value

Outcome = Literal["carried", "changed", "left out"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the source and what became of it."""

    outcome: Outcome
    route: Route
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A variable that did not exist before, for a secret that the source writes out or keeps elsewhere."""

    variable: str
    line: int
    column: int


class Report:
    """Collects what became of the source."""

    def __init__(self) -> None:
        self._items: dict[Item, None] = {}
        self.made_up: list[MadeUp] = []

    def carried(self, at: Value, message: str) -> None:
        """Taken over, as what."""
        self._add("carried", at, message)

    def changed(self, at: Value, message: str) -> None:
        """Taken over, but not as it was: renamed, guessed, replaced."""
        self._add("changed", at, message)

    def left_out(self, at: Value, message: str) -> None:
        """Not taken over, and why."""
        self._add("left out", at, message)

    def mark(self) -> tuple[int, int]:
        """What was said so far; ``undo`` takes back all that is said later."""
        return len(self._items), len(self.made_up)

    def undo(self, mark: tuple[int, int]) -> None:
        """Take back what was said since the mark."""
        self._items = dict.fromkeys(list(self._items)[: mark[0]])
        del self.made_up[mark[1] :]

    def _add(self, outcome: Outcome, at: Value, message: str) -> None:
        self._items.setdefault(Item(outcome, at.route, at.line, at.column, message))

    @property
    def items(self) -> list[Item]:
        """All of them, in the order of the source."""
        return sorted(self._items, key=lambda each: (each.line, each.column))


class Table:
    """A mapping of the source that knows what of it was looked at."""

    def __init__(self, value: Value | None) -> None:
        self._fields = dict(value.fields) if value else {}
        self._taken: set[str] = set()

    def take(self, *names: str) -> Value | None:
        """The first of these that says something."""
        self._taken.update(names)
        found = (self._fields.get(each) for each in names)
        return next((each for each in found if each is not None and not each.null), None)

    def has(self, name: str) -> bool:
        """Whether a key says something, without looking at it."""
        return name in self._fields and not self._fields[name].null

    def rest(self) -> Iterator[tuple[str, Value]]:
        """What nobody looked at."""
        for name, value in self._fields.items():
            if name not in self._taken:
                yield name, value


def written(route: Route) -> str:
    """A route as people write it: ``model_list[3].litellm_params.rpm``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in route)
    return "".join(steps).removeprefix(".")
