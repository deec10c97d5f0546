"""Diagnostics that carry a fix, and the one word each of them changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmcompile.diagnostics import Diagnostic, Place, Route
from llmcompile.edit.change import Change, apply
from llmcompile.edit.draft import same
from llmcompile.edit.scalars import scalar
from llmcompile.edit.tree import Node, find, parse
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load


@dataclass(frozen=True, slots=True)
class Fixed:
    """A file with what could be fixed in it."""

    source: Source
    done: tuple[Diagnostic, ...]
    changes: tuple[Change, ...]
    """For each that is done, the one word of the file as it was that is replaced; no two overlap."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A fix that can be made by itself."""

    diagnostic: Diagnostic
    change: Change
    value: Any

    @property
    def route(self) -> Route:
        return self.diagnostic.place.route

    @property
    def at_key(self) -> bool:
        return self.diagnostic.place.at == "key"


def fixed(source: Source, diagnostics: Iterable[Diagnostic]) -> Fixed:
    """The file with every fix of these diagnostics that changes the data as it says, and nothing else."""
    data, problems = load(source)
    planned = [] if problems else _planned(source, data, diagnostics)
    after = _after(source, data, planned)
    if after is None:  # one of them does more than it says: only those that do not, then
        kept: list[_Planned] = []
        for each in planned:
            if (tried := _after(source, data, [*kept, each])) is not None:
                after, kept = tried, [*kept, each]
        planned = kept
    done, changes = [each.diagnostic for each in planned], [each.change for each in planned]
    return Fixed(after or source, tuple(done), tuple(changes))


def _planned(source: Source, data: Any, diagnostics: Iterable[Diagnostic]) -> list[_Planned]:
    """The fixes that say nothing twice and change a word each."""
    root = parse(source.text)
    planned: list[_Planned] = []
    taken: set[int] = set()
    renamed: set[Route] = set()
    for each in diagnostics:
        change, route = _change(source, root, data, each, renamed), each.place.route
        if change is None or each.fix is None or change.start in taken:
            continue
        at_key = each.place.at == "key"
        expected = _with(data, route, each.fix.value, at_key=at_key)
        if expected is not None:
            data = expected
            taken.add(change.start)
            renamed |= {route} if at_key else set()
            planned.append(_Planned(each, change, each.fix.value))
    return planned


def _after(source: Source, data: Any, planned: Sequence[_Planned]) -> Source | None:
    """The file with these fixes; None where it would not say just that."""
    for each in planned:
        data = _with(data, each.route, each.value, at_key=each.at_key)
    after = replace(source, text=apply(source.text, [each.change for each in planned]))
    found, problems = load(after)
    return None if problems or not same(found, data) else after


def _change(source: Source, root: Node, data: Any, diagnostic: Diagnostic, renamed: set[Route]) -> Change | None:
    """The word that a fix replaces; None where it cannot be made for certain."""
    assert diagnostic.fix is not None  # noqa: S101 - the caller's case
    place, value = diagnostic.place, diagnostic.fix.value
    if any(place.route[: len(each)] == each for each in renamed):
        return None  # the next check finds it below the new name
    node = _node(root, place)
    if node is None or node.kind != "scalar" or "\n" in source.text[node.start : node.end]:
        return None  # an alias, or text on several lines, is no mistyped word
    # Quotes stay where there were some, and text that gets some was a number.
    quote = node.quote or None if isinstance(value, str) else None
    text = scalar(value, quote) if _is_text(data, place) or not isinstance(value, str) else f'"{value}"'
    return Change(node.start, node.end, text)


def _node(root: Node, place: Place) -> Node | None:
    """The very scalar that a place points to; None where the file has none there."""
    if place.span is not None:
        return None
    if place.at == "key":
        parent = find(root, place.route[:-1])
        return parent.key(str(place.route[-1])) if parent and parent.kind == "map" else None
    return find(root, place.route)


def _is_text(data: Any, place: Place) -> bool:
    """Whether what stands there is text already; keys always are."""
    for step in place.route:
        data = data[step]
    return place.at == "key" or isinstance(data, str)


def _with(data: Any, route: Route, value: Any, *, at_key: bool) -> Any:
    """The data with another value, or another key, at a route; None where that would say something twice."""
    step, rest = route[0], route[1:]
    if isinstance(data, tuple):
        inner = value if not rest else _with(data[int(step)], rest, value, at_key=at_key)
        doubled = not rest and value in data
        return None if inner is None or doubled else (*data[: int(step)], inner, *data[int(step) + 1 :])
    if not rest and at_key:
        return None if value in data else {value if key == step else key: each for key, each in data.items()}
    inner = value if not rest else _with(data[step], rest, value, at_key=at_key)
    return None if inner is None else {key: inner if key == step else each for key, each in data.items()}
