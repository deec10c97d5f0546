"""Diagnostics that carry a fix, and the one word each of them changes."""

from __future__ import annotations

from collections.abc import Iterable
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


def fixed(source: Source, diagnostics: Iterable[Diagnostic]) -> Fixed:
    """The file with every fix of these diagnostics that changes the data as it says, and nothing else."""
    data, problems = load(source)
    done: list[Diagnostic] = []
    for each in diagnostics if not problems else ():
        changed = _changed(source, data, each)
        if changed is not None:
            source, data = changed
            done.append(each)
    return Fixed(source, tuple(done))


def _changed(source: Source, data: Any, diagnostic: Diagnostic) -> tuple[Source, Any] | None:
    """The file and its data with one fix; None where it cannot be made for certain."""
    assert diagnostic.fix is not None  # noqa: S101 - the caller's case
    place, value = diagnostic.place, diagnostic.fix.value
    node = _node(parse(source.text), place)
    if node is None or node.kind != "scalar" or "\n" in source.text[node.start : node.end]:
        return None  # an alias, or text on several lines, is no mistyped word
    expected = _with(data, place.route, value, at_key=place.at == "key")
    if expected is None:
        return None
    # Quotes stay where there were some, and text that gets some was a number.
    quote = node.quote or None if isinstance(value, str) else None
    text = scalar(value, quote) if _is_text(data, place) or not isinstance(value, str) else f'"{value}"'
    after = replace(source, text=apply(source.text, [Change(node.start, node.end, text)]))
    found, problems = load(after)
    return None if problems or not same(found, expected) else (after, found)


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
