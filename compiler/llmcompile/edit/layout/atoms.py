"""A file as what is written and the white space between: tokens that have characters, with the blocks around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import yaml

from llmcompile.edit.change import column
from llmcompile.edit.tree import Loader

STEP = 2
"""Columns by which a block is indented below what it belongs to; a list's dashes too."""
Kind = Literal["-", "?", ":", ",", "[", "]", "{", "}", "scalar", "block", "name", "document"]
_KINDS: dict[type, Kind] = {
    yaml.BlockEntryToken: "-",
    yaml.KeyToken: "?",
    yaml.ValueToken: ":",
    yaml.FlowEntryToken: ",",
    yaml.FlowSequenceStartToken: "[",
    yaml.FlowSequenceEndToken: "]",
    yaml.FlowMappingStartToken: "{",
    yaml.FlowMappingEndToken: "}",
    yaml.ScalarToken: "scalar",
    yaml.AnchorToken: "name",
    yaml.AliasToken: "name",
    yaml.TagToken: "name",
    yaml.DirectiveToken: "document",
    yaml.DocumentStartToken: "document",
    yaml.DocumentEndToken: "document",
}


@dataclass(frozen=True, slots=True)
class Atom:
    """Something written. Positions count characters from 0."""

    kind: Kind
    start: int
    end: int
    blocks: tuple[int, ...]
    """The columns of the open blocks, outermost first; the last is the one that it stands in."""
    flow: int
    """How many brackets are open behind it."""
    opens: bool
    """Whether it may begin an entry of its block: a dash or a key. Else it is a value."""
    base: int
    """The column from which YAML counts an indentation that is written out (``|2``); -1 at the top."""

    @property
    def target(self) -> int:
        """The column that it gets at the start of a line, outside of brackets."""
        depth = len(self.blocks) - (1 if self.opens and self.blocks else 0)
        return 0 if self.kind == "document" else depth * STEP


def atoms(text: str) -> list[Atom]:
    """Everything that is written, in order. Only for text that ``load.strict_yaml`` has read."""
    reader = _Reader(text)
    for token in yaml.scan(text, Loader=Loader):
        reader.read(token)
    return reader.atoms


class _Reader:
    """Follows libyaml's tokens through the blocks that they open and close."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.atoms: list[Atom] = []
        self.blocks: list[tuple[int, str]] = []
        self.flow = 0
        self.in_key = False

    def read(self, token: Any) -> None:
        self._follow(token)
        start, end = token.start_mark.index, token.end_mark.index
        kind = _KINDS.get(type(token))
        if kind is None or start == end:
            return
        base = next((each for each, what in reversed(self.blocks) if what != "bare"), -1)
        if kind == "scalar" and token.style in ("|", ">"):
            kind, end = "block", start + len(_without_blank_end(self.text[start:end], base))
        opens = kind in ("-", "?") or self.in_key or (kind == ":" and not self.flow and self._first(start))
        columns = tuple(each for each, _ in self.blocks)
        self.atoms.append(Atom(kind, start, end, columns, self.flow, opens and not self.flow, base))

    def _follow(self, token: Any) -> None:
        bare = bool(self.blocks) and self.blocks[-1][1] == "bare"
        at = column(self.text, token.start_mark.index)
        if isinstance(token, yaml.BlockMappingStartToken):
            self.blocks.append((at, "map"))
        elif isinstance(token, yaml.BlockSequenceStartToken):
            self.blocks.append((at, "list"))
        elif isinstance(token, yaml.BlockEntryToken) and not self.flow:
            if self.blocks[-1][1] == "map":  # dashes at their key's own column open no block of libyaml's
                self.blocks.append((at, "bare"))
        elif isinstance(token, yaml.BlockEndToken | yaml.KeyToken) and not self.flow:
            if bare:
                self.blocks.pop()
            if isinstance(token, yaml.BlockEndToken):
                self.blocks.pop()
        elif isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
            self.flow += 1
        elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken):
            self.flow -= 1
        if isinstance(token, yaml.KeyToken | yaml.ValueToken) and not self.flow:
            self.in_key = isinstance(token, yaml.KeyToken)

    def _first(self, start: int) -> bool:
        return not self.text[start - column(self.text, start) : start].strip(" ")


def indicators(block: str) -> str:
    """What stands behind ``|`` or ``>``: how lines at its end are kept, and an indentation that is written out."""
    return block.partition("\n")[0].partition("#")[0][1:].strip(" ")


def content_indent(block: str, base: int) -> int:
    """The columns in front of the lines of a block of text."""
    digit = indicators(block).strip("+-")
    if digit:
        return max(0, base) + int(digit)
    first = next((each for each in block.split("\n")[1:] if each.strip(" ")), "")
    return len(first) - len(first.lstrip(" "))


def _without_blank_end(block: str, base: int) -> str:
    """Without the end of its last line, and without the blank lines below it that say nothing."""
    if "+" in indicators(block):
        return block.removesuffix("\n")
    lines, indent = block.split("\n"), content_indent(block, base)
    while not lines[-1].strip(" ") and len(lines[-1]) <= indent:
        lines.pop()
    return "\n".join(lines)
