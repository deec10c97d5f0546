"""What a mutation is: an edited repository, the token that is wrong in it, and what should be suggested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mutate.example import Example

Span = tuple[int, int]
"""Character offsets into a file's text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One mutation at one place."""

    file: str
    """The edited file, as it is called afterwards."""
    changed: Mapping[str, bytes | None]
    """Every file that differs, with its bytes; None: it is gone."""
    tokens: tuple[tuple[str, Span], ...]
    """What is wrong now, by file: a diagnostic must cover one of them."""
    meant: tuple[str, ...] = ()
    """The first suggestion must hold one of these; empty: there is no one right answer."""
    choice: str = ""
    """Why an author may have meant exactly this, so that nothing can call it a mistake; empty: it is one."""


Places = Callable[["Example"], Iterator[Edit]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mistake, and every place where it fits."""

    name: str
    says: str
    """What is done, in a line."""
    family: str
    places: Places = field(repr=False)


KINDS: dict[str, Kind] = {}


def kind(places: Places) -> Places:
    """Register a function that yields every place of a mistake: its name is the kind's, its docstring what it says."""
    name = places.__name__.replace("_", "-")
    assert name not in KINDS, name
    says = (places.__doc__ or "").strip().splitlines()[0].removesuffix(".")
    KINDS[name] = Kind(name, says, places.__module__.rpartition(".")[2], places)
    return places
