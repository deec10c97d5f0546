"""Whatever text an edit is given, it is read back as that text: by our loader, and by tools that guess at types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.layouts import MANY

from llmcompile.edit.scalars import Quoted, scalar
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load

ODD = [
    "", " ", "~", "null", "true", "No", "on", "1", "1.0", "1e3", "0x1F", "010", "1_000", "12:30:45", "- a", "a: b",
    "a #b", "#a", "a,b", "[a]", "{a}", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "'a'", '"a"', "a\\b", "=", "<<",
    "https://a.example/b?c=d#e", "ref+env://A", "ref+gcpsecrets://p/s?version=3#/a/b", "llama3.2:3b", "a:", ":a",
    "?", "? a", "---", "...", "für 漢字", "\U0001f600", "\u2028", "\u00a0", "a  b", "2026-01-01",
]  # fmt: skip
texts = st.sampled_from(ODD) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)


@MANY
@given(text=texts, quote=st.sampled_from([None, "", "'", '"']))
def test_any_text_is_read_back_in_a_block_and_in_brackets(text: str, quote: str | None) -> None:
    if "${" in text:
        return
    written = scalar(text, quote)
    assert "\n" not in written
    assert load(Source("", f"a: {written}  # b\n")) == ({"a": text}, [])
    assert load(Source("", f"[{written}, {{a: {written}}}]")) == ((text, {"a": text}), [])
    assert load(Source("", f"{written}: 1\n")) == ({text: 1}, []) or not text


@MANY
@given(text=texts)
def test_other_tools_take_it_for_text_too_unless_it_is_a_date(text: str) -> None:
    if yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:timestamp":
        assert yaml.safe_load(f"a: {scalar(text)}\n") == {"a": text}


@pytest.mark.parametrize(
    ("value", "quote", "written"),
    [
        ("gpt-4o", None, "gpt-4o"),
        ("GPT-4o mini", None, "GPT-4o mini"),
        ("2026-01-01", None, "2026-01-01"),
        (Quoted("2023-05-15"), None, '"2023-05-15"'),
        (Quoted("2023-05-15"), "", "2023-05-15"),
        ("2026-01-01", "'", "'2026-01-01'"),
        ("it's", "'", "'it''s'"),
        ("no", None, '"no"'),
        ("no", "", "no"),
        ("true", "", '"true"'),
        (True, '"', "true"),
        (Decimal("2.50"), '"', "2.50"),
        (7, None, "7"),
    ],
)
def test_how_it_is_written(value: Any, quote: str | None, written: str) -> None:
    assert scalar(value, quote) == written


def test_control_what_is_written_plainly_would_not_be_read_back() -> None:
    assert load(Source("", "a: true\n"))[0] != {"a": "true"}
    assert load(Source("", "a: a #b\n"))[0] != {"a": "a #b"}
