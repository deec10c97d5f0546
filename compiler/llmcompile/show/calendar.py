"""The calendar: everything dated, by date, with its line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llmcompile.check.lifetimes import Event, events
from llmcompile.emit.canonical import instant
from llmcompile.inputs.values import format_instant
from llmcompile.link.catalogue import Catalogue
from llmcompile.literals import mask
from llmcompile.load.locate import Location, Locator

JSON_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """An event where it is written, seen from now."""

    event: Event
    days: int
    """Whole days from now; below zero: ago."""
    at: Location


def choose(catalogue: Catalogue, now: datetime, within: timedelta | None) -> list[Event]:
    """What is past and still breaks something, and what lies ahead, at most ``within`` from now."""
    return [
        event
        for event in events(catalogue)
        if (event.past is not None if event.at <= now else within is None or event.at <= now + within)
    ]


def entries(chosen: Iterable[Event], now: datetime, locator: Locator) -> list[Entry]:
    """The events by date, then by place."""
    found = [Entry(each, (each.at - now).days, locator.find(each.place)) for each in chosen]
    return sorted(found, key=lambda each: (each.event.at, each.at.file, each.at.line, each.at.column))


def render_json(found: Sequence[Entry], now: datetime, within: timedelta | None) -> str:
    """One object with the format's version, the instant, the span and the events."""
    data = {
        "format": JSON_FORMAT,
        "as_of": instant(now),
        "within_days": within.days if within is not None else None,
        "events": [_object(each, now) for each in found],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _object(each: Entry, now: datetime) -> dict[str, object]:
    past = each.event.past
    return {
        "at": instant(each.event.at),
        "days": each.days,
        "kind": each.event.kind,
        "what": mask(each.event.what),
        "breaks": past.code if past else None,
        "overdue": each.event.at <= now,
        "file": mask(each.at.file),
        "line": each.at.line,
        "column": each.at.column,
    }


def render_text(found: Sequence[Entry]) -> str:
    """A line for each event: date, distance, what happens, where it is written."""
    if not found:
        return "nothing dated"
    rows = [(format_instant(each.event.at), distance(each.days), mask(each.event.what)) for each in found]
    dates, distances = (max(len(row[at]) for row in rows) for at in (0, 1))
    return "\n".join(
        f"{date.ljust(dates)}  {distance.rjust(distances)}  {what}\n{' ' * (dates + distances + 4)}{_where(each.at)}"
        for (date, distance, what), each in zip(rows, found, strict=True)
    )


def distance(days: int) -> str:
    """Whole days from now, in words."""
    if days < 0:
        return f"{-days:,} day{'s' if days < -1 else ''} ago"
    return "today" if days == 0 else f"in {days:,} day{'s' if days > 1 else ''}"


def _where(at: Location) -> str:
    return f"{mask(at.file)}:{at.line}:{at.column}"
