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
from soak_accounts import differences
from soak_isolation import Asked, strange
from soak_noted import Arrival, Books, Seen, Told, merged
from soak_plan import KINDS, Plan
from soak_summary import table

SHORT = Options(seconds=6, clients=16, rate=100, reload_seconds=0.8, growth_mib=32)


@pytest.fixture(scope="module")
def soaked() -> Soaked:
    return asyncio.run(soak(SHORT))


def test_every_request_is_accounted_for_and_nothing_is_left(soaked: Soaked) -> None:
    assert soaked.differences() == []
    kinds = {each.kind for each in soaked.books.seen.values()}
    assert kinds == set(KINDS)
    errors = {each["error"] for each in soaked.books.lines}
    assert {"client_gone", "stream_broken", "rate_limit_exceeded", "budget_exceeded", None} <= errors
    refused = {Plan.read(name).key for name, each in soaked.books.seen.items() if each.refused}
    assert refused >= {"minute", "daily", "thrifty"}
    assert max(each["attempts"] for each in soaked.books.lines) > 1
    assert len({each["price_id"] for each in soaked.books.lines if each["model"] == "chat"}) == 2  # before and after
    assert {"ok", "503", "empty"} <= {each.outcome for each in soaked.books.grants}
    assert soaked.reloads[0] > 1
    assert soaked.reloads[1] > 0
    assert sum(Fraction(each["cost"] or 0) for each in soaked.books.lines) > 0
    assert f"| log lines | {len(soaked.books.lines):,} |" in table(soaked)


def test_several_workers_are_accounted_for_together() -> None:
    soaked = asyncio.run(soak(replace(SHORT, seconds=2, workers=2)))
    assert soaked.differences() == []
    assert soaked.books.workers == 2
    one = replace(soaked.books, metrics=soaked.books.metrics[:1])
    both = all(merged([each])["request_seconds_count",] for each in soaked.books.metrics)
    assert not both or any("metric requests_total" in each for each in differences(one))  # control


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


def off_by_one(books: Books, name: str, labels: str = "") -> Books:
    """The books with a counter's first series, or the one with these labels, raised by one."""
    head, sign, rest = books.metrics[0].partition(f"\nllmrouter_{name}{{{labels}")
    more, _, rest = rest.partition("} ")
    value, _, rest = rest.partition("\n")
    assert sign
    return replace(books, metrics=[f"{head}{sign}{more}}} {Decimal(value) + 1}\n{rest}"])


def line_with(chosen: Callable[[Any], bool], **change: Any) -> Callable[[Books], Books]:
    return lambda books: lines_changed(books, chosen, lambda line: [line | change])


def seen_with(books: Books, chosen: Callable[[str, Seen], bool], **change: Any) -> Books:
    """The books with what the last of some clients saw changed."""
    name = next(name for name, seen in reversed(books.seen.items()) if chosen(name, seen))
    return replace(books, seen={**books.seen, name: replace(books.seen[name], **change)})


def arrived(books: Books, chosen: Callable[[str], bool], *more: Arrival) -> Books:
    """The books with further arrivals of a request, or without any."""
    name = next(name for name in books.seen if chosen(name))
    return replace(books, arrivals={**books.arrivals, name: [*books.arrivals.get(name, []), *more] if more else []})


def granted(books: Books, **change: Any) -> Books:
    """The books with the first request for a token there twice, the second time changed."""
    return replace(books, grants=[*books.grants, replace(books.grants[0], **change)])


def let_in(books: Books, key: str) -> Books:
    """The books as if those refused by a key's limit had been served."""
    lines = [each | {"attempts": 1} if each["key_id"] == key else each for each in map(dict, books.lines)]
    return replace(books, lines=lines)


def all_failed(books: Books) -> Books:
    seen = {name: replace(seen, status=502) if seen.status == 200 else seen for name, seen in books.seen.items()}
    return replace(books, seen=seen)


