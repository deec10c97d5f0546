"""The one module that knows lines: turns places into lines and columns, on demand.

A file is read and composed again only when something in it is to be shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from llmcompile import literals
from llmcompile.diagnostics import Diagnostic, Place, Route
from llmcompile.load.source import MAX_FILE_BYTES, Source, leaves
from llmcompile.load.strict_yaml import compose
from llmcompile.load.tree import Root

Span = tuple[int, int]
_CONTEXT = 100
"""Lines above that may tell that a line belongs to a secret, where there is no tree to tell it."""
_Keys = dict[str | int, tuple[Node, Node]]
"""The pairs of a mapping by key."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a place is in its file. Lines and columns count characters from 1; the end column is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    """The first line, fit for a terminal and with secrets masked; empty where there is none."""


class Locator:
    """Finds places in the files below a root. Keeps what it read."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._files: dict[str, _File] = {}

    def find(self, place: Place) -> Location:
        """Where the place is. A route that leads nowhere ends at the deepest place that exists."""
        if place.file not in self._files:
            self._files[place.file] = _File(_text(self._root, place.file), place.file)
        return self._files[place.file].locate(place)


def shown_lines(file: str, text: str) -> list[str]:
    """Every line of a file's text as it may be shown: secrets masked, nothing that a terminal would obey."""
    of_file = _File(text, file)
    count = text.removesuffix("\n").count("\n") + 1 if text else 0
    return [of_file.line(number) for number in range(1, count + 1)]


def _text(root: Root, file: str) -> str:
    if not isinstance(root, Path):
        raw = root.raw(file)
        return "" if isinstance(raw, Diagnostic) else raw.decode("utf-8", "replace")
    path = root / file
    try:
        # What lies outside of the repository was not read, and must not be shown either.
        if leaves(root, path) or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            return ""
        # What is not UTF-8 is shown as such; nothing before it moves.
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


class _File:
    """A file with what was worked out about it: a million problems must not mean a million walks through it."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        composed = compose(Source(file, text)) if text else None
        self.root = None if isinstance(composed, Diagnostic) else composed
        self.starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))][:-1]
        self.secrets: dict[int, list[Span]] = {}
        self.lines: dict[int, str] = {}
        self.keys: dict[int, _Keys] = {}
        for span in _secret_spans(self.root, set()) if self.root else ():
            for line in range(self._position(span[0])[0], self._position(span[1])[0] + 1):
                self.secrets.setdefault(line, []).append(span)

    def locate(self, place: Place) -> Location:
        start, end = place.span or self._walk(place.route, place.at)
        start = min(start, len(self.text))
        end = max(start, min(end, len(self.text)))
        while end > start and self.text[end - 1] in " \r\n":
            end -= 1  # a block of text reaches up to the next key
        line, column = self._position(start)
        end_line, end_column = self._position(end)
        return Location(self.file, line, column, end_line, end_column, self.line(line))

    def _position(self, index: int) -> tuple[int, int]:
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line, counted from 1, as it may be shown."""
        if number not in self.lines:
            start = self.starts[number - 1]
            stop = self.text.find("\n", start)
            stop = len(self.text) if stop < 0 else stop
            line = list(self.text[start:stop])
            for left, right in self.secrets.get(number, ()):
                for at in range(max(left, start), min(right, stop)):
                    line[at - start] = "*"
            if self.root is None:
                above = self.text[self.starts[max(0, number - _CONTEXT)] : start].splitlines()
                self.lines[number] = literals.mask_unparsed([*above, "".join(line).rstrip("\r")])
            else:
                self.lines[number] = literals.mask("".join(line).rstrip("\r"))
        return self.lines[number]

    def _walk(self, route: Route, at: str) -> Span:
        """The span at the end of the route: a scalar itself, a flow collection, else the key that leads there."""
        node, key = self.root, None
        if node is None:
            return 0, 0
        for step in route:
            found = self._step(node, step)
            if found is None:
                break  # a missing key, or a step that a validator added: the parent is the place
            key, node = found
        if at == "key" and key is not None:
            return _span(key)
        start, end = _span(node)
        block = isinstance(node, CollectionNode) and not node.flow_style
        if key is not None and (block or start == end):
            return _span(key)
        return (start, _line_end(self.text, start)) if block else (start, end)

    def _step(self, node: Node, step: str | int) -> tuple[Node | None, Node] | None:
        if isinstance(node, MappingNode):
            if id(node) not in self.keys:
                # Reversed: the first of two equal keys is the one that counted.
                pairs = reversed(node.value)
                self.keys[id(node)] = {key.value: (key, value) for key, value in pairs if isinstance(key, ScalarNode)}
            return self.keys[id(node)].get(step)
        if isinstance(node, ScalarNode) or not isinstance(step, int):
            return None
        return (None, node.value[step]) if 0 <= step < len(node.value) else None


def _span(node: Node) -> Span:
    return node.start_mark.index, node.end_mark.index


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text[start : end if end >= 0 else len(text)].rstrip()) + start


def _secret_spans(node: Node, seen: set[tuple[int, bool]], *, secret: bool = False) -> Iterator[Span]:
    """Values in fields that hold secrets, where they are not refs: they are masked by where they are."""
    if isinstance(node, ScalarNode):
        if secret and not literals.is_pointer(node.value):
            yield _span(node)
    elif (id(node), secret) not in seen:
        seen.add((id(node), secret))
        if isinstance(node, MappingNode):
            for key, value in node.value:
                # A key may be a collection in YAML; its repr would expand every alias in it.
                named = isinstance(key, ScalarNode) and literals.is_secret_field(key.value)
                yield from _secret_spans(value, seen, secret=secret or named)
        else:
            for item in node.value:
                yield from _secret_spans(item, seen, secret=secret)
