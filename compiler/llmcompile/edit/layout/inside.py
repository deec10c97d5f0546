"""Scalars of several lines: their lines move with the line that they start in, and say the same."""

from __future__ import annotations

from llmcompile.edit.layout.atoms import STEP, Atom, content_indent, indicators


def moved(atom: Atom, text: str, shift: int) -> str:
    """A scalar's text where the line that it starts in moves by ``shift`` columns."""
    lines = text.split("\n")
    if len(lines) == 1:
        return text
    if atom.kind == "block":
        return "\n".join([lines[0].rstrip(" "), *_block(atom, lines)])
    least = 1 if atom.flow else max(1, len(atom.blocks) * STEP)
    rest = [_at(each.lstrip(" "), max(least, _indent(each) + shift)) for each in lines[1:]]
    if text[0] not in "\"'":  # inside of quotes, a space before the line's end may be escaped
        lines[0], rest = lines[0].rstrip(" "), [each.rstrip(" ") for each in rest]
    return "\n".join([lines[0], *rest])


def content_column(atom: Atom, text: str) -> int:
    """The column that the lines of a block of text get."""
    digit = indicators(text).strip("+-")
    if digit:
        return max(0, len(atom.blocks) - 1) * STEP + int(digit)
    return max(1, len(atom.blocks) * STEP)


def _block(atom: Atom, lines: list[str]) -> list[str]:
    """The lines below a block's header. What is indented further than the block is part of what it says."""
    text = "\n".join(lines)
    old, new = content_indent(text, atom.base), content_column(atom, text)
    return [" " * new + each[old:] if each[old:] or each.strip(" ") else "" for each in lines[1:]]


def _at(line: str, indent: int) -> str:
    return " " * indent + line if line else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
