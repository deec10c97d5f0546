"""Data as YAML, written the way its neighbours are: block or braces, indentation, quotes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmcompile.edit.change import column
from llmcompile.edit.scalars import scalar
from llmcompile.edit.tree import Node, walk


class Braces(dict[str, Any]):
    """A mapping that is written in braces where no neighbour shows another way."""


@dataclass(frozen=True, slots=True)
class Style:
    """How blocks are indented and brackets are filled. Widths are in characters."""

    step: int = 2
    """A mapping below its key."""
    dash: int = 2
    """A list's dash below its key."""
    offset: int = 2
    """An entry behind its dash."""
    braces: str = ""
    """Between braces and what they hold."""
    brackets: str = ""
    newline: str = "\n"


def style_of(text: str, *nodes: Node | None) -> Style:
    """The style of the first of these nodes that shows it, else of the next."""
    found: dict[str, Any] = {}
    for node in nodes:
        for each in walk(node) if node else ():
            for name, value in _shown(text, each):
                found.setdefault(name, value)
    return Style(newline="\r\n" if "\r\n" in text else "\n", **found)


def _shown(text: str, node: Node) -> Iterator[tuple[str, Any]]:
    """What one node says about style."""
    if node.flow:
        padding = text[node.start + 1 : node.starts[0]] if node.starts else "\n"
        if not padding.strip(" "):
            yield "braces" if node.kind == "map" else "brackets", padding
        return
    for start, value in zip(node.starts, node.entries, strict=True):
        if value.kind in ("map", "list") and not value.flow:
            name = "offset" if node.kind == "list" else "step" if value.kind == "map" else "dash"
            width = column(text, value.start) - column(text, start)
            if name != "offset" or "\n" not in text[start : value.start]:
                yield name, width


def is_block(value: Any, like: Node | None) -> bool:
    """Whether a value is written as a block: as its neighbour is, else braces for ``Braces`` and lists of scalars."""
    if not isinstance(value, dict | tuple) or not value:
        return False
    kind = "map" if isinstance(value, dict) else "list"
    if like is not None and like.kind == kind and like.entries:
        return not like.flow
    return not isinstance(value, Braces) if kind == "map" else any(isinstance(each, dict) for each in value)


def inline(value: Any, like: Node | None, style: Style) -> str:
    """A value on one line: a scalar, or a collection in brackets."""
    if isinstance(value, dict):
        pairs = [f"{key(name, like)}: {inline(each, below(like, name), style)}" for name, each in value.items()]
        return "{" + style.braces + ", ".join(pairs) + style.braces + "}" if pairs else "{}"
    if isinstance(value, tuple):
        items = [inline(each, below(like, 0), style) for each in value]
        return "[" + style.brackets + ", ".join(items) + style.brackets + "]" if items else "[]"
    return scalar(value, like.quote.strip("|>") if like and like.kind == "scalar" else None)


def key(name: str, like: Node | None) -> str:
    """A key, quoted as the keys beside it are."""
    quote = like.pairs[0][0].quote if like and like.pairs else None
    return scalar(name, quote)


def below(like: Node | None, step: str | int) -> Node | None:
    """The neighbour's own value at a step."""
    return like.get(step) if like else None


def entry(name: str | None, value: Any, likes: tuple[Node | None, Node | None], style: Style, indent: int) -> list[str]:
    """The lines of one entry of a block: of a map with a key, of a list without.

    ``likes`` are the collection that the entry goes into, for its keys, and a neighbour, for its value.
    """
    around, like = likes
    head = " " * indent + ("-" if name is None else f"{key(name, around)}:")
    if not is_block(value, like):
        return [f"{head} {inline(value, like, style)}"]
    if name is None:
        lines = block(value, like, style, indent + style.offset)
        return [head.ljust(indent + style.offset) + lines[0].lstrip(" "), *lines[1:]]
    return [head, *block(value, like, style, indent + (style.step if isinstance(value, dict) else style.dash))]


def block(value: Any, like: Node | None, style: Style, indent: int) -> list[str]:
    """The lines of a block."""
    pairs = value.items() if isinstance(value, dict) else [(None, each) for each in value]
    lines = []
    for name, each in pairs:
        lines += entry(name, each, (like, below(like, 0 if name is None else name)), style, indent)
    return lines
