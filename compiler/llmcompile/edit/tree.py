"""Where everything in a file is: the node tree with the ends of what is written, aliases as such.

Built from libyaml's events: its composed tree puts an alias where its anchor is, and ends a block behind the comments
that follow it. Only for text that ``load.strict_yaml`` has read: nothing is checked again here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from llmcompile.diagnostics import Route

Loader = yaml.CSafeLoader


@dataclass(frozen=True, slots=True)
class Node:
    """A value in the text. Positions count characters from 0; ``end`` is exclusive."""

    kind: Literal["map", "list", "scalar", "alias"]
    start: int
    """Of what is written itself: behind an anchor; of a block its first key or dash."""
    end: int
    """Behind the last character that says something: comments that follow are not part of it."""
    flow: bool = False
    """Whether it stands in brackets or braces."""
    value: str = ""
    """A scalar's text."""
    quote: str = ""
    """How a scalar is quoted: ``"``, ``'``, ``|``, ``>`` or not at all."""
    pairs: tuple[tuple[Node, Node], ...] = ()
    items: tuple[Node, ...] = ()
    starts: tuple[int, ...] = ()
    """Where each entry starts: its key in a map, its dash in a block list."""

    @property
    def entries(self) -> tuple[Node, ...]:
        """The values of a map or a list."""
        return self.items or tuple(value for _, value in self.pairs)

    def get(self, step: str | int) -> Node | None:
        """The value below a key or an index."""
        if isinstance(step, int):
            return self.items[step] if 0 <= step < len(self.items) else None
        return next((value for key, value in self.pairs if key.value == step), None)

    def key(self, step: str) -> Node | None:
        """The node of a key itself."""
        return next((key for key, _ in self.pairs if key.value == step), None)


def parse(text: str) -> Node:
    """The tree of a file that holds one document."""
    return _Parser(text).root()


def find(node: Node, route: Route) -> Node | None:
    """The value at a route; None where it leads nowhere, or through an alias."""
    for step in route:
        found = node.get(step)
        if found is None:
            return None
        node = found
    return node


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    for each in node.entries:
        yield from walk(each)


class _Parser:
    """Events to nodes. Tokens tell what events do not: where dashes are, and where a value starts behind an anchor."""

    def __init__(self, text: str) -> None:
        self.dashes: list[int] = []
        self.scalars: dict[int, int] = {}
        for token in yaml.scan(text, Loader=Loader):
            if isinstance(token, yaml.BlockEntryToken):
                self.dashes.append(token.start_mark.index)
            elif isinstance(token, yaml.ScalarToken):
                self.scalars[token.end_mark.index] = token.start_mark.index
        self.events: Iterator[Any] = iter(list(yaml.parse(text, Loader=Loader)))

    def root(self) -> Node:
        for event in self.events:
            if isinstance(event, yaml.NodeEvent):
                return self._node(event)
        raise AssertionError("a file without a node was loaded")

    def _node(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.AliasEvent):
            return Node("alias", start, end)
        if isinstance(event, yaml.ScalarEvent):
            start = self.scalars.get(end, start) if end > start else start
            return Node("scalar", start, end, value=event.value, quote=event.style or "")
        return self._list(event) if isinstance(event, yaml.SequenceStartEvent) else self._map(event)

    def _list(self, event: Any) -> Node:
        items, starts = [], []
        while not isinstance(child := next(self.events), yaml.SequenceEndEvent):
            if not event.flow_style:
                starts.append(self.dashes[bisect_left(self.dashes, child.start_mark.index) - 1])
            items.append(self._node(child))
            if event.flow_style:
                starts.append(child.start_mark.index)
        first, last = self._ends(event, child, starts, items)
        return Node("list", first, last, bool(event.flow_style), items=tuple(items), starts=tuple(starts))

    def _map(self, event: Any) -> Node:
        pairs = []
        while not isinstance(child := next(self.events), yaml.MappingEndEvent):
            key = self._node(child)
            pairs.append((key, self._node(next(self.events))))
        starts = [key.start for key, _ in pairs]
        first, last = self._ends(event, child, starts, [max(pair, key=lambda each: each.end) for pair in pairs])
        return Node("map", first, last, bool(event.flow_style), pairs=tuple(pairs), starts=tuple(starts))

    def _ends(self, event: Any, closing: Any, starts: list[int], last: list[Node]) -> tuple[int, int]:
        if event.flow_style:
            return event.end_mark.index - 1, closing.end_mark.index
        return starts[0], last[-1].end
