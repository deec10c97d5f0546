"""A short soak: each request is accounted for exactly once, nothing is left behind, the books notice what is wrong."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from soak import Options, Soaked, grown, left_behind, soak
from soak_accounts import Books, Seen, Told, differences

SHORT = Options(seconds=8, clients=16, rate=100, reload_seconds=0.8, growth_mib=32)


@pytest.fixture(scope="module")
def soaked() -> Soaked:
    return asyncio.run(soak(SHORT))


def test_every_request_is_accounted_for_and_nothing_is_left(soaked: Soaked) -> None:
    assert soaked.differences() == []
    kinds = {each.kind for each in soaked.books.seen.values()}
    assert kinds >= {"chat", "embed", "image", "hear", "respond", "realtime", "refused"}
    errors = {each["error"] for each in soaked.books.lines}
    assert {"client_gone", "stream_broken", None} <= errors
    assert max(each["attempts"] for each in soaked.books.lines) > 1
    assert len({each["price_id"] for each in soaked.books.lines if each["model"] == "chat"}) == 2  # before and after
    assert soaked.reloads > 1
    assert soaked.refused > 0
    assert sum(Fraction(each["cost"] or 0) for each in soaked.books.lines) > 0


def lines_changed(books: Books, chosen: Callable[[Any], bool], change: Callable[[Any], list[Any]]) -> Books:
    """The books with the first line that is chosen replaced by others."""
    at = next(at for at, line in enumerate(books.lines) if chosen(line))
    return replace(books, lines=[*books.lines[:at], *change(dict(books.lines[at])), *books.lines[at + 1 :]])


def billed(line: Any) -> bool:
    return line["cost"] is not None


def one_told_more(books: Books) -> Books:
    name = next(line["request_id"] for line in books.lines if billed(line))
    told = [*books.told[name][:-1], Told(books.told[name][-1].endpoint, Counter({"text_input": 1}))]
    return replace(books, told={**books.told, name: told})


def off_by_one(metrics: str, name: str) -> str:
    head, sign, rest = metrics.partition(f"\nllmrouter_{name}{{")
    labels, _, rest = rest.partition("} ")
    value, _, rest = rest.partition("\n")
    return f"{head}{sign}{labels}}} {Decimal(value) + 1}\n{rest}"


WRONG: dict[str, tuple[Callable[[Books], Books], str]] = {
    "a line is dropped": (lambda books: lines_changed(books, billed, lambda _: []), "no log line"),
    "a line is written twice": (lambda books: lines_changed(books, billed, lambda line: [line] * 2), "2 log lines"),
    "a line of nobody": (
        lambda books: lines_changed(books, billed, lambda line: [line, line | {"request_id": "0.chat.x"}]),
        "nobody asked for",
    ),
    "another status": (
        lambda books: lines_changed(books, billed, lambda line: [line | {"status": 418}]),
        "the log says 418",
    ),
    "the last digit of a cost": (
        lambda books: lines_changed(books, billed, lambda line: [line | {"cost": line["cost"] + "1"}]),
        "billed in all",
    ),
    "a cost that is missing": (
        lambda books: lines_changed(books, billed, lambda line: [line | {"cost": None}]),
        "billed None",
    ),
    "a client that left, logged as served": (
        lambda books: lines_changed(
            books, lambda line: line["status"] == 499, lambda line: [line | {"status": 200, "error": None}]
        ),
        "the client left",
    ),
    "a broken stream, logged as whole": (
        lambda books: lines_changed(
            books, lambda line: line["error"] == "stream_broken", lambda line: [line | {"error": None}]
        ),
        "the client was told stream_broken",
    ),
    "a request that no client sent": (
        lambda books: replace(books, seen={**books.seen, "x.chat.ok": Seen("chat", 200)}),
        "x.chat.ok: no log line",
    ),
    "usage that the upstream told otherwise": (one_told_more, "the upstream told"),
    "a counter": (
        lambda books: replace(books, metrics=off_by_one(books.metrics, "requests_total")),
        "metric requests_total",
    ),
    "the cost's counter": (
        lambda books: replace(books, metrics=off_by_one(books.metrics, "cost_total")),
        "metric cost_total",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_books_notice(soaked: Soaked, what: str) -> None:
    change, told = WRONG[what]
    assert any(told in each for each in differences(change(soaked.books)))


def test_a_difference_in_everything_is_told_shortly(soaked: Soaked) -> None:
    found = differences(replace(soaked.books, lines=[]))
    assert len(found) < 100
    assert any("more like these" in each for each in found)


def test_memory_that_grows_is_told() -> None:
    assert grown([50 + at % 3 for at in range(600)], 2) == []
    assert grown([20 + min(at, 300) / 10 for at in range(600)], 2) == []  # all of it in the first half
    assert "grew by 6.0 MiB" in grown([50 + at / 50 + at % 3 for at in range(600)], 2)[0]


def test_what_is_left_behind_is_told() -> None:
    class Anybody:
        descriptors, connections = 12, 40

        async def stop(self) -> None: ...

    some: Any = Anybody()
    assert asyncio.run(left_behind(some, some, 12, 20, 0.1)) == []
    found = asyncio.run(left_behind(some, some, 11, 19, 0.1))
    assert found == [
        "40 connections to the upstream are open for 19 clients",
        "12 descriptors are open, 11 were at the start",
    ]
