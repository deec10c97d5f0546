"""The source file as a tree of values with their places, in YAML as other proxies read it.

As strict as our own loader about what cannot be meant, and tolerant of what PyYAML's users write: merge keys, ``True``,
``20_000``. Decides nothing about what a value is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from llmcompile.diagnostics import Diagnostic, Place, Related, Route
from llmcompile.literals import quote
from llmcompile.load import source as load_source
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import MAX_DEPTH, MAX_NODES, compose

_MERGE = "<<"
_TRUE, _FALSE, _NULL = ("true", "yes", "on"), ("false", "no", "off"), ("", "~", "null")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_DECIMAL = re.compile(r"[-+]?([0-9][0-9_]*)?(\.[0-9_]*)?([eE][-+]?[0-9]{1,2})?")
_MAX_DIGITS = 28
"""What our own YAML takes, with a sign and a point."""
Scalar = str | bool | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Value:
    """A node of the source. Its data is never part of a repr: it may be a secret."""

    route: Route
    line: int
    column: int
    span: tuple[int, int]
    data: str | tuple[Value, ...] | Mapping[str, Value] = field(repr=False)
    plain: bool = False
    """Whether it is text without quotes, which YAML may read as something else."""

    @property
    def null(self) -> bool:
        """Whether nothing is written."""
        return self.plain and isinstance(self.data, str) and self.data.lower() in _NULL

    @property
    def text(self) -> str | None:
        """The text of a scalar, as written; None for anything else, and for nothing."""
        return self.data if isinstance(self.data, str) and not self.null else None

    @property
    def items(self) -> tuple[Value, ...]:
        """The entries of a list; none for anything else."""
        return self.data if isinstance(self.data, tuple) else ()

    @property
    def fields(self) -> Mapping[str, Value]:
        """The entries of a mapping; none for anything else."""
        return self.data if isinstance(self.data, Mapping) else {}

    @property
    def flag(self) -> bool:
        """Whether it says true."""
        return self.plain and isinstance(self.data, str) and self.data.lower() in _TRUE

    def scalar(self) -> Scalar:
        """What PyYAML reads, with numbers exactly as they are written."""
        text = self.text
        if text is None or not self.plain:
            return text
        if text.lower() in (*_TRUE, *_FALSE):
            return text.lower() in _TRUE
        if _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return int(text.replace("_", ""))
        number = self.number()
        return text if number is None else number

    def whole(self) -> int | None:
        """The whole number that is written."""
        found = self.scalar()
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def number(self) -> Decimal | None:
        """The number that is written, in quotes or not: ``float()`` takes both, and so do those who read this file."""
        text = (self.text or "").strip()
        digits = text.replace("_", "")
        if not _DECIMAL.fullmatch(text) or not any(each.isdigit() for each in text.lower().partition("e")[0]):
            return None
        return found if len(f"{(found := Decimal(digits)):f}") <= _MAX_DIGITS else None

    def everything(self) -> Iterator[Value]:
        """The value and all below it."""
        yield self
        for each in (*self.items, *self.fields.values()):
            yield from each.everything()


def read(path: Path) -> tuple[Value | None, list[Diagnostic]]:
    """The tree of a file, or everything that is wrong with it as YAML. Places are below the file's folder."""
    resolved = path.resolve()
    source = load_source.read(resolved.parent, resolved.name)
    if isinstance(source, Diagnostic):
        hint = "import it in parts" if source.code == "file-too-large" else source.hint
        return None, [replace(source, hint=hint)]
    node = compose(source)
    if isinstance(node, Diagnostic):
        return None, [node]
    if node is None:
        place = Place(source.file, span=(0, 0))
        return None, [Diagnostic("file-empty", "the file says nothing", place, "name the proxy's configuration file")]
    builder = _Builder(source)
    value = builder.build(node, ())
    return (None, builder.problems) if builder.problems else (value, [])


class _Builder:
    """Turns nodes into values, with merge keys merged."""

    def __init__(self, source: Source) -> None:
        self.file = source.file
        self.problems: list[Diagnostic] = []
        self.nodes = 0

    def build(self, node: Node, route: Route) -> Value:
        data: str | tuple[Value, ...] | Mapping[str, Value] = ""
        if self._too_much(node, len(route)):
            pass  # the rest would only be more of it
        elif node.tag:
            tag = quote(node.tag.removeprefix("tag:yaml.org,2002:"))
            self._say("yaml-tag", node, f"YAML tag {tag} cannot be carried over", "write the plain value")
        elif isinstance(node, SequenceNode):
            data = tuple([self.build(each, (*route, index)) for index, each in enumerate(node.value)])
        elif isinstance(node, MappingNode):
            data = {key: self.build(each, (*route, key)) for key, each in self._pairs(node, 0).items()}
        else:
            data = node.value
        mark = node.start_mark
        plain = isinstance(node, ScalarNode) and not node.style
        return Value(route, mark.line + 1, mark.column + 1, _span(node), data, plain)

    def _too_much(self, node: Node, depth: int) -> bool:
        """Counts a node; whether there are too many of them, once aliases and merge keys are expanded."""
        self.nodes += 1
        over = self.nodes > MAX_NODES or depth > MAX_DEPTH
        if over and not self._said("yaml-alias"):
            message = f"aliases recurse or expand to more than {MAX_NODES:,} values"
            self._say("yaml-alias", node, message, "write the values out")
        return over

    def _pairs(self, node: MappingNode, depth: int) -> dict[str, Node]:
        """The entries of a mapping: its own, then what it merges, of which the first counts."""
        own: dict[str, Node] = {}
        keys: dict[str, Node] = {}
        merged: list[MappingNode] = []
        for key, each in node.value:
            if not isinstance(key, ScalarNode) or key.tag:
                self._say("yaml-key", key, "a key must be plain text", "write 'key: value'")
            elif key.value == _MERGE and not key.style:
                merged += self._merged(each)
            elif key.value in own:
                related = (Related(Place(self.file, span=_span(keys[key.value])), "first written here"),)
                message = f"key {quote(key.value)} is written twice; which one counts depends on who reads it"
                self._say("yaml-duplicate-key", key, message, "keep one", related)
            else:
                own[key.value], keys[key.value] = each, key
        for source in merged:
            if not self._too_much(source, depth):
                own = {**self._pairs(source, depth + 1), **own}
        return own

    def _merged(self, node: Node) -> list[MappingNode]:
        """The mappings of a merge key, those that count more first."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        found = [each for each in sources if isinstance(each, MappingNode)]
        if len(found) < len(sources):
            self._say("yaml-merge-key", node, "a merge key takes a mapping, or a list of them", "write '<<: *anchor'")
        return found

    def _said(self, code: str) -> bool:
        return any(each.code == code for each in self.problems)

    def _say(self, code: str, node: Node, message: str, hint: str, related: tuple[Related, ...] = ()) -> None:
        self.problems.append(Diagnostic(code, message, Place(self.file, span=_span(node)), hint, related))


def _span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index
