"""Secrets that stand where none belongs: the YAML would carry them into git."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmcompile.adopt.reading import Existing
from llmcompile.adopt.reasons import Reasons
from llmcompile.diagnostics import Route
from llmcompile.literals import looks_literal


def say_leaks(existing: Existing, reasons: Reasons) -> None:
    """Says where a secret stands in a place that is none for secrets: from there it would get into the YAML."""
    secrets, telling = existing.secrets, existing.telling
    for route, text, is_key in _strings(existing.data):
        if route in secrets:
            continue
        what = "a key here" if is_key else "this"
        if looks_literal(text):
            reasons.say(route, f"{what} looks like a secret, and would stand in the YAML as it is")
        if any(each in text for each in telling):
            reasons.say(route, f"{what} holds one of the document's secrets, and would stand in the YAML")


def _strings(value: Any, route: Route = ()) -> Iterator[tuple[Route, str, bool]]:
    """Every text in some data with its route, and whether it is a key; a key has the route of its object."""
    if isinstance(value, str):
        yield route, value, False
    elif isinstance(value, dict):
        for key, item in value.items():
            yield route, key, True
            yield from _strings(item, (*route, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*route, index))
