"""What the cache keeps, as plain tuples: fast to read, and nothing in them is ever run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from llmcompile.diagnostics import Diagnostic, Fix, Place, Related

Plain = Any
"""Nested tuples of text, numbers and None, as ``marshal`` takes them."""


def place_out(place: Place) -> Plain:
    """A place as plain data."""
    return place.file, place.route, place.at, place.span


def place_in(data: Plain) -> Place:
    """The place that was written."""
    return Place(*data)


def diagnostic_out(said: Diagnostic) -> Plain:
    """A diagnostic as plain data."""
    related = tuple((place_out(each.place), each.label) for each in said.related)
    fix = None
    if said.fix is not None:
        value = said.fix.value
        fix = (str(value), type(value) is Decimal) if isinstance(value, Decimal) else (value, False)
    return said.code, said.message, place_out(said.place), said.hint, related, fix


def diagnostic_in(data: Plain) -> Diagnostic:
    """The diagnostic that was written."""
    code, message, place, hint, related, fix = data
    again = tuple(Related(place_in(each), label) for each, label in related)
    value = None if fix is None else Fix(Decimal(fix[0]) if fix[1] else fix[0])
    return Diagnostic(code, message, place_in(place), hint, again, value)


def instant_out(instant: datetime) -> str:
    """An instant as text, exactly."""
    return instant.isoformat()


def instant_in(text: str) -> datetime:
    """The instant that was written."""
    return datetime.fromisoformat(text)
