"""Prices of an import: exact, never another's, and asked for where there are none."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.importing import ONE, run
from tests.compiler.repo import run_cli

from llmcompile.importing import prices
from llmcompile.load.repository import load_repository


@pytest.mark.parametrize(
    ("written", "per_million"),
    [
        ("1e-6", "1"),
        ("0.0000025", "2.5"),
        ("2.5E-6", "2.5"),
        ("1.5e-07", "0.15"),
        ("0.00000015", "0.15"),
        (".0000015", "1.5"),
        ('"2e-6"', "2"),
        ("0.0000011", "1.1"),
        ("0.05e-6", "0.05"),
        ("1.23456789012e-5", "12.3456789012"),
        ("0", "0"),
        ("0.0", "0"),
        ("0.00001", "10"),
        ("0.000100", "100"),
        ("1e-18", "0.000000000001"),
    ],
)
def test_prices_keep_every_digit(written: str, per_million: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE.replace("2.5e-6", written))
    row = ran.loaded("models/gpt-4o.yaml")["token_costs"][0]
    assert row["per_million_tokens"]["text_input"] == per_million
    model = load_repository(ran.out)[0].models.files["models/gpt-4o.yaml"]
    assert model.token_costs[0].per_million_tokens.text_input == Decimal(per_million)


def test_control_floats_would_not_keep_them() -> None:
    assert float("0.05e-6") * 1_000_000 != 0.05


@given(st.decimals(min_value=Decimal("1e-12"), max_value=Decimal("0.01"), places=24, allow_nan=False))
def test_a_price_per_million_is_exactly_a_million_times_the_price(price: Decimal) -> None:
    assert Fraction(prices.plain(prices.per_million(price))) == Fraction(price) * 1_000_000


@pytest.mark.parametrize("written", ["free", "-1e-6", "1e-40", "1e40", "1e4", "nan", "[1]", "2.5e-6 USD"])
def test_what_is_no_price_is_left_out(written: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE.replace("2.5e-6", written))
    assert ("left out", "not a price per token") in ran.said_of("model_list[0].litellm_params.input_cost_per_token")
    assert "text_input" not in ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["per_million_tokens"]
    assert ran.code == 1  # the check asks for it


def test_prices_of_both_places_and_of_deployments_that_differ(tmp_path: Path) -> None:
    second = ONE.partition("\n")[2].replace("2.5e-6", "3e-6").replace("openai/gpt-4o", "openai/gpt-4o-2024")
    info = "    model_info: {input_cost_per_token: 9e-6, cache_read_input_token_cost: 1.25e-6}\n"
    ran = run(tmp_path, "litellm", ONE + info + second)
    assert ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["per_million_tokens"] == {
        "text_input": "2.5", "cached_text_input": "1.25", "text_output": "10",
    }  # fmt: skip
    assert ran.said_of("model_list[0].model_info.input_cost_per_token")[0][0] == "left out"
    assert ("changed", "priced like the deployment in line 2: a model has one price") in ran.said_of(
        "model_list[1].model_name"
    )


def test_a_model_without_a_price_is_written_and_the_report_begins_with_it(tmp_path: Path) -> None:
    bare = "\n".join(line for line in ONE.splitlines() if "cost" not in line)
    ran = run(tmp_path, "litellm", bare, form="text")
    assert ran.code == 1
    assert "token_costs" not in ran.loaded("models/gpt-4o.yaml")
    first = ran.stdout.split("\n\n")[1]
    assert first.startswith("Check does not pass yet, 1 error:\n  models/gpt-4o.yaml:3:1 error[price-missing]")
    assert "--prices FILE" in first
    assert run_cli("check", "--root", ran.out, cwd=tmp_path).returncode == 1


def test_a_price_list_is_asked_for_exact_names_alone(tmp_path: Path) -> None:
    bare = "\n".join(line for line in ONE.splitlines() if "cost" not in line)
    listed = tmp_path / "list.json"
    listed.write_text('{"gpt-4": {"input_cost_per_token": 3e-05, "output_cost_per_token": 6e-05}}')
    assert run(tmp_path, "litellm", bare, "--prices", str(listed)).code == 1
    listed.write_text('{"gpt-4o": {"input_cost_per_token": 1.1e-06, "output_cost_per_token": 6e-05, "mode": "chat"}}')
    ran = run(tmp_path, "litellm", bare, "--prices", str(listed), out="again")
    assert ran.code == 0
    assert ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["per_million_tokens"]["text_input"] == "1.1"


def test_no_price_is_taken_from_another_provider(tmp_path: Path) -> None:
    bare = "\n".join(line for line in ONE.splitlines() if "cost" not in line)
    listed = tmp_path / "list.json"
    listed.write_text('{"gpt-4o": {"input_cost_per_token": 1.1e-06, "output_cost_per_token": 6e-05, "mode": "chat"}}')
    for number, (provider, code) in enumerate({"openai": 0, "openrouter": 1, "groq": 1}.items()):
        ran = run(
            tmp_path, "litellm", bare.replace("openai/", f"{provider}/"), "--prices", str(listed), out=str(number)
        )
        assert ran.code == code, provider


@pytest.mark.parametrize("content", ["[]", "{", "\xff", '{"a": ' * 9000])
def test_a_price_list_that_is_none_is_wrong_usage(content: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.json"
    listed.write_text(content, "latin-1")
    assert run(tmp_path, "litellm", ONE, "--prices", str(listed)).code == 2
    assert run(tmp_path, "litellm", ONE, "--prices", str(tmp_path / "none.json")).code == 2
    with listed.open("r+b") as stream:
        stream.truncate(2**30)
    assert "that is no price list" in run(tmp_path, "litellm", ONE, "--prices", str(listed)).stderr


def test_prices_start_where_the_option_says(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE, "--start", "2025-07-01")
    assert ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["start"] == "2025-07-01"
    assert run(tmp_path, "litellm", ONE, "--start", "July", out="again").code == 2
