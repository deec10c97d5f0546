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
    """The reasons of one document. What was said about a place is not said again there, nor below it."""

    def __init__(self, document: str) -> None:
        self.document = document
        self._found: dict[Route, Reason] = {}

    def say(self, route: Route, message: str) -> None:
        """Add a reason, unless an earlier one is about the same."""
        if all(way not in self._found for way in _ways(route)):
            self._found[route] = Reason(self.document, route, message)

    def around(self) -> frozenset[Route]:
        """Every place at or below which something was said: there, more may be a mere echo of it."""
        return frozenset(way for route in self._found for way in _ways(route))

    def __iter__(self) -> Iterator[Reason]:
        return iter(self._found.values())

    def __bool__(self) -> bool:
        return bool(self._found)


def _ways(route: Route) -> list[Route]:
    return [route[:length] for length in range(len(route) + 1)]