WRONG: dict[str, tuple[Callable[[Books], Books], str]] = {
    "a line is dropped": (lambda books: lines_changed(books, billed, lambda _: []), "no log line"),
    "a line is written twice": (lambda books: lines_changed(books, billed, lambda line: [line] * 2), "2 log lines"),
    "a line of nobody": (
        lambda books: lines_changed(books, billed, lambda line: [line, line | {"request_id": "0.soak.chat.x"}]),
        "nobody asked for",
    ),
    "another status": (line_with(billed, status=418), "the log says 418"),
    "the last digit of a cost": (
        lambda books: lines_changed(books, billed, lambda line: [line | {"cost": line["cost"] + "1"}]),
        "billed in all",
    ),
    "a cost that is missing": (line_with(billed, cost=None), "billed None"),
    "a client that left, logged as served": (
        line_with(lambda line: line["status"] == 499, status=200, error=None),
        "the client left",
    ),
    "a broken stream, logged as whole": (
        line_with(lambda line: line["error"] == "stream_broken", error=None),
        "the client was told stream_broken",
    ),
    "a request that no client sent": (
        lambda books: replace(books, seen={**books.seen, "x.soak.chat.ok": Seen("chat", 200)}),
        "x.soak.chat.ok: no log line",
    ),
    "usage that the upstream told otherwise": (one_told_more, "the upstream told"),
    "tokens that nobody gave": (
        lambda books: replace(books, grants=[each for each in books.grants if each.outcome != "ok"]),
        "asked for tokens",
    ),
    "a counter": (lambda books: off_by_one(books, "requests_total"), "metric requests_total"),
    "the cost's counter": (lambda books: off_by_one(books, "cost_total"), "metric cost_total"),
    "the count of answers without usage": (lambda books: off_by_one(books, "unknown_usage_total"), "metric unknown"),
    "what is spent of a budget": (lambda books: off_by_one(books, "budget_spent"), "metric budget_spent"),
    "an alert of a budget": (lambda books: off_by_one(books, "budget_alerts_total"), "alerts of budgets are counted"),
    "answers that a budget could not count": (
        lambda books: off_by_one(books, "budget_uncounted_total"),
        "metric budget_uncounted_total",
    ),
    "one lost attempt too few": (
        lambda books: arrived(books, lambda name: name.endswith(".stream.ok"), *[Arrival("first", "reset")] * 99),
        "attempts were lost, and are not counted",
    ),
    "a failed attempt that was not counted": (
        lambda books: arrived(books, lambda name: name.endswith(".chat.ok"), *[Arrival("first", "500")] * 99),
        "first 500 was answered",
    ),
    "an attempt without a token that was not counted": (
        line_with(lambda line: line["model"] == "own", attempts=99),
        "had no token",
    ),
    "fewer attempts than came": (line_with(billed, attempts=0), "0 attempts, "),
    "an answer from where it never came": (line_with(billed, endpoint="west"), "where it never came"),
    "a refusal that came to the upstream all the same": (
        lambda books: arrived(books, lambda name: books.seen[name].refused, Arrival("first")),
        "refused by a limit, and 1 attempts came",
    ),
    "a refusal that is logged as something else": (
        line_with(lambda line: line["error"] == "budget_exceeded", error="upstream_failed"),
        "refused by a limit, and logged as upstream_failed",
    ),
    "requests let in beyond a minute's": (
        lambda books: let_in(books, "minute"),
        "requests a minute, 5.0 are its limit",
    ),
    "requests let in beyond a day's tokens": (lambda books: let_in(books, "daily"), "tokens a day, 2000.0 are its"),
    "requests let in beyond a budget": (lambda books: let_in(books, "thrifty"), "of money, 0.008 are its limit"),
    "a request refused before its budget was spent": (
        lambda books: seen_with(books, lambda name, seen: ".thrifty." in name and seen.refused, began=1.0, ended=2.0),
        "thrifty: was refused after 0.0 of money",
    ),
    "more at once than may be": (
        lambda books: replace(books, most_at_once={"narrow": 3}),
        "narrow: 3 requests at once",
    ),
    "a token asked for in vain": (lambda books: granted(books, fresh=1), "was asked for while 1 were fresh"),
    "two tokens asked for at once": (lambda books: granted(books), "tokens of"),
    "all requests are refused": (all_failed, "requests were not answered and should have been"),
    "a traceback": (lambda books: replace(books, said=books.said + "Traceback\n"), "it said: Traceback"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_books_notice(soaked: Soaked, what: str) -> None:
    change, told = WRONG[what]
    assert any(told in each for each in differences(change(soaked.books)))


def asked(**change: Any) -> Asked:
    """A request as it should come to an endpoint, but for a change."""
    name = "1.soak.chat.ok"
    given: dict[str, Any] = {"name": name, "endpoint": "first", "headers": {"api-key": "upstream-key-of-first-a"}}
    given |= {"path": "openai/deployments/chat/chat/completions", "query": "api-version=1"}
    return Asked(**(given | {"body": f'{{"user": "{name}"}}'.encode()} | change))


STRANGE: dict[str, tuple[dict[str, Any], str]] = {
    "another endpoint's key": ({"headers": {"api-key": "upstream-key-of-spare-a"}}, "is not its own"),
    "a second credential": ({"headers": {**asked().headers, "cookie": "a=b"}}, "the credentials sent are"),
    "the client's key": ({"headers": {**asked().headers, "x": "router-key-of-soak"}}, "a router key is in it"),
    "another deployment": ({"path": "openai/deployments/embed/chat/completions"}, "and not for"),
    "another model": ({"body": b'{"user": "1.soak.chat.ok", "model": "embed"}'}, "for the model ['embed']"),
    "another request's content": ({"body": b'{"user": "2.soak.chat.ok"}'}, "the content of 2.soak.chat.ok"),
    "no version": ({"query": ""}, "no API version"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_the_upstream_notices(what: str) -> None:
    change, told = STRANGE[what]
    assert strange(asked()) == []
    assert any(told in each for each in strange(asked(**change)))


def test_a_difference_in_everything_is_told_shortly(soaked: Soaked) -> None:
    found = differences(replace(soaked.books, lines=[]))
    assert len(found) < 200
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
