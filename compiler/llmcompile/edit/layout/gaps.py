"""White space: what lies between two things that are written, and what shall lie there."""

from __future__ import annotations

from dataclasses import dataclass

from llmcompile.edit.layout.atoms import STEP, Atom

_CLOSING = (",", "]", "}")


@dataclass(frozen=True, slots=True)
class Gap:
    """Between two atoms; the file's start and end have one side."""

    before: Atom | None
    after: Atom | None
    column: int
    """Where ``after`` stands now, if it starts a line."""
    goal: int
    """Where it shall stand then."""
    shift: int
    """By how much the line moves that the open brackets started in."""
    limit: int | None
    """Comments stay left of this column: behind a block of text they would become part of it."""


class UnformattableError(Exception):
    """There is something between what is written that is neither white space nor a comment."""


def spaced(gap: Gap, text: str) -> str:
    """A gap as it shall be. It ends in a line's indentation if it has a line end."""
    first, *rest = text.split("\n")
    if not rest and gap.after is not None:
        return _inline(gap, text)
    lines = [] if gap.before is None else [_behind(first)]
    rest = [first, *rest] if gap.before is None else rest
    last = rest.pop() if gap.after is not None else ""
    if last.strip(" "):
        raise UnformattableError
    blank = gap.before is None
    for each in rest:
        if each.strip(" "):
            lines.append(_comment(gap, each))
        elif not blank:
            lines.append("")
        blank = not each.strip(" ")
    if gap.after is None:
        return "\n".join(lines).rstrip("\n") + "\n"
    return "\n".join([*lines, " " * gap.goal])


def _inline(gap: Gap, text: str) -> str:
    """Between two things on one line."""
    assert gap.after is not None  # noqa: S101 - the caller's case
    before, after = gap.before.kind if gap.before else "", gap.after.kind
    if text.strip(" "):
        raise UnformattableError
    if not before:
        return " " * gap.goal
    if before == "?" or before == "document" or (before == ":" and after in _CLOSING):
        return text
    if after in _CLOSING or before in ("[", "{") or (after == ":" and before == "scalar"):
        return ""
    if before in ("-", ":", ",", "name") and after != ":":
        return " "
    return text


def _behind(text: str) -> str:
    """A comment behind something: as far from it as it is."""
    comment = text.lstrip(" ")
    if comment and (comment[0] != "#" or comment == text):
        raise UnformattableError
    return text.rstrip(" ")


def _comment(gap: Gap, line: str) -> str:
    """A comment on a line of its own: it moves with the block that it is indented as part of."""
    comment = line.strip(" ")
    if comment[0] != "#":
        raise UnformattableError
    at = len(line) - len(line.lstrip(" "))
    if gap.before is not None and gap.before.flow:
        return " " * max(0, at + gap.shift) + comment
    known = [(0, 0), *_columns(gap.before), *_columns(gap.after), (gap.column, gap.goal)]
    old = max(column for column, _ in known if column <= at)
    # Of several at one column the last counts: what follows.
    new = next(goal for column, goal in reversed(known) if column == old)
    at = new + at - old
    return " " * (at if gap.limit is None else min(at, gap.limit - 1)) + comment


def _columns(atom: Atom | None) -> list[tuple[int, int]]:
    """The columns of the blocks around an atom, now and then."""
    return [(each, index * STEP) for index, each in enumerate(atom.blocks)] if atom else []
