"""Usage as it was measured, read from CSV: who used how many tokens of which model on which day.

Every row that is not right is said with its line and column; none is guessed at, and none is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.inputs.values import parse_instant
from llmcompile.literals import mask, quote
from llmcompile.load.locate import Location
from llmcompile.show.located import Located
from llmcompile.suggest import did_you_mean
from llmrouter.prices import Usage

COLUMNS = ("account", "model", "day")
OPTIONAL = ("region",)
UNITS = Usage._fields
_MOST_DIGITS = 18
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file with its cells."""

    file: str
    number: int
    text: str
    cells: tuple[str, ...]

    def wrong(self, code: str, message: str, at: int, hint: str = "") -> Located:
        """A problem with a cell, where it is; beyond the last one, at the end of the line."""
        start = _offset(self.text, at)
        end = min(len(self.text), start + (len(self.cells[at]) if at < len(self.cells) else 0))
        location = Location(self.file, self.number, start + 1, self.number, end + 1, mask(self.text))
        return Located(Diagnostic(code, message, Place(self.file, span=(0, 0)), hint), location, ())


@dataclass(frozen=True, slots=True)
class Row:
    """What one account used of one model in a while."""

    line: Line
    columns: tuple[str, ...]
    account: str
    model: str
    region: str | None
    start: datetime
    """The day, or the instant that stands for it."""
    end: datetime
    """The first instant after it; of an instant, the instant itself."""
    usage: Usage

    def wrong(self, code: str, message: str, column: str, hint: str = "") -> Located:
        """A problem with one of its cells."""
        return self.line.wrong(code, message, self.columns.index(column), hint)


def read_usage(file: str, raw: bytes) -> tuple[list[Row], list[Located]]:
    """The rows, and everything that is wrong with the others."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        line = Line(file, number, "", ())
        return [], [line.wrong("file-encoding", f"not UTF-8: byte 0x{raw[error.start]:02x}", 0, "save it as UTF-8")]
    lines = _lines(file, text)
    head = next(lines, None)
    if isinstance(head, Located):
        return [], [head]
    if head is None:
        empty = Line(file, 1, "", ())
        return [], [empty.wrong("file-empty", "the file says nothing", 0, f"start it with {','.join(COLUMNS)},…")]
    columns = tuple(each.strip() for each in head.cells)
    problems = list(_columns(head, columns))
    if problems:
        return [], problems
    rows: list[Row] = []
    for each in lines:
        read = [each] if isinstance(each, Located) else list(_row(each, columns))
        problems += [one for one in read if isinstance(one, Located)]
        rows += [one for one in read if isinstance(one, Row)]
    return rows, problems


def _lines(file: str, text: str) -> Iterator[Line | Located]:
    for number, line in enumerate(text.split("\n"), 1):
        each = line.removesuffix("\r")
        if not each.strip():
            continue
        try:
            cells = tuple(next(csv.reader([each], strict=True)))
        except csv.Error as error:
            hint = "a quoted cell ends in its own line, and a quote inside is written twice"
            yield Line(file, number, each, ()).wrong("value-invalid", f"not CSV: {error}", 0, hint)
            continue
        yield Line(file, number, each, cells)


def _offset(text: str, cell: int) -> int:
    """Where a cell starts in its line."""
    quoted, at = False, 0
    for index, each in enumerate(text):
        if at == cell:
            return index
        quoted ^= each == '"'
        at += each == "," and not quoted
    return len(text)


def _columns(head: Line, columns: Sequence[str]) -> Iterator[Located]:
    known = (*COLUMNS, *OPTIONAL, *UNITS)
    misspelled = not set(columns) <= set(known)
    for at, each in enumerate(columns):
        if each not in known:
            hint = did_you_mean(each, known, f"known columns: {', '.join(known)}")
            yield head.wrong("key-unknown", f"unknown column {quote(each)}", at, hint)
        elif each in columns[:at]:
            yield head.wrong("list-duplicate", f"{quote(each)} is a column twice", at, "keep one")
    for each in COLUMNS:
        if each not in columns and not misspelled:
            yield head.wrong("key-missing", f"column '{each}' is missing", len(columns), f"add {each}")
    if not set(UNITS) & set(columns):
        yield head.wrong("key-missing", "no column of tokens", len(columns), f"add one of {', '.join(UNITS)}")


def _row(line: Line, columns: tuple[str, ...]) -> Iterator[Row | Located]:
    if len(line.cells) != len(columns):
        message = f"{len(line.cells)} cells in {len(columns)} columns"
        yield line.wrong("value-invalid", message, min(len(line.cells), len(columns)))
        return
    cells = dict(zip(columns, (each.strip() for each in line.cells), strict=True))
    problems: list[Located] = []

    def read(column: str, of: Callable[[str], T], hint: str) -> T | None:
        try:
            return of(cells[column])
        except ValueError as error:
            problems.append(line.wrong("value-invalid", str(error), columns.index(column), hint))
            return None

    start = read("day", parse_instant, "write 2026-01-31, or 2026-01-31T12:00:00Z")
    hint = "a whole number without separators; nothing is 0"
    counts = {each: read(each, _tokens, hint) for each in UNITS if each in columns}
    if problems or start is None:
        yield from problems
        return
    end = start if "T" in cells["day"] else start + timedelta(days=1)
    usage = Usage(**{unit: count or 0 for unit, count in counts.items()})
    yield Row(line, columns, cells["account"], cells["model"], cells.get("region") or None, start, end, usage)


def _tokens(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise ValueError(f"{quote(text)} is not a number of tokens")
    return int(text)
