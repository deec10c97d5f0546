"""Where two documents differ, by routes: what the store holds against what YAML compiles to. Never a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from llmcompile.diagnostics import Route

What = Literal["gone", "added", "changed", "reordered", "null"]
WORDS: dict[What, str] = {
    "gone": "the store has it, what the YAML compiles to has not",
    "added": "the store does not have it, what the YAML compiles to has",
    "changed": "not the same in the store and in what the YAML compiles to",
    "reordered": "the order, which is priority, is not the same in the store and in what the YAML compiles to",
    "null": "null on one side, left out on the other",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two documents differ."""

    route: Route
    what: What
    """``null`` is none that a reader could tell."""


def differences(held: Any, compiled: Any, *, ordered: bool) -> Iterator[Difference]:
    """All places where a document of the store differs from a compiled one, outermost first.

    ``ordered``: whether the order of the outermost keys has a meaning, as that of an account's endpoints has.
    """
    yield from _between(held, compiled, ())
    if ordered and isinstance(held, dict) and list(held) != list(compiled) and held.keys() == compiled.keys():
        yield Difference((), "reordered")


def _between(held: Any, compiled: Any, route: Route) -> Iterator[Difference]:
    if isinstance(held, dict) and isinstance(compiled, dict):
        for key in {**held, **compiled}:
            yield from _of_key(held, compiled, key, (*route, key))
    elif isinstance(held, list) and isinstance(compiled, list) and len(held) == len(compiled):
        for index, (old, new) in enumerate(zip(held, compiled, strict=True)):
            yield from _between(old, new, (*route, index))
    elif isinstance(held, bool) is not isinstance(compiled, bool) or held != compiled:  # True == 1 in Python
        yield Difference(route, "changed")


def _of_key(held: dict[str, Any], compiled: dict[str, Any], key: str, route: Route) -> Iterator[Difference]:
    if key in held and key in compiled:
        yield from _between(held[key], compiled[key], route)
    elif held.get(key) is None and compiled.get(key) is None:
        yield Difference(route, "null")
    else:
        yield Difference(route, "gone" if key in held else "added")
