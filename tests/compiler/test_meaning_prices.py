"""What a change of price rows means: which price, by how much, from when; the same as looking up every day."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.full_documents import POLICY, change, edited
from tests.compiler.thorough import thorough

from llmcompile.push.meaning import DocumentChange, meaning


def texts_of(one: DocumentChange) -> list[str]:
    return [each.text for each in meaning([one])]


PriceRow = tuple[str, str | None, str, str | dict[str, str]]
"""Start, end, currency, and prices or that of text_input alone."""


def priced(*rows: PriceRow) -> Any:
    """The full policy with other price rows."""
    return edited(POLICY, lambda data: data["models"]["gpt-4o"].update(token_costs=[_row(*each) for each in rows]))[1]


def _row(start: str, end: str | None, currency: str, prices: str | dict[str, str]) -> dict[str, Any]:
    until = f"{end}T00:00:00Z" if end else None
    return {
        "id": f"gpt-4o@{start}",
        "start": f"{start}T00:00:00Z",
        "end": until,
        "currency": currency,
        "per_million_tokens": {"text_input": prices} if isinstance(prices, str) else prices,
    }


FROM_2025 = ("2025-01-01", None, "USD", "2.5")


@pytest.mark.parametrize(
    ("rows", "facts"),
    [
        (
            [("2025-01-01", "2027-01-01", "USD", "2.5"), ("2027-01-01", None, "USD", "2.8")],
            ["text_input of gpt-4o +12% (2.5 -> 2.8 USD per million tokens) from 2027-01-01"],
        ),
        (
            [("2025-01-01", "2027-01-01", "USD", "2"), ("2027-01-01", None, "USD", "2.50")],
            ["text_input of gpt-4o -20% (2.5 -> 2 USD per million tokens) from 2025-01-01 until 2027-01-01"],
        ),
        (
            [("2025-01-01", None, "EUR", "2.5")],
            ["text_input of gpt-4o 2.5 USD -> 2.5 EUR per million tokens from 2025-01-01"],
        ),
        (
            [("2025-01-01", None, "USD", {"text_input": "2.5", "text_output": "10"})],
            ["text_output of gpt-4o costs 10 USD per million tokens from 2025-01-01 (had no price)"],
        ),
        (
            [("2025-01-01", "2027-06-01", "USD", "2.5")],
            ["text_input of gpt-4o has no price of its own from 2027-06-01 (was 2.5 USD per million tokens)"],
        ),
        (
            [("2025-01-01", None, "USD", "20000")],
            ["text_input of gpt-4o x8,000 (2.5 -> 20000 USD per million tokens) from 2025-01-01"],
        ),
        (
            [("2025-01-01", None, "USD", "0.0001")],
            ["text_input of gpt-4o -99.9% (2.5 -> 0.0001 USD per million tokens) from 2025-01-01"],
        ),
        (
            [("2025-01-01", None, "USD", "0")],
            ["text_input of gpt-4o -100% (2.5 -> 0 USD per million tokens) from 2025-01-01"],
        ),
        (
            [("2025-01-01", None, "USD", "2.501")],
            ["text_input of gpt-4o +0.04% (2.5 -> 2.501 USD per million tokens) from 2025-01-01"],
        ),
        (
            [("2025-01-01", "2026-01-01", "USD", "2.5"), ("2026-01-01", None, "USD", "2.5")],
            ["the same prices in other rows: gpt-4o"],
        ),
    ],
)
def test_what_price_rows_mean(rows: list[Any], facts: list[str]) -> None:
    assert texts_of(change(POLICY, priced(FROM_2025), priced(*rows))) == facts


def test_prices_that_differ_alike_are_one_fact() -> None:
    old = priced(("2025-01-01", "2026-01-01", "USD", "2.5"), ("2026-01-01", None, "USD", "2.5"))
    told = texts_of(change(POLICY, old, priced(("2025-01-01", None, "USD", "3"))))
    assert told == ["text_input of gpt-4o +20% (2.5 -> 3 USD per million tokens) from 2025-01-01"]


def test_price_ids_are_said_beside_prices() -> None:
    old, new = priced(FROM_2025), priced(("2025-01-01", None, "USD", "3"))
    new["models"]["gpt-4o"]["token_costs"][0]["id"] = "another"
    assert texts_of(change(POLICY, old, new)) == [
        "price ids of gpt-4o changed",
        "text_input of gpt-4o +20% (2.5 -> 3 USD per million tokens) from 2025-01-01",
    ]


def test_a_price_that_was_free_has_no_percentage() -> None:
    free = ("2025-01-01", None, "USD", "0")
    told = texts_of(change(POLICY, priced(free), priced(FROM_2025)))
    assert told == ["text_input of gpt-4o (0 -> 2.5 USD per million tokens) from 2025-01-01"]


DAYS = ["2024-01-01", "2025-01-01", "2026-01-01", "2027-01-01"]
UNITS = ["text_input", "text_output"]


@st.composite
def timelines(draw: st.DrawFn) -> list[tuple[str, str | None, str, dict[str, str]]]:
    """Rows as the compiler writes them: ascending, not overlapping, with or without gaps."""
    starts = sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1)))
    prices = st.dictionaries(st.sampled_from(UNITS), st.sampled_from(["0", "1", "2.5"]), min_size=1)
    rows = []
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        early = f"{start[:4]}-06-01"
        end = draw(st.sampled_from([early, following]))
        rows.append((start, end, draw(st.sampled_from(["USD", "EUR"])), draw(prices)))
    return rows


SPAN = re.compile(r"(\w+) of gpt-4o .*from (\S+)( until (\S+))?.*")


@pytest.mark.usefixtures("unmeasured")
@thorough(300)
@given(timelines(), timelines())
def test_price_facts_are_the_differences_of_the_timelines(old: list[Any], new: list[Any]) -> None:
    """On every day, each unit's price is looked up in both, as the router does."""
    facts = [each for each in meaning([change(POLICY, priced(*old), priced(*new))]) if each.code != "price-rows"]
    spans = [SPAN.fullmatch(each.text) for each in facts]
    for day in [f"{year}-{month}-01" for year in range(2023, 2029) for month in ("01", "06", "07")]:
        for unit in UNITS:
            told = [span for span in spans if span and span[1] == unit and span[2] <= day < (span[4] or "~")]
            assert len(told) == int(_price(old, unit, day) != _price(new, unit, day))


def _price(rows: list[Any], unit: str, day: str) -> object:
    found = [(currency, prices.get(unit)) for start, end, currency, prices in rows if start <= day < (end or "~")]
    return found[0] if found and found[0][1] is not None else None
