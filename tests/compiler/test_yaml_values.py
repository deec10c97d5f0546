"""What a scalar is read as: JSON's values and nothing by accident, numbers exactly from their source text."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compiler.repo import write_repo

from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load
from llmcompile.pipeline import compile_repository


def _read(text: str) -> Any:
    data, problems = load(Source("x.yaml", text))
    assert not problems, problems
    return data


def _codes(text: str) -> list[str]:
    return [each.code for each in load(Source("x.yaml", text))[1]]


TEXTS = [
    "NO", "No", "no", "yes", "Yes", "on", "off", "y", "n", "True", "TRUE", "False", "Null", "NULL",
    "010", "0o10", "0x1F", "0b11", "1_000", "12:30:45", "190:20:30", "2026-01-01", "2026-01-01T00:00:00Z",
    ".5", "5.", "+1", "+1.5", "1e", "e5", "1e+", "--1", "1-", ".inf", "-.inf", ".nan", ".NaN",
    "=", "1 000", "1,000", "٣", "1٣", "²", "0.", "00", "-01", "1.2.3", "gpt-4.1", "a=b",
]  # fmt: skip


@pytest.mark.parametrize("written", TEXTS)
def test_stays_text(written: str) -> None:
    assert _read(f"v: {written}") == {"v": written}


VALUES = [
    ("true", True),
    ("false", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("0", 0),
    ("-0", 0),
    ("1", 1),
    ("-17", -17),
    ("123456789012345678901234567890", 123456789012345678901234567890),
]


@pytest.mark.parametrize(("written", "value"), VALUES)
def test_is_a_value(written: str, value: object) -> None:
    read = _read(f"v: {written}")["v"]
    assert read == value
    assert type(read) is type(value)


DECIMALS = ["1e-6", "1E5", "1e+3", "0.1", "2.50", "-0.5", "0.30000000000000004", "1.10", "0.000000000001", "1e30"]


@pytest.mark.parametrize("written", DECIMALS)
def test_is_the_exact_number_of_the_source_text(written: str) -> None:
    read = _read(f"v: {written}")["v"]
    assert isinstance(read, Decimal)
    assert read.as_tuple() == Decimal(written).as_tuple()  # 2.50 keeps its zero, 0.1 is no binary fraction


@pytest.mark.parametrize("written", [*TEXTS, *(each for each, _ in VALUES), *DECIMALS])
@pytest.mark.parametrize("mark", ['"', "'"])
def test_quotes_make_text(written: str, mark: str) -> None:
    assert _read(f"v: {mark}{written}{mark}") == {"v": written}


@pytest.mark.parametrize("block", ["|-", ">-"])
def test_blocks_are_text(block: str) -> None:
    assert _read(f"v: {block}\n  123\n") == {"v": "123"}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1e31", "yaml-number"),
        ("1e-31", "yaml-number"),
        ("1e99999999999", "yaml-number"),
        ("1" * 31, "yaml-number"),
        ("0." + "1" * 30, "yaml-number"),
        ("!!str 1", "yaml-tag"),
        ("!!python/object:os.system x", "yaml-tag"),
        ('"${HOME}"', "yaml-interpolation"),
        ('"\\e[31m"', "yaml-control"),
        ('"\\0"', "yaml-control"),
        ('"\\uFFFF"', "yaml-control"),
        ('"\\uD800"', "yaml-syntax"),
        ("*a", "yaml-alias"),
    ],
)
def test_is_an_error(written: str, code: str) -> None:
    assert _codes(f"v: {written}") == [code]


def test_keys_are_text_whatever_they_look_like() -> None:
    assert _read("1: a\ntrue: b\nNO: c\n1e3: d\n2026-01-01: e\n") == {
        "1": "a", "true": "b", "NO": "c", "1e3": "d", "2026-01-01": "e",
    }  # fmt: skip
    assert _codes("1: a\n'1': b\n") == ["yaml-duplicate-key"]


@pytest.mark.parametrize("text", ["? [a]\n: 1\n", "? {a: 1}\n: 1\n", "'': 1\n", "<<: {a: 1}\n", "!!str a: 1\n"])
def test_odd_keys_are_errors(text: str) -> None:
    assert _codes(text) in (["yaml-key"], ["yaml-merge-key"])


def test_control_the_usual_loader_reads_other_values() -> None:
    """These are traps: the loader that everybody uses falls into each of them."""
    text = "[NO, 010, 1_000, 12:30:45, 1e-6]"
    assert yaml.safe_load(text) == [False, 8, 1000, 45045, "1e-6"]
    assert _read(text) == ("NO", "010", "1_000", "12:30:45", Decimal("1e-6"))


@pytest.mark.parametrize("written", ["2.50", "25e-1", "0.25E1", "2.500000000000"])
def test_a_price_comes_out_as_it_was_meant(written: str, tmp_path: Path) -> None:
    row = f"{{start: 2024-10-01, currency: USD, per_million_tokens: {{text_input: {written}, text_output: 10}}}}"
    root = write_repo(tmp_path, {"models/gpt-4o.yaml": f"code: gpt-4o\ntype: chat\ntoken_costs: [{row}]\n"})
    compiled = compile_repository(root, datetime(2026, 1, 1, tzinfo=UTC))
    policy = next(each for each in compiled.documents if each.kind == "ROUTER_POLICY").plain()
    prices = policy["models"]["gpt-4o"]["token_costs"][0]["per_million_tokens"]
    assert prices == {"text_input": "2.5", "text_output": "10"}


CONTROLS = sorted({*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF} - {0x09, 0x0A})
"""A tab is refused before anything is parsed."""
PLACES = ["a{}b: 1", "k: a{}b", "? a{}b\n: 1", "{{a{}b: c{}d}}", "k: |\n  a{}b", "k: 'a{}b'"]


@pytest.mark.parametrize("written", PLACES)
def test_no_control_character_gets_into_a_value(written: str) -> None:
    for code in CONTROLS:
        data, problems = load(Source("x.yaml", written.format(*[chr(code)] * 2)))
        assert problems or chr(code) not in "".join([*data, *map(str, data.values())]), hex(code)


@pytest.mark.parametrize("written", ['"a\\u{:04x}b": 1', 'k: "a\\u{:04x}b"', '{{"a\\u{:04x}b": 1}}'])
def test_control_an_escape_would_get_them_there(written: str) -> None:
    for code in CONTROLS:
        _, problems = load(Source("x.yaml", written.format(code)))
        assert [each.code for each in problems] in (["yaml-key"], ["yaml-control"]), hex(code)
