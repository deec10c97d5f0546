"""A file that is being edited: its text and what it says, in step.

Every step is read back by the strict loader: the data is what it was plus exactly what was meant, or there is no step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from llmcompile.diagnostics import Route
from llmcompile.edit.change import Change, apply
from llmcompile.edit.insert import Entry, first, insertion
from llmcompile.edit.tree import find, parse
from llmcompile.errors import RefusedError
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load


def same(one: Any, other: Any) -> bool:
    """Whether two files say the same: order and spelling of numbers count, and 1 is not true."""
    return repr(one) == repr(other)


@dataclass(frozen=True, slots=True)
class Draft:
    """A file's text, and its data as the strict loader reads it."""

    source: Source
    data: Any
    kind: type[BaseModel]
    """The input model: a key that a file lacks goes where this has it."""

    @property
    def text(self) -> str:
        """What would be written."""
        return self.source.text

    def get(self, route: Route) -> Any:
        """The data at a route; None where there is none."""
        value = self.data
        for step in route:
            value = dict(enumerate(value)) if isinstance(value, tuple) else value
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def put(self, route: Route, key: str | None, value: Any, index: int | None = None) -> Draft:
        """With one more entry in the map (with a key) or the list (without) at a route of keys, last or at an index.

        A collection that is not there is added. Raises ``RefusedError`` where the text's layout does not allow it.
        """
        there = self.get(route)
        if there is None:
            whole = (value,) if key is None else {key: value}
            name = str(route[-1])
            return self.put(route[:-1], name, whole, self._place(name) if len(route) == 1 else None)
        index = len(there) if index is None else index
        expected = _with(self.data, route, index, Entry(key, value))
        return self.proven(self._changes(route, index, Entry(key, value)), expected)

    def proven(self, changes: list[Change], expected: Any) -> Draft:
        """With changes made, if they come to the data that is expected; ``RefusedError`` where they do not."""
        source = replace(self.source, text=apply(self.text, changes))
        data, problems = load(source)
        if problems or not same(data, expected):
            why = f"what would be written has a problem: {problems[0].message}" if problems else ""
            raise self._refused(why or "its layout does not allow this edit")
        return replace(self, source=source, data=data)

    def _changes(self, route: Route, index: int, new: Entry) -> list[Change]:
        root = parse(self.text)
        node = find(root, route)
        if node is None or node.kind not in ("map", "list"):
            raise self._refused("what would be edited is written as an alias")
        if node.entries:
            return insertion(self.text, root, node, index, new)
        owner = find(root, route[:-1])
        assert owner is not None and owner.kind == "map"  # noqa: S101, PT018 - no list of ours holds lists
        return first(self.text, root, (owner, node), new)

    def _place(self, name: str) -> int:
        """Where a key goes that a file lacks: behind the last of those that the input model has before it."""
        fields = list(self.kind.model_fields)
        before = fields[: fields.index(name)]
        return max((at for at, key in enumerate(self.data, start=1) if key in before), default=len(self.data))

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(f"{self.source.file}: {why}; nothing was written", "edit it by hand")


def _with(data: Any, route: Route, index: int, new: Entry) -> Any:
    """The data with one more entry in the collection at a route of keys."""
    if route:
        step, rest = route[0], route[1:]
        return {name: _with(each, rest, index, new) if name == step else each for name, each in data.items()}
    if isinstance(data, dict):
        pairs = list(data.items())
        return dict([*pairs[:index], (str(new.key), new.value), *pairs[index:]])
    return (*data[:index], new.value, *data[index:])
