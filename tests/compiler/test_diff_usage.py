"""``diff --usage``: what was used, priced before and after, exactly; and every row that is not right at its place."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import copy_example
from tests.compiler.repo import run_cli
from tests.compiler.test_diff import EXAMPLE, side
from tests.compiler.test_history import commit, git
from tests.compiler.thorough import thorough
from tests.compiler.trees import Data, example_data, written

from llmcompile.diff.bill import Bill, bill
from llmcompile.diff.sides import Side
from llmcompile.diff.usage import UNITS, read_usage
from llmcompile.show.located import Located

HEAD = "account,model,day,text_input,cached_text_input,text_output\n"


def priced(text: str | bytes, new: Side = EXAMPLE) -> tuple[Bill, list[Located]]:
    raw = text if isinstance(text, bytes) else text.encode()
    rows, problems = read_usage("usage.csv", raw)
    result, unsure = bill(rows, EXAMPLE, new)
    return result, problems + unsure


def edited(change: Any) -> Side:
    data = example_data()
    change(data)
    return side(written(data))


def without_group(data: Data) -> None:
    del data["accounts/hooli.yaml"]["route_groups"]
    del data["accounts/hooli.yaml"]["access"]["models"]


def cheaper(data: Data) -> None:
    for row in data["models/gpt-4o-mini.yaml"]["token_costs"]:
        row["per_million_tokens"]["text_output"] = 0.3


def test_totals_by_account_by_model_and_of_everything() -> None:
    text = HEAD + "acme,gpt-4o,2025-06-01,1000000,,200000\nglobex,gpt-4o-mini,2025-06-02,5000000,0,1\n"
    text += "acme,gpt-4o-mini,2025-06-30T23:59:59Z,0,1,3\n"
    found, problems = priced(text, edited(cheaper))
    assert problems == []
    of = {each: tuple(dict(one.amounts) for one in sums) for each, sums in found.by("account").items()}
    mini_then, mini_now = Decimal("0.60"), Decimal("0.3")
    acme = Decimal("2.5") + 2, Decimal("0.075")
    assert of == {
        "acme": tuple({"USD": acme[0] + (acme[1] + 3 * each) / 10**6} for each in (mini_then, mini_now)),
        "globex": tuple({"USD": Decimal("0.75") + each / 10**6} for each in (mini_then, mini_now)),
    }
    models = found.by("model")
    assert models["gpt-4o"][0].amounts == models["gpt-4o"][1].amounts
    assert [each.amounts["USD"] for each in found.total] == [
        sum(one[at]["USD"] for one in of.values()) for at in range(2)
    ]
    assert found.rows == 3


@thorough(40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["gpt-4o", "gpt-4o-mini", "gpt-4.1"]),
            st.dates(date(2025, 5, 1), date(2027, 6, 1)),
            st.tuples(*[st.integers(0, 10**15)] * 3),
        ),
        max_size=30,
    )
)
def test_sums_are_exact(drawn: list[tuple[str, date, tuple[int, int, int]]]) -> None:
    """Against fractions of a cent counted as whole numbers: billionths of a billionth."""
    data, units = example_data(), UNITS[:3]
    found, problems = priced(HEAD + "".join(f"acme,{code},{day},{a},{b},{c}\n" for code, day, (a, b, c) in drawn))
    assert problems == []
    expected = 0
    for code, day, counts in drawn:
        rows = data[f"models/{code}.yaml"]["token_costs"]
        row = [each for each in rows if each["start"] <= day.isoformat()][-1]
        prices = row["per_million_tokens"]
        expected += sum(count * round(prices[unit] * 10**6) for unit, count in zip(units, counts, strict=True))
    total = found.total[0].amounts.get("USD", Decimal(0))
    assert int(total.scaleb(12)) == expected
    assert total.scaleb(12) == expected


def test_what_has_no_price_is_counted_and_not_free() -> None:
    def gone(data: Data) -> None:
        del data["regions/europe-west6.yaml"]["models"]["gpt-realtime"]
        data["models/gpt-4o.yaml"]["token_costs"][-1]["end"] = "2027-01-01"
        data["llmcompile.yaml"]["price_horizon_days"] = 1

    text = "account,model,day,text_input,audio_input\n"
    rows = ["acme,gpt-realtime,2026-02-01,10,20\n", "acme,gpt-4o,2027-03-01,7,0\n", "acme,gpt-4o,2026-02-01,0,5\n"]
    found, problems = priced(text + "".join(rows), edited(gone))
    assert problems == []
    # A model that is served no more; a day that no row holds any more; a unit that never had a price.
    assert [each.unpriced for each in found.total] == [5, 30 + 7 + 5]
    assert found.by("model")["gpt-realtime"][1].amounts == {}


def test_renamed_accounts_and_models_are_priced_under_both() -> None:
    def rename(data: Data) -> None:
        data["accounts/acme-corp.yaml"] = {
            **data.pop("accounts/acme.yaml"),
            "account": "acme-corp",
            "previously": ["acme"],
        }
        text = json.dumps(data).replace('"gpt-realtime"', '"gpt-rt"')
        data.clear()
        data |= json.loads(text)
        model = data.pop("models/gpt-realtime.yaml")
        data["models/gpt-rt.yaml"] = {**model, "previously": ["gpt-realtime"]}

    text = HEAD + "acme,gpt-realtime,2026-02-01,10,0,0\nacme-corp,gpt-4o,2026-02-01,10,0,0\n"
    found, problems = priced(text, edited(rename))
    assert problems == []
    assert [each.account for each in found.entries] == ["acme-corp", "acme-corp"]
    assert found.total[0] == found.total[1]
    assert found.total[0].unpriced == 0


def test_another_first_choice_bills_by_its_own_prices() -> None:
    def moved(data: Data) -> None:
        for region in ("europe-west4", "europe-west6"):
            data[f"regions/{region}.yaml"]["models"].pop("gpt-4.1")
        without_group(data)

    found, problems = priced(HEAD + "globex,gpt-4.1,2026-02-01,1000000,0,0\n", edited(moved))
    assert problems == []
    assert [each.amounts for each in found.total] == [{"USD": Decimal("1.8")}, {}]
    assert found.total[1].unpriced == 1000000  # nothing serves it any more: a fallback is for names that may be called


def lines(problems: list[Located]) -> list[tuple[str, int, int, str]]:
    return [(each.diagnostic.code, each.at.line, each.at.column, each.diagnostic.message) for each in problems]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"),
    [
        ("", "file-empty", 1, 1, "nothing"),
        ("account,model,dya,text_input\n", "key-unknown", 1, 15, "'dya'"),
        ("account,model,text_input\n", "key-missing", 1, 25, "'day'"),
        ("account,model,day\n", "key-missing", 1, 18, "tokens"),
        ("account,model,day,day,text_input\n", "list-duplicate", 1, 19, "'day'"),
        (HEAD + "acme,gpt-4o,2026-02-30,1,1,1\n", "value-invalid", 2, 13, "2026-02-30"),
        (HEAD + "\nacme,gpt-4o,2026-02-01,1,1.5,1\n", "value-invalid", 3, 26, "'1.5'"),
        (HEAD + "acme,gpt-4o,2026-02-01,1,-1,1\n", "value-invalid", 2, 26, "'-1'"),
        (HEAD + 'acme,"gpt-4o",2026-02-01,"1,000",1,1\n', "value-invalid", 2, 26, "'1,000'"),
        (HEAD + "acme,gpt-4o,2026-02-01,1,1,1e3\n", "value-invalid", 2, 28, "'1e3'"),
        (HEAD + "acme,gpt-4o,2026-02-01,1,1,\u0663\n", "value-invalid", 2, 28, "\u0663"),
        (HEAD + "acme,gpt-4o,2026-02-01,1,1\n", "value-invalid", 2, 27, "5 cells in 6 columns"),
        (HEAD + "acme,gpt-4o,2026-02-01,1,1,1,1\n", "value-invalid", 2, 30, "7 cells in 6 columns"),
        (HEAD + 'acme,"gpt-4o,2026-02-01,1,1,1\n', "value-invalid", 2, 1, "not CSV"),
        (HEAD + "acmee,gpt-4o,2026-02-01,1,1,1\n", "value-unknown", 2, 1, "no account 'acmee'"),
        (HEAD + "acme,gpt-5,2026-02-01,1,1,1\n", "value-unknown", 2, 6, "no model 'gpt-5'"),
        (HEAD + "hooli,assistant,2026-02-01,1,1,1\n", "value-invalid", 2, 7, "gpt-4.1 or gpt-4o"),
        (
            "account,model,day,audio_input\nhooli,whisper-large-v3-turbo,2025-06-01,1\n",
            "value-invalid", 2, 30, "at 12:00:00",
        ),
        (HEAD.encode() + b"acme\xff", "file-encoding", 2, 1, "0xff"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_cell(text: str | bytes, code: str, line: int, column: int, message: str) -> None:
    _, problems = priced(text)
    found = lines(problems)
    assert len(found) == 1, found
    assert found[0][:3] == (code, line, column)
    assert message in found[0][3]


def test_every_bad_row_is_said_and_a_spreadsheet_s_spelling_is_read() -> None:
    text = "\ufeff" + HEAD.replace("\n", "\r\n") + 'acme , gpt-4o ,2026-02-01,"1",,\r\n'
    found, problems = priced(text)
    assert problems == []
    assert found.total[0].amounts == {"USD": Decimal("0.0000025")}
    _, problems = priced(HEAD + "x,gpt-4o,2026-02-01,1,1,1\nacme,gpt-4o,yesterday,a,1,1\nacme,x,2026-02-01,1,1,1\n")
    assert sorted(each.at.line for each in problems) == [2, 3, 3, 4]


def test_an_instant_settles_a_day_on_which_the_price_changes() -> None:
    text = "account,model,day,audio_input\n"
    rows = [f"hooli,whisper-large-v3-turbo,2025-06-01T{each}Z,1000000\n" for each in ("11:59:59", "12:00:00")]
    found, problems = priced(text + "".join(rows))
    assert problems == []
    assert found.total[0].amounts == {"USD": Decimal("2.0")}


def test_a_region_settles_a_model_that_ends_elsewhere_in_each() -> None:
    def one_region(data: Data) -> None:
        data["regions/europe-west4.yaml"]["models"].pop("gpt-4.1")
        without_group(data)

    new = edited(one_region)
    _, problems = priced(HEAD + "hooli,gpt-4.1,2026-02-01,1000000,0,0\n", new)
    assert [each.diagnostic.hint for each in problems] == ["name the model that served, or add a column region"]
    rows = "account,region,model,day,text_input\nhooli,europe-west4,gpt-4.1,2026-02-01,1000000\n"
    rows += "hooli,europe-west6,gpt-4.1,2026-02-01,1000000\n"
    found, problems = priced(rows, new)
    assert problems == []
    assert [each.amounts["USD"] for each in found.total] == [Decimal("3.6"), Decimal("2.5") + Decimal("1.8")]


def test_the_command_prices_or_says_where_it_cannot(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    commit(root)
    model = root / "models" / "gpt-4o-mini.yaml"
    model.write_text(model.read_text("utf-8").replace("text_output: 0.60", "text_output: 0.30"))
    usage = tmp_path / "usage.csv"
    out = io.StringIO()
    start = date(2025, 6, 1)
    csv.writer(out).writerows(["acme", "gpt-4o-mini", start + timedelta(day), 0, 0, 10**6] for day in range(30))
    usage.write_text(HEAD + out.getvalue())
    said = run_cli("diff", "main", "--usage", usage, "--format", "json", cwd=root)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["usage"]["total"] == {
        "before": {"cost": {"USD": "18"}, "tokens_without_price": 0},
        "after": {"cost": {"USD": "9"}, "tokens_without_price": 0},
        "difference": {"USD": "-9"},
    }
    text = run_cli("diff", "main", "--usage", usage, cwd=root).stdout
    assert "USD 18  USD 9      USD -9" in text
    assert "| all of 30 rows | USD 18 | USD 9 | USD \\-9 |".replace("\\", "") in run_cli(
        "diff", "main", "--usage", usage, "--format", "markdown", cwd=root
    ).stdout.replace("\\", "")
    usage.write_text(HEAD + "acme,gpt-4o-mni,2025-06-01,0,0,1\n")
    said = run_cli("diff", "main", "--usage", usage, cwd=root)
    assert (said.returncode, said.stdout) == (1, "")
    assert f"--> {usage}:2:6" in said.stderr
    assert "did you mean 'gpt-4o-mini'?" in said.stderr
    assert run_cli("diff", "main", "--usage", tmp_path / "none.csv", cwd=root).returncode == 2
