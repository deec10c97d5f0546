"""What a check says: a code, a message, a place, related places and a hint.

Places are routes into a file (``("endpoints", "default", "api_key")``); only ``load.locate`` turns them into
lines and columns, and only for what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NamedTuple

from llmcompile.codes import CODES

Route = tuple[str | int, ...]


class Severity(StrEnum):
    """How bad it is: an error stops the build, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Place(NamedTuple):
    """Somewhere in a file: a route to a value or to a key, or a span where there is no tree to walk.

    Made for every token that a check looks at: a tuple is made in a third of the time of a dataclass.
    """

    file: str
    """Path below the root, with forward slashes."""
    route: Route = ()
    at: Literal["value", "key"] = "value"
    span: tuple[int, int] | None = None
    """Character offsets into the file's text, for what YAML itself could not read."""

    def key(self) -> Place:
        """The same place, pointing at the key instead of its value."""
        return Place(self.file, self.route, "key")

    def __truediv__(self, step: str | int) -> Place:
        return Place(self.file, (*self.route, step))


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains a diagnostic."""

    place: Place
    label: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What a machine may write at a diagnostic's place without asking: nothing else can have been meant."""

    value: str | int | Decimal
    """The value that stands there then; where the place is a key, its name."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. The severity follows from the code."""

    code: str
    message: str
    place: Place
    hint: str = ""
    related: tuple[Related, ...] = ()
    fix: Fix | None = None

    def __post_init__(self) -> None:
        assert self.code in CODES, f"undeclared code {self.code}"  # noqa: S101 - a bug, never a user's answer

    @property
    def severity(self) -> Severity:
        """The severity that the code table gives."""
        return Severity(CODES[self.code].severity)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them stops the build."""
    return any(each.severity is Severity.ERROR for each in diagnostics)
