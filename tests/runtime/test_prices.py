"""Prices: bounds of rows, exact sums, and usage that is unknown rather than zero."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrouter.prices import PriceMissingError, TokenCost, Usage, cost, price_at
from llmrouter.usage import UNKNOWN, reported

DAY = timedelta(days=1)
START = datetime(2024, 10, 1, tzinfo=UTC)
PRICES = {"text_input": Decimal("2.5"), "cached_text_input": Decimal("1.25"), "text_output": Decimal(10)}


def row(name: str, start: datetime, end: datetime | None) -> TokenCost:
    return TokenCost(name, start, end, "USD", PRICES)


def test_start_is_inclusive_and_end_exclusive() -> None:
    rows = (row("a", START, START + DAY), row("b", START + DAY, START + 2 * DAY), row("c", START + 3 * DAY, None))
    moment = timedelta(microseconds=1)
    at = {
        START - moment: None,
        START: "a",
        START + DAY - moment: "a",
        START + DAY: "b",
        START + 2 * DAY: None,
        START + 3 * DAY: "c",
        START + 3000 * DAY: "c",
    }
    for instant, name in at.items():
        found = price_at(rows, instant)
        assert (found.id if found else None) == name


counts = st.integers(0, 10**12)
prices = st.decimals(0, 10**6, places=6)


@given(counts, counts, counts, prices, prices, prices)
def test_costs_are_exact(given: int, cached: int, made: int, price: Decimal, less: Decimal, out: Decimal) -> None:
    priced = TokenCost("a", START, None, "USD", {"text_input": price, "cached_text_input": less, "text_output": out})
    exact = Fraction(given) * Fraction(price) + Fraction(cached) * Fraction(less) + Fraction(made) * Fraction(out)
    found = cost(priced, Usage(text_input=given, cached_text_input=cached, text_output=made))
    assert Fraction(found) == exact / 10**6


def test_cached_tokens_without_a_price_cost_what_uncached_ones_do() -> None:
    plain = TokenCost("a", START, None, "USD", {"text_input": Decimal(2)})
    assert cost(plain, Usage(cached_text_input=500_000)) == Decimal(1)


def test_a_missing_price_is_never_zero() -> None:
    with pytest.raises(PriceMissingError):
        cost(row("a", START, None), Usage(text_input=1, audio_input=1))
    assert cost(row("a", START, None), Usage(text_input=1)) > 0


def usage_of(usage: object) -> object:
    return reported(json.dumps({"usage": usage}).encode())


def test_usage_is_counted_once_per_kind() -> None:
    told = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {
            "cached_tokens": 40,
            "audio_tokens": 30,
            "cached_tokens_details": {"audio_tokens": 10},
        },
        "completion_tokens_details": {"audio_tokens": 20, "reasoning_tokens": 5},
    }
    found = reported(json.dumps({"usage": told}).encode())
    assert (found.tokens_input, found.tokens_output) == (100, 50)
    assert found.usage == Usage(40, 30, 30, 20, 10, 20)


def test_responses_api_names() -> None:
    found = reported(b'{"usage": {"input_tokens": 5, "output_tokens": 2}}')
    assert found.usage == Usage(text_input=5, text_output=2)


@pytest.mark.parametrize(
    "body",
    [None, b"", b"{}", b'"usage"', b'{"usage": null}', b'{"usage": 3}', b'{"usage"', b'{"usage": {}}', b'["usage"]'],
)
def test_no_usage_is_unknown(body: bytes | None) -> None:
    assert reported(body) == UNKNOWN


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_tokens": 5},
        {"completion_tokens": 5},
        {"prompt_tokens": "5", "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 10**30, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}},
    ],
)
def test_half_or_contradictory_usage_has_no_cost(told: dict[str, object]) -> None:
    assert reported(json.dumps({"usage": told}).encode()).usage is None
