"""The fault matrix as ``docs/reliability.md`` shows it; ``GOLDEN=write`` (``make golden``) writes it anew."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from itertools import groupby, product
from pathlib import Path

import pytest
from fault_matrix import FAULTS
from faults import MODES, WORLDS, Fault, Row, Rows

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
WRITE = os.environ.get("GOLDEN") == "write"
BEGIN, END = "<!-- from tests/runtime/fault_matrix.py, by make golden -->\n", "<!-- to here -->\n"
_TOLD = ("client gets", "calls", "log", "tokens, cost")
_HEAD = ("fault", "asked", *(f"{world}: {each}" for world in ("alone", "with a second") for each in _TOLD))


def page(text: str) -> str:
    """A page with the tables of today between its marks. Raises ValueError where it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("no marks")
    return before + begin + "".join(_part(name, faults) for name, faults in FAULTS.items()) + "\n" + end + after


def _part(name: str, faults: list[Fault]) -> str:
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD))]
    for fault in faults:
        lines += [_line([fault.name, asked, *cells]) for asked, cells in _asked(fault)]
    return f"\n### {name}\n\n" + "".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _asked(fault: Fault) -> list[tuple[str, list[str]]]:
    """One line where both modes come to the same, else one for each."""
    plain, streamed = (
        [text(fault.rows[world, mode], told) for world in WORLDS for told in _CELLS[world]] for mode in MODES
    )
    return [("both", plain)] if plain == streamed else [("plain", plain), ("streamed", streamed)]


def text(rows: Rows, told: Callable[[Row], str]) -> str:
    """What is told of each request in turn; the same twice is counted."""
    runs = [(each, len(list(run))) for each, run in groupby(told(row) for row in rows)]
    if len(runs) == 1:
        return runs[0][0] if len(rows) == 1 else f"each {runs[0][0]}"
    return ", then ".join(each if count == 1 else f"{count} times {each}" for each, count in runs)


def _client(row: Row) -> str:
    return f"{row.status} " + re.sub(r"error ([a-z_]+)", r"error `\1`", row.sees)


def _log(row: Row) -> str:
    error = f"`{row.error}`, " if row.error else ""
    return f"{error}attempts {row.attempts}"


def _billed(row: Row) -> str:
    tokens = " + ".join("null" if each is None else str(each) for each in row.tokens)
    return f"{tokens}, {row.cost or 'null'}" if row.tokens != (None, None) else "null"


_CELLS: dict[str, tuple[Callable[[Row], str], ...]] = {
    "alone": (_client, lambda row: str(row.calls[0]), _log, _billed),
    "second": (_client, lambda row: f"{row.calls[0]} + {row.calls[1]}", _log, _billed),
}


def test_the_page_shows_the_matrix() -> None:
    found = PAGE.read_text("utf-8")
    if WRITE:
        PAGE.write_text(page(found), "utf-8")
    assert found == page(found) or WRITE


def test_a_page_of_yesterday_would_be_noticed() -> None:
    found = page(f"a\n{BEGIN}old\n{END}b\n")
    assert found.startswith(f"a\n{BEGIN}\n### ")
    assert found.endswith(f"|\n\n{END}b\n")
    assert page(found) == found
    assert page(found.replace("connection refused", "connection denied")) == found
    with pytest.raises(ValueError, match="no marks"):
        page("a page")


def test_the_matrix_is_large_enough() -> None:
    faults = [each for part in FAULTS.values() for each in part]
    assert len(faults) == len({each.name for each in faults}) >= 40
    assert all({*each.rows} == {*product(WORLDS, MODES)} for each in faults)
