"""``price set`` adds one row and nothing else, whatever the layout; ``price show`` says what the router would bill."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import ROOT, copy_example
from tests.compiler.layouts import MANY, assert_only_added, corpus, data_of, layouts, notes
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.cli import price_options
from llmcompile.edit.draft import Draft
from llmcompile.edit.prices import NewPrice, add_price
from llmcompile.errors import RefusedError, UsageError
from llmcompile.inputs.model import UNITS, Model
from llmcompile.inputs.values import format_instant
from llmcompile.load.shape import validate
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load
from llmcompile.pipeline import compile_repository
from llmcompile.show.explain import snapshot_of
from llmrouter.prices import price_at

NOW = datetime(2026, 1, 15, tzinfo=UTC)
DAY = timedelta(days=1)
MODEL = "models/gpt-4o.yaml"
NEW = NewPrice(datetime(2027, 3, 1, tzinfo=UTC), {"text_output": Decimal("7.50"), "text_input": 2}, None)


def edited(text: str, new: NewPrice = NEW, now: datetime = NOW, *, allow_past: bool = False) -> str:
    source = Source(MODEL, text)
    data, problems = load(source)
    assert not problems
    model, problems = validate(Model, MODEL, data)
    assert model, problems
    return add_price(Draft(source, data, Model), model, new, now, allow_past=allow_past).text


def with_row(data: Any, index: int, start: str = "2027-03-01", currency: str = "USD") -> Any:
    """Independently of the code under test: the data that an edit must come to, but for the order of keys."""
    rows = list(data.get("token_costs", ()))
    prices = {"text_input": 2, "text_output": Decimal("7.50")}
    rows.insert(index, {"start": start, "currency": currency, "per_million_tokens": prices})
    return {**data, "token_costs": tuple(rows)}


def exact(data: Any) -> Any:
    """The data without the order of keys, but with the types and digits of numbers."""
    if isinstance(data, dict):
        return {key: exact(value) for key, value in data.items()}
    return [exact(each) for each in data] if isinstance(data, tuple) else repr(data)


dates = st.integers(0, 700).map(lambda days: format_instant(datetime(2024, 1, 1, tzinfo=UTC) + days * DAY))
prices = st.decimals("0.01", "99", places=2).map(lambda price: Decimal(price))


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    data: dict[str, Any] = {"code": "gpt-4o", "type": "chat"}
    if draw(st.booleans()):
        data["description"] = draw(st.sampled_from(["Für alle: 漢字", "a # b", "It's 'quoted'", "plain words"]))
    if draw(st.booleans()):
        data["access_groups"] = ("general", "beta")
    starts = sorted(draw(st.sets(dates, max_size=4)))
    rows = []
    for start in starts:
        units = draw(st.sets(st.sampled_from(UNITS), min_size=1))
        row: dict[str, Any] = {"start": start, "currency": "USD"}
        row["per_million_tokens"] = {unit: draw(prices) for unit in UNITS if unit in units}
        rows.append(row)
    if rows or draw(st.booleans()):
        data["token_costs"] = tuple(rows)
    if draw(st.booleans()):
        data["default_params"] = {"temperature": Decimal("0.7"), "stop": ("a", "b")}
    return data


@pytest.mark.usefixtures("unmeasured")
@MANY
@given(data=st.data())
def test_any_layout_keeps_every_line_and_comment(data: st.DataObject) -> None:
    model = data.draw(models())
    text = data.draw(layouts(model))
    index = data.draw(st.integers(0, len(model.get("token_costs", ()))))
    start = NEW.start
    if index < len(model.get("token_costs", ())):
        start = datetime.fromisoformat(model["token_costs"][index]["start"]).replace(tzinfo=UTC) - timedelta(hours=1)
    after = edited(text, NewPrice(start, NEW.prices, "USD"), allow_past=True)
    assert exact(data_of(after)) == exact(with_row(model, index, format_instant(start)))
    assert sorted(notes(after)) == sorted(notes(text))
    if model.get("token_costs"):
        assert_only_added(text, after)


def test_control_a_lost_line_and_a_lost_comment_are_seen() -> None:
    before = "a: 1\n# note-1\nb: {c: 1}\n"
    assert_only_added(before, "a: 1\n# note-1\nnew: 1\nb: {c: 1, d: 2}\n")
    for after in ("a: 1\nb: {c: 1}\n", "a: 2\n# note-1\nb: {c: 1}\n", "a: 1 1\n# note-1 1\nb: {c: 1}\n"):
        with pytest.raises(AssertionError):
            assert_only_added(before, after)
    assert notes(before) != notes("a: 1\n")


def test_every_model_of_the_example_and_the_golden_cases() -> None:
    done, said = 0, set()
    for _, source, data in corpus("models"):
        model, problems = validate(Model, source.file, data)
        if model is None or problems:
            continue
        rows = model.token_costs
        new = NewPrice(NEW.start, NEW.prices, None if rows else "USD")
        try:
            after = add_price(Draft(source, data, Model), model, new, NOW, allow_past=False).text
        except UsageError as error:
            said.add(str(error).partition(" ends ")[2][:2] or str(error))
            continue
        if rows:
            assert_only_added(source.text, after)
        currency = rows[0].currency if rows else "USD"
        at = sum(row.start < NEW.start for row in rows)
        assert exact(data_of(after)) == exact(with_row(data, at, currency=currency))
        done += 1
    assert done > 200
    # Rows that a check calls wrong, and one that ends: both are said, neither is guessed at.
    assert said == {"at", "the rows do not ascend by start"}


LAYOUTS = {
    "as the example": (
        "token_costs:\n  - start: 2024-05-13\n    currency: USD\n"
        "    per_million_tokens: {text_input: 5.00, text_output: 15.00}\n",
        "  - start: 2027-03-01\n    currency: USD\n    per_million_tokens: {text_input: 2, text_output: 7.50}\n",
    ),
    "one line a row": (
        "token_costs:\n- {start: '2024-05-13', currency: 'USD', per_million_tokens: {text_input: 5}}  # first\n",
        "- {start: '2027-03-01', currency: 'USD', per_million_tokens: {text_input: 2, text_output: 7.50}}\n",
    ),
    "padded braces, other order": (
        "token_costs:\n    - { currency: USD, start: 2024-05-13, per_million_tokens: { text_output: 9 } }\n",
        "    - { currency: USD, start: 2027-03-01, per_million_tokens: { text_output: 7.50, text_input: 2 } }\n",
    ),
    "blocks indented by four, blank lines between": (
        "token_costs:\n    -   start: 2024-05-13\n        currency: USD\n        per_million_tokens:\n"
        "            text_input: 5\n\n    -   start: 2025-05-13\n        currency: USD\n        per_million_tokens:\n"
        "            text_input: 5\n            # agreed until further notice\n",
        "\n    -   start: 2027-03-01\n        currency: USD\n        per_million_tokens:\n"
        "            text_input: 2\n            text_output: 7.50\n",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_row_is_written_like_the_one_beside_it(name: str) -> None:
    rows, added = LAYOUTS[name]
    text = "code: gpt-4o\ntype: chat\n" + rows
    assert edited(text) == text + added
    assert edited(text + "# the end\n") == text + added + "# the end\n"
    assert edited(text.rstrip("\n")) == text + added.rstrip("\n")
    assert edited((text + "# the end\n").replace("\n", "\r\n")) == (text + added + "# the end\n").replace("\n", "\r\n")


def test_a_model_without_rows_gets_its_first() -> None:
    head = "code: gpt-4o\ntype: chat\n"
    rows = "  - start: 2027-03-01\n    currency: EUR\n    per_million_tokens: {text_input: 2, text_output: 7.50}\n"
    new = NewPrice(NEW.start, NEW.prices, "EUR")
    assert edited(head, new) == head + "token_costs:\n" + rows
    assert edited(head + "token_costs: []  # none yet\n", new) == head + "token_costs:  # none yet\n" + rows


HELD = (
    "code: gpt-4o\ntype: chat\ntoken_costs:\n"
    "  - {start: 2024-05-13, %scurrency: USD, per_million_tokens: {text_input: 5}}\n"
)


def refusal(text: str, **changes: Any) -> str:
    asked: dict[str, Any] = {"start": NEW.start, "currency": None, "now": NOW, "allow_past": False} | changes
    new = NewPrice(asked["start"], NEW.prices, asked["currency"])
    with pytest.raises((UsageError, RefusedError)) as caught:
        edited(text, new, asked["now"], allow_past=asked["allow_past"])
    return str(caught.value)


def test_what_is_refused_and_beside_it_what_is_not() -> None:
    held, past = HELD % "", datetime(2025, 1, 1, tzinfo=UTC)
    assert "is past" in refusal(held, start=past)
    assert "is past" in refusal(held, start=NOW)
    assert edited(held, NewPrice(past, NEW.prices, None), allow_past=True)
    assert edited(held, NewPrice(NOW + timedelta(seconds=1), NEW.prices, None))
    assert "a row from 2024-05-13 already" in refusal(held, start=datetime(2024, 5, 13, tzinfo=UTC), allow_past=True)
    assert "one currency" in refusal(held, currency="EUR")
    assert edited(held, NewPrice(NEW.start, NEW.prices, "USD"))
    assert "currency is not known" in refusal("code: gpt-4o\ntype: chat\n")
    assert "no price" in refusal(HELD % "end: 2027-02-01, ")
    assert "at one time" in refusal(HELD % "end: 2027-04-01, ")
    assert edited(HELD % "end: 2027-03-01, ")
    lines = held.splitlines(keepends=True)
    assert "do not ascend" in refusal("".join([*lines, lines[-1].replace("2024", "2023")]))


def test_a_row_that_is_shared_by_an_anchor_is_not_edited_behind_the_others_back() -> None:
    rows = "[{start: 2024-05-13, currency: USD, per_million_tokens: {text_input: 5}}]"
    shared = f"code: gpt-4o\ntype: chat\ndefault_params: {{a: &rows {rows}}}\ntoken_costs: *rows\n"
    assert "alias" in refusal(shared)
    turned = f"code: gpt-4o\ntype: chat\ntoken_costs: &rows {rows}\ndefault_params: {{a: *rows}}\n"
    assert "layout" in refusal(turned)
    assert edited(turned.replace("*rows", "1"))


# The command line.


def run(root: Path, *arguments: str, as_of: str = "2026-01-15") -> Any:
    return run_cli("price", "set", *arguments, "--as-of", as_of, cwd=root)


def test_the_command_changes_one_file_and_the_check_passes(tmp_path: Path) -> None:
    root = copy_example(tmp_path)
    before = {path: path.read_bytes() for path in root.rglob("*.yaml")}
    (root / MODEL).chmod(0o640)
    asked = ("gpt-4o", "--from", "2027-02-01", "--text-input", "2.40", "--text-output", "9.60")
    shown = run(root, *asked, "--dry-run")
    assert shown.returncode == 0
    assert "+    per_million_tokens: {text_input: 2.40, text_output: 9.60}" in shown.stdout
    assert {path: path.read_bytes() for path in root.rglob("*.yaml")} == before
    done = run(root, *asked)
    assert (done.returncode, done.stdout) == (0, f"changed: {MODEL}\n")
    assert "cached_text_input" in done.stderr
    changed = {path for path in before if path.read_bytes() != before[path]}
    assert changed == {root / MODEL}
    assert stat.S_IMODE((root / MODEL).stat().st_mode) == 0o640
    assert sorted(each.name for each in (root / "models").iterdir()) == sorted(
        p.name for p in before if p.parent.name == "models"
    )
    assert run(root, *asked).returncode == 2  # a second time it is there already


def test_a_price_that_the_check_doubts_is_written_and_said(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    done = run(root, "gpt-4o", "--from", "2027-02-01", "--text-input", "0.0025", "--text-output", "10")
    assert done.returncode == 1
    assert "error[price-unit]" in done.stderr
    assert "2027-02-01" in (root / MODEL).read_text(encoding="utf-8")
    done = run(root, "gpt-4o", "--from", "2027-03-01", "--text-input", "2.5", "--text-output", "10", "--no-check")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["gpt-4p", "--from", "2027-02-01", "--text-input", "1"], 2, "did you mean 'gpt-4o'?"),
        (["gpt-4o", "--from", "2027-02-01"], 2, "no price is given"),
        (["gpt-4o", "--from", "2027-02-30", "--text-input", "1"], 2, "not a date"),
        (["gpt-4o", "--from", "2027-02-01", "--text-input", "1,5"], 2, "not a plain number"),
        (["gpt-4o", "--from", "2027-02-01", "--text-input", "true"], 2, "not a plain number"),
        (["gpt-4o", "--from", "2027-02-01", "--text-input", "-1"], 2, "cannot be negative"),
        (["gpt-4o", "--from", "2027-02-01", "--text-input", "1", "--reviewed", "x"], 2, "not a URL"),
        (["gpt-4o", "--from", "2025-02-01", "--text-input", "1"], 4, "is past"),
    ],
)
def test_wrong_usage_writes_nothing(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    root = write_repo(tmp_path)
    done = run(root, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert (root / MODEL).read_text(encoding="utf-8") == FILES[MODEL]


def test_control_the_same_command_with_what_is_right(tmp_path: Path) -> None:
    done = run(write_repo(tmp_path), "gpt-4o", "--from", "2027-02-01", "--text-input", "1.5", "--text-output", "9")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "broken", ["code: [gpt-4o\n", "code: gpt-4o\ntype: chta\n", "code: gpt-4o\ntype: chat\ntoken_costs:\n"]
)
def test_a_file_that_is_not_right_is_not_touched(tmp_path: Path, broken: str) -> None:
    root = write_repo(tmp_path, {MODEL: broken})
    done = run(root, "gpt-4o", "--from", "2027-02-01", "--text-input", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"--> {MODEL}:" in done.stderr
    assert f"{MODEL} was not changed" in done.stderr
    assert (root / MODEL).read_text(encoding="utf-8") == broken


def test_a_read_only_file_stays_as_it_is(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    (root / MODEL).chmod(0o444)
    done = run(root, "gpt-4o", "--from", "2027-02-01", "--text-input", "2", "--text-output", "9")
    assert done.returncode == 5
    assert "read-only" in done.stderr
    assert (root / MODEL).read_text(encoding="utf-8") == FILES[MODEL]


def test_the_units_are_those_of_the_model() -> None:
    assert price_options.UNITS == UNITS


# What is shown.


def test_what_is_shown_is_what_the_router_bills(tmp_path: Path) -> None:
    compiled = compile_repository(ROOT, NOW)
    shown = 0
    for account in compiled.linked.accounts.values():
        for region in account.input.all_regions:
            snapshot = snapshot_of(compiled.documents, account.id, region)
            for code, model in snapshot.models.items():
                at = NOW + 400 * DAY
                where = ("--account", account.id, "--region", region, "--at", format_instant(at))
                if shown % 5 == 0:  # each is a process
                    done = run_cli("price", code, *where, "--format", "json", cwd=ROOT)
                    if done.returncode == 2 and "may not call" in done.stderr:
                        continue
                    first = json.loads(done.stdout)["prices"][0]
                    row = price_at(model.token_costs, at)
                    assert row is not None
                    assert first["model"] == code
                    assert first["price"]["id"] == row.id
                    units = {unit: Decimal(price) for unit, price in first["price"]["per_million_tokens"].items()}
                    assert units == row.per_million_tokens
                shown += 1
    assert shown > 20


def test_a_price_at_an_instant_and_the_next_one() -> None:
    def shown(*arguments: str) -> Any:
        done = run_cli("price", *arguments, "--format", "json", cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["prices"][0]

    just_before, then = "2026-12-31T23:59:59Z", "2027-01-01"
    assert shown("gpt-4o-mini", "--at", just_before)["price"]["per_million_tokens"]["text_input"] == "0.15"
    assert shown("gpt-4o-mini", "--at", just_before)["next"]["start"] == "2027-01-01T00:00:00Z"
    assert shown("show", "gpt-4o-mini", "--at", then)["price"]["per_million_tokens"]["text_input"] == "0.12"
    assert shown("--at", "2020-01-01", "gpt-4o-mini")["price"] is None
    text = run_cli("price", "gpt-4o-mini", "--at", then, cwd=ROOT).stdout
    assert "text_input         USD 0.12" in text
    assert "next: from 2027-01-01" in run_cli("price", "gpt-4o-mini", "--at", just_before, cwd=ROOT).stdout
    assert "no price at that time" in run_cli("price", "gpt-4o-mini", "--at", "2020-01-01", cwd=ROOT).stdout
    served = run_cli("price", "gpt-4.1", "--at", "2025-12-31", "--account", "acme", cwd=ROOT).stdout
    assert "gpt-4.1 on platform:swedencentral" in served
    assert "until 2026-01-01" in served


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gpt-4p"], "did you mean 'gpt-4o'?"),
        (["gpt-4o", "--region", "europe-west6"], "--region is for --account"),
        (["gpt-4o", "--account", "acmee"], "did you mean 'acme'?"),
        (["gpt-4o", "--account", "hooli"], "add --region"),
        (["gpt-4o", "--account", "initech", "--at", "x"], "not a date"),
        (["gpt-9", "--account", "stark"], "knows no model or route group 'gpt-9'"),
    ],
)
def test_what_has_no_price_is_said(arguments: list[str], says: str) -> None:
    done = run_cli("price", *arguments, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
