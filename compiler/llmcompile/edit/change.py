"""Text with parts replaced, and the difference that makes, fit to be shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from llmcompile.load.locate import shown_lines


@dataclass(frozen=True, slots=True)
class Change:
    """A part of a text and what stands there afterwards."""

    start: int
    end: int
    text: str


def apply(text: str, changes: Iterable[Change]) -> str:
    """The text with all changes made; they must not overlap."""
    parts, at = [], 0
    for each in sorted(changes, key=lambda each: (each.start, each.end)):
        assert each.start >= at, "overlapping changes"  # noqa: S101 - a bug, never a user's answer
        parts += [text[at : each.start], each.text]
        at = each.end
    return "".join([*parts, text[at:]])


def line_start(text: str, at: int) -> int:
    """Where the line of a position starts."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the next line starts, or where the text ends."""
    return text.find("\n", at) + 1 or len(text)


def column(text: str, at: int) -> int:
    """Characters between the line's start and a position."""
    return at - line_start(text, at)


def diff(file: str, before: str, after: str) -> str:
    """A unified diff as ``git`` prints one, with secrets masked; empty where nothing changed."""
    if before == after:
        return ""
    old, new = (shown_lines(file, each) for each in (before, after))
    name = f"a/{file}" if before else "/dev/null"
    return "\n".join(difflib.unified_diff(old, new, name, f"b/{file}", lineterm="")) or f"{file}: only line ends change"
