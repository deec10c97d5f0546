"""Why a document cannot be adopted, at its JSON pointer. Reasons hold no value of a document, only keys on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmcompile.diagnostics import Route
from llmcompile.literals import mask


def pointer(route: Route) -> str:
    """A route as a JSON pointer (RFC 6901), as it may stand in a ref."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in route)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason."""

    document: str
    """The secret and its version."""
    route: Route
    message: str

    def __str__(self) -> str:
        at = f"{mask(pointer(self.route))}: " if self.route else ""
        return f"{self.document}: {at}{self.message}"


class Reasons:
    """The reasons of one document. What was said about a place is not said again above, at or below it."""

    def __init__(self, document: str) -> None:
        self.document = document
        self._found: list[Reason] = []
        self._said: set[Route] = set()
        self._above: set[Route] = set()

    def say(self, route: Route, message: str) -> None:
        """Add a reason, unless an earlier one is about the same."""
        ways = [route[:length] for length in range(len(route) + 1)]
        if route in self._above or not self._said.isdisjoint(ways):
            return
        self._said.add(route)
        self._above.update(ways)
        self._found.append(Reason(self.document, route, message))

    def __iter__(self) -> Iterator[Reason]:
        return iter(self._found)

    def __bool__(self) -> bool:
        return bool(self._found)
