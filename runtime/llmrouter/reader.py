"""Reads JSON strictly and walks it with the path always at hand.

A problem names the variable and the path, never the value found there: it could be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from llmrouter.strict_json import Twice, loads

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


class DocumentError(Exception):
    """A document that cannot be served: which one, where in it, what is wrong, and what to do."""

    def __init__(self, variable: str, path: str, problem: str, hint: str = "") -> None:
        super().__init__(f"{variable}: {path}: {problem}")
        self.variable, self.path, self.problem = variable, path, problem
        self.hint = hint or "compile and push the document again (llmcompile check, llmcompile push)"


@dataclass(slots=True, eq=False)  # not frozen, which takes thrice as long: a document has thousands of them
class Node:
    """A JSON value with its place, which is written out only once something is wrong there."""

    variable: str
    value: Any
    _above: Node | None = None
    _step: str | int = "$"

    @classmethod
    def parse(cls, variable: str, source: str | bytes) -> Node:
        """The root of a document; JSON as RFC 8259 has it, in UTF-8, without duplicate keys."""
        root = cls(variable, None)
        try:
            text = source if isinstance(source, str) else source.decode()
        except UnicodeDecodeError:
            root.fail("is not UTF-8")
        if not text.strip():
            root.fail("is set but empty")
        try:
            value = loads(text)
        except json.JSONDecodeError as error:
            root.fail(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno}); is it truncated?")
        except (ValueError, RecursionError):
            root.fail("is not JSON that can be read: a number or the nesting is out of bounds")
        found = cls(variable, value)
        if _holds_twice(value):
            found._refuse_twice()
        return found

    def _refuse_twice(self) -> NoReturn:
        """Say which object below has a key twice."""
        waiting = [self]
        while not isinstance((node := waiting.pop()).value, Twice):
            waiting += node.fields().values() if isinstance(node.value, dict) else ()
            waiting += node.items() if isinstance(node.value, list) else ()
        node.fail("a key occurs twice in this object")

    @property
    def path(self) -> str:
        """The place in the document: ``$.models[0]``."""
        if self._above is None:
            return "$"
        above, step = self._above.path, self._step
        if isinstance(step, int):
            return f"{above}[{step}]"
        return f"{above}.{step}" if _PLAIN.fullmatch(step) else f"{above}[{json.dumps(step[:80])}]"

    def fail(self, problem: str, hint: str = "") -> NoReturn:
        """Refuse the document because of what is here."""
        raise DocumentError(self.variable, self.path, problem, hint)

    def _expected(self, what: str) -> NoReturn:
        self.fail(f"expected {what}, found {_KINDS.get(type(self.value), 'a number')}")

    def _members(self) -> dict[str, Any]:
        return self.value if isinstance(self.value, dict) else self._expected("an object")

    def fields(self) -> Mapping[str, Node]:
        """The members of an object, in their order."""
        return {name: Node(self.variable, value, self, name) for name, value in self._members().items()}

    def items(self) -> tuple[Node, ...]:
        """The members of a list."""
        if not isinstance(self.value, list):
            self._expected("a list")
        return tuple(Node(self.variable, value, self, at) for at, value in enumerate(self.value))

    def field(self, name: str) -> Node:
        """A member that must be there."""
        members = self._members()
        found = Node(self.variable, members.get(name), self, name)
        return found if name in members else found.fail("is missing")

    def optional(self, name: str) -> Node | None:
        """A member that may be left out or null."""
        value = self._members().get(name)
        return None if value is None else Node(self.variable, value, self, name)

    def nullable(self, name: str) -> Node | None:
        """A member that must be there and may be null: that it is not a misspelled one is said by its presence."""
        found = self.field(name)
        return None if found.value is None else found

    def text(self) -> str:
        """Text that is not empty."""
        if not isinstance(self.value, str):
            self._expected("text")
        if not self.value:
            self.fail("is empty")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(each.text() for each in self.items())

    def matching(self, pattern: re.Pattern[str], what: str) -> str:
        """Text of a form."""
        text = self.text()
        return text if pattern.fullmatch(text) else self.fail(f"is not {what}")

    def one_of(self, *options: str) -> str:
        """One of a few words."""
        return self.text() if self.value in options else self.fail(f"is none of {', '.join(options)}")

    def boolean(self) -> bool:
        """true or false."""
        return self.value if isinstance(self.value, bool) else self._expected("true or false")

    def count(self) -> int:
        """An integer of at least 1."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self._expected("an integer")
        return self.value if self.value >= 1 else self.fail("is less than 1")

    def seconds(self) -> float:
        """A positive number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self._expected("a number")
        return float(self.value) if 0 < self.value < 1e9 else self.fail("is not a time in seconds above 0")


def _holds_twice(value: Any) -> bool:
    """Whether any object in it has a key twice, wherever a reader would look."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Twice):
            return True
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return False
