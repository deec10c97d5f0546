"""Where one more entry of a map or a list goes, and what has to be written there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from llmcompile.edit.change import Change, column, line_end, line_start
from llmcompile.edit.render import Style, entry, inline, key, style_of
from llmcompile.edit.tree import Node

_REST = re.compile(r"[ \r]*(?P<comma>,?)[ \r]*(#[^\n]*)?(\n|$)")
"""What may follow the last entry of a line."""
_BLANK = re.compile(r"[ \r]*(#[^\n]*)?(\n|$)")
_COMMENT = re.compile(r" *(?=#)")
_BETWEEN = re.compile(r"\n[ \r]*\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is added: with a key to a map, without to a list."""

    key: str | None
    value: Any


def insertion(text: str, root: Node, parent: Node, index: int, new: Entry) -> list[Change]:
    """The changes that make ``new`` the entry at ``index`` of a map or list that has one already."""
    # The keys of a file are each of their own kind; below them, entries are of one.
    neighbour = None if parent is root else parent.entries[max(0, index - 1)]
    style = style_of(text, neighbour, parent, root)
    if parent.flow:
        return _in_brackets(text, parent, index, new, neighbour, style)
    return _in_block(text, parent, index, new, neighbour, style)


def first(text: str, root: Node, owner: tuple[Node, Node], new: Entry) -> list[Change]:
    """The changes that put ``new`` into an empty collection: a block where one can stand, else inside the brackets.

    ``owner`` are the map that holds the collection, and the collection.
    """
    parent, empty = owner
    style = style_of(text, parent, root)
    start = next(key.start for key, value in parent.pairs if value is empty)
    alone = not text[line_start(text, start) : start].strip(" ") and "\n" not in text[start : empty.end]
    if parent.flow or not alone or not _BLANK.match(text, empty.end) or text[empty.start + 1 : empty.end - 1].strip():
        return [Change(empty.start + 1, empty.start + 1, _flow(new, empty, None, style))]
    indent = column(text, start) + (style.dash if new.key is None else style.step)
    lines = entry(new.key, new.value, (None, None), style, indent)
    before = len(text[: empty.start].rstrip(" "))
    return [Change(before, empty.end, ""), _lines(text, line_end(text, empty.end), lines, style)]


def _flow(new: Entry, parent: Node, like: Node | None, style: Style) -> str:
    value = inline(new.value, like, style)
    return value if new.key is None else f"{key(new.key, parent)}: {value}"


def _in_brackets(text: str, parent: Node, index: int, new: Entry, like: Node | None, style: Style) -> list[Change]:
    written = _flow(new, parent, like, style)
    if index == 0:
        start = parent.starts[0]
        alone = not text[line_start(text, start) : start].strip(" ")
        gap = "," + style.newline + " " * column(text, start) if alone else ", "
        return [Change(start, start, written + gap)]
    last, start = parent.entries[index - 1].end, parent.starts[index - 1]
    rest = _REST.match(text, last)
    if text[line_start(text, start) : start].strip(" ") or rest is None:
        return [Change(last, last, f", {written}")]
    # One entry a line: the new one gets a line too, and the comment behind the one before stays with it.
    more = "," if rest["comma"] else ""
    line = " " * column(text, start) + written + more
    comma = [] if more else [Change(last, last, ",")]
    return [*comma, Change(rest.end(), rest.end(), line + style.newline)]


def _in_block(text: str, parent: Node, index: int, new: Entry, like: Node | None, style: Style) -> list[Change]:
    indent = column(text, parent.starts[0])
    lines = entry(new.key, new.value, (parent, like), style, indent)
    at = _above(text, parent.starts[0]) if index == 0 else _below(text, parent.entries[index - 1].end, indent)
    if _spaced(text, parent):
        lines = [*lines, ""] if index == 0 else ["", *lines]
    return [_lines(text, at, lines, style)]


def _lines(text: str, at: int, lines: list[str], style: Style) -> Change:
    """The change that puts whole lines before the line that starts here."""
    written = style.newline.join(lines)
    if at and text[at - 1] != "\n":  # the file's last line has no end, and gets none
        return Change(at, at, style.newline + written)
    return Change(at, at, written + style.newline)


def _above(text: str, start: int) -> int:
    """Above an entry and the comment lines that lead up to it."""
    at = line_start(text, start)
    while at and _comment(text, line_start(text, at - 1)) == column(text, start):
        at = line_start(text, at - 1)
    return at


def _below(text: str, end: int, indent: int) -> int:
    """Below an entry and the comment lines that are indented as part of it."""
    at = end if text[end - 1] == "\n" else line_end(text, end)
    while _comment(text, at) > indent:
        at = line_end(text, at)
    return at


def _comment(text: str, start: int) -> int:
    """The column of the comment that the line starting here consists of; -1 where it is none."""
    found = _COMMENT.match(text, start)
    return len(found.group()) if found else -1


def _spaced(text: str, parent: Node) -> bool:
    """Whether a blank line lies between all entries."""
    if len(parent.starts) < 2:
        return False
    ends = [each.end for each in parent.entries]
    between = (text[end:start] for end, (_, start) in zip(ends, pairwise(parent.starts), strict=False))
    return all(_BETWEEN.search(each) for each in between)
