"""Why a document cannot be adopted, at its JSON pointer. Reasons hold no value of a document, only keys on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    """The reasons of one document. What was said about a place is not said again there, nor below it.

    ``hidden`` are texts that no key on the way to a place may show: a secret may have been written as a key.
    """

    def __init__(self, document: str, hidden: Collection[str] = ()) -> None:
        self.document, self.hidden = document, hidden
        self._found: dict[Route, str] = {}

    def say(self, route: Route, message: str) -> None:
        """Add a reason, unless an earlier one is about the same."""
        if all(way not in self._found for way in _ways(route)):
            self._found[route] = message

    def around(self) -> frozenset[Route]:
        """Every place at or below which something was said: there, more may be a mere echo of it."""
        return frozenset(way for route in self._found for way in _ways(route))

    def __iter__(self) -> Iterator[Reason]:
        for route, message in self._found.items():
            yield Reason(self.document, tuple(self._shown(step) for step in route), message)

    def __bool__(self) -> bool:
        return bool(self._found)

    def _shown(self, step: str | int) -> str | int:
        return "***" if any(each in str(step) for each in self.hidden) else step


def _ways(route: Route) -> list[Route]:
    return [route[:length] for length in range(len(route) + 1)]
