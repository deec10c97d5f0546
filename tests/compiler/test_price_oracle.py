"""The price timeline against an oracle of its own: straight from the YAML's text, without the compiler's code.

Where the compiled rows and the oracle are asked for the same instant, they name the same exact prices; so does
the router's own look-up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.compiler.example import AS_OF, ROOT, codes, compile_and_check
from tests.compiler.repo import write_repo

from llmrouter.prices import TokenCost, price_at

Prices = dict[str, Fraction]
EPOCH, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def oracle(text: str, instant: datetime) -> tuple[str, Prices] | None:
    """Currency and prices at an instant by the words of the format: the last row that has started, if not ended."""
    # The base loader leaves every scalar as the text that was written; a float would lose digits.
    rows = yaml.load(text, yaml.BaseLoader).get("token_costs", [])
    started = [row for row in rows if _instant(row["start"]) <= instant]
    if not started:
        return None
    row = max(started, key=lambda each: _instant(each["start"]))
    if "end" in row and _instant(row["end"]) <= instant:
        return None
    return row["currency"], {unit: Fraction(price) for unit, price in row["per_million_tokens"].items()}


def _instant(text: str) -> datetime:
    form = "%Y-%m-%dT%H:%M:%SZ" if "T" in text else "%Y-%m-%d"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def compiled_rows(root: Path, account: str, model: str) -> list[dict[str, Any]]:
    compiled, found = compile_and_check(root)
    assert not compiled.failed, codes(found)
    policies = {each.owner: each.plain() for each in compiled.documents if each.kind == "ROUTER_POLICY"}
    rows: list[dict[str, Any]] = policies[account]["models"][model]["token_costs"]
    return rows


def in_document(rows: Sequence[dict[str, Any]], instant: datetime) -> tuple[str, Prices] | None:
    """The one row of the document that holds; rows that hold together would be a mistake of their own."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    text = instant.strftime(form)  # one form, so that texts compare like instants
    holding = [row for row in rows if row["start"] <= text and (row["end"] is None or text < row["end"])]
    assert len(holding) <= 1, holding
    if not holding:
        return None
    return holding[0]["currency"], {unit: Fraction(price) for unit, price in holding[0]["per_million_tokens"].items()}


def in_router(rows: Sequence[dict[str, Any]], instant: datetime) -> tuple[str, Prices] | None:
    """The same asked of the router."""
    typed = [
        TokenCost(
            row["id"],
            datetime.fromisoformat(row["start"]),
            datetime.fromisoformat(row["end"]) if row["end"] else None,
            row["currency"],
            {unit: Decimal(price) for unit, price in row["per_million_tokens"].items()},
        )
        for row in rows
    ]
    found = price_at(typed, instant)
    return None if found is None else (found.currency, {k: Fraction(v) for k, v in found.per_million_tokens.items()})


def boundaries(rows: Sequence[dict[str, Any]]) -> list[datetime]:
    """Every instant where something changes, a second before and a second after."""
    edges = [_instant(text) for row in rows for text in (row["start"], row["end"]) if text]
    return [edge + step for edge in edges for step in (-SECOND, timedelta(), SECOND)]


def somewhen(source: random.Random, count: int) -> list[datetime]:
    span = int((LAST - EPOCH).total_seconds())
    return [EPOCH + SECOND * source.randrange(span) for _ in range(count)]


def assert_agree(text: str, rows: Sequence[dict[str, Any]], instants: Sequence[datetime]) -> None:
    for instant in instants:
        expected = oracle(text, instant)
        assert in_document(rows, instant) == expected, instant
        assert in_router(rows, instant) == expected, instant


WHERE = {
    "gpt-4.1": "hooli", "gpt-4o": "acme", "gpt-4o-mini": "initech", "gpt-realtime": "globex", "llama3.2": "umbrella",
    "text-embedding-3-large": "acme", "whisper-large-v3-turbo": "hooli",
}  # fmt: skip


@pytest.mark.parametrize("model", sorted(WHERE))
def test_the_worked_example(model: str) -> None:
    text = (ROOT / f"models/{model}.yaml").read_text(encoding="utf-8")
    rows = compiled_rows(ROOT, WHERE[model], model)
    assert rows
    instants = [*boundaries(rows), *somewhen(random.Random(model), 500)]
    assert_agree(text, rows, instants)
    assert any(oracle(text, each) for each in instants)
    assert any(oracle(text, each) is None for each in instants)


def test_every_model_of_the_worked_example_is_covered() -> None:
    assert set(WHERE) == {each.stem for each in (ROOT / "models").glob("*.yaml")}


SPELLINGS = ["{}", "{}.0", "{}.25", "{}.000001", "{}e0", "{}E-3", "{}.5e+2", "{}.125e-4", "0.{:012d}", "0.000{}1", "0"]


@st.composite
def prices(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(SPELLINGS)).format(draw(st.integers(1, 999_999)))


@st.composite
def timelines(draw: st.DrawFn) -> str:
    """A valid model: rows that ascend without gap or overlap, from before the check's now to beyond its horizon."""
    first = draw(st.integers(0, 365 * 5))
    steps = draw(st.lists(st.integers(1, 400 * 86400), min_size=0, max_size=6))
    moment = EPOCH + timedelta(days=first)
    starts = [moment] + [moment := moment + SECOND * step for step in steps]
    beyond = max(starts[-1], AS_OF + timedelta(days=91)) + SECOND * draw(st.integers(1, 10**8))
    ends = [*starts[1:], beyond]
    rows = []
    for start, end in zip(starts, ends, strict=True):
        written = f", end: {_spelled(draw, end)}" if draw(st.booleans()) else ""
        costs = f"text_input: {draw(prices())}, text_output: {draw(prices())}"
        if draw(st.booleans()):
            costs += f", cached_text_input: {draw(prices())}"
        rows.append(
            f"  - {{start: {_spelled(draw, start)}{written}, currency: EUR, reviewed: https://prices.example.com/,"
            f" per_million_tokens: {{{costs}}}}}\n"
        )
    return "code: gpt-4o\ntype: chat\ntoken_costs:\n" + "".join(rows)


def _spelled(draw: st.DrawFn, moment: datetime) -> str:
    short = moment.hour == moment.minute == moment.second == 0 and draw(st.booleans())
    return moment.strftime("%Y-%m-%d" if short else "%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repo(tmp_path_factory.mktemp("prices"))


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(text=timelines(), seed=st.integers(0, 2**32))
def test_any_timeline(root: Path, text: str, seed: int) -> None:
    (root / "models/gpt-4o.yaml").write_text(text, encoding="utf-8")
    rows = compiled_rows(root, "acme", "gpt-4o")
    assert_agree(text, rows, [*boundaries(rows), *somewhen(random.Random(seed), 10)])


def test_control_the_oracle_sees_a_wrong_row() -> None:
    text = (ROOT / "models/gpt-4.1.yaml").read_text(encoding="utf-8")
    rows = compiled_rows(ROOT, "hooli", "gpt-4.1")
    instants = boundaries(rows)
    a_second_late = [{**rows[0]}, {**rows[1], "start": "2026-01-01T00:00:01Z"}, *rows[2:]]
    a_bit_dearer = [
        {**row, "per_million_tokens": {**row["per_million_tokens"], "text_input": "2.0000001"}} for row in rows
    ]
    overlapping = [{**rows[0], "end": None}, *rows[1:]]
    for wrong in (a_second_late, a_bit_dearer, overlapping):
        with pytest.raises(AssertionError):
            assert_agree(text, wrong, instants)
