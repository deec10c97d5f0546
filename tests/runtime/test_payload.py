"""The client's body: untouched where it can be, right for the upstream where it must be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrouter.entities import Candidate, Endpoint, PathStyle
from llmrouter.errors import ApiError
from llmrouter.payload import Payload


def candidate(upstream: str, style: PathStyle = "azure") -> Candidate:
    return Candidate("m", upstream, Endpoint("e", "tenant", "any", "http://o", style, None))


def sent(raw: bytes, upstream: str = "m", style: PathStyle = "azure", **defaults: Any) -> bytes:
    written = {name: json.dumps(value).encode() for name, value in defaults.items()}
    return Payload.parse(raw).for_upstream(candidate(upstream, style), written)


@pytest.mark.parametrize("raw", [b'{"model": "m", "x": 1.0}', b' {"x":1e2,\n"model":"m"} ', b'{"messages": []}'])
def test_bytes_that_are_right_stay(raw: bytes) -> None:
    assert sent(raw) == raw


def test_only_the_name_changes() -> None:
    raw = b'{"x": 1.00, "model" : "m" , "y": "\\u00e9"}'
    assert sent(raw, "p-m") == raw.replace(b'"m"', b'"p-m"')


def test_a_body_without_a_model_gets_one_where_the_path_has_none() -> None:
    assert sent(b'{"x": 1}', "up", "openai") == b'{"model":"up","x": 1}'
    assert sent(b"{}", "up", "openai") == b'{"model":"up"}'
    assert sent(b'{"x": 1}', "up", "azure") == b'{"x": 1}'


def test_what_the_client_says_wins_even_null() -> None:
    found = json.loads(sent(b'{"model": "m", "a": null, "b": 0}', a=1, b=2, c=3, model="other"))
    assert found == {"model": "m", "a": None, "b": 0, "c": 3}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "a", "é"]), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "messages", 'x"model"']), values),
    st.text(min_size=1),
    st.text(min_size=1),
    st.dictionaries(st.sampled_from(["a", "temperature"]), values, max_size=2),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_the_rewritten_body_means_what_it_should(
    fields: dict[str, Any], name: str, upstream: str, defaults: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    data = {**fields, "model": name}
    raw = json.dumps(data, ensure_ascii=ascii_only, indent=indent).encode(errors="replace")
    expected = {**defaults, **json.loads(raw), "model": upstream}
    assert json.loads(sent(raw, upstream, "openai", **defaults)) == expected


def test_a_model_further_inside_is_left_alone() -> None:
    assert json.loads(sent(b'{"a": {"model": "m"}, "model": "m"}', "up")) == {"a": {"model": "m"}, "model": "up"}


def test_defaults_never_name_the_model() -> None:
    assert sent(b'{"x": 1}', model="other") == b'{"x": 1}'


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"3", b"\xff", b'{"a": NaN}', b'{"model":"m","model":"n"}', b"[" * 200_000, b"\xef\xbb\xbf{}"],
)
def test_what_is_not_a_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        Payload.parse(raw)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


def test_an_escaped_second_model_is_seen() -> None:
    with pytest.raises(ApiError):
        Payload.parse(b'{"model": "dear", "mod\\u0065l": "cheap"}')


@pytest.mark.parametrize("raw", [b"{}", b'{"model": null}', b'{"model": ""}', b'{"model": ["m"]}'])
def test_no_model(raw: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        Payload.parse(raw).model()
    assert (caught.value.status, caught.value.param) == (400, "model")
