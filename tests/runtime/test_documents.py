"""Documents: what the contract requires is required, every refusal says where, and none repeats a value."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import HEADER_SECRET, SECRET, documents, own

from llmrouter.documents import DocumentError, parse
from llmrouter.snapshot import Snapshot

SCHEMAS = Path(__file__).parents[2] / "schemas"
GOOD = documents("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3")
CUSTOMER, PROVISIONED, POLICY = GOOD
ARGUMENTS = {CUSTOMER: "customer", PROVISIONED: "provisioned", POLICY: "policy"}


def read(changed: dict[str, Any]) -> None:
    written = {ARGUMENTS[name]: json.dumps(value) for name, value in changed.items()}
    Snapshot.build(parse(**written))


def changed(variable: str, path: tuple[Any, ...], value: Any = None, *, remove: bool = False) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    at = data[variable]
    for step in path[:-1]:
        at = at[step]
    if remove:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return data


@pytest.mark.parametrize("variable", GOOD)
def test_the_example_keeps_the_contract(variable: str) -> None:
    schema = json.loads((SCHEMAS / f"{variable.lower()}.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(GOOD[variable])
    read(GOOD)


BROKEN: list[tuple[str, tuple[Any, ...], Any, str, str]] = [
    (CUSTOMER, ("own", "base_url"), 7, "$.own.base_url", "expected text, found a number"),
    (CUSTOMER, ("own", "base_url"), "ftp://x", "$.own.base_url", "http"),
    (CUSTOMER, ("own", "base_url"), "https://u:p@host/", "$.own.base_url", "without user"),
    (CUSTOMER, ("own", "base_url"), "https://host:99999/", "$.own.base_url", "port"),
    (CUSTOMER, ("own", "base_url"), "https://host:/?a=b", "$.own.base_url", "query"),
    (CUSTOMER, ("own", "api_key"), HEADER_SECRET + "\n", "$.own.api_key", "a header can carry"),
    (CUSTOMER, ("own", "api_key"), "", "$.own.api_key", "is empty"),
    (CUSTOMER, ("own", "supported_models"), "gpt-4o", "$.own.supported_models", "expected a list"),
    (CUSTOMER, ("own", "supported_models"), [None], "$.own.supported_models[0]", "found null"),
    (CUSTOMER, ("entra", "oauth_client_secret"), None, "$.entra", "a part of OAuth"),
    (CUSTOMER, ("own", "path_style"), "grpc", "$.own.path_style", "is none of azure, openai"),
    (CUSTOMER, ("own", "timeout_seconds"), 0, "$.own.timeout_seconds", "above 0"),
    (CUSTOMER, ("own", "timeout_seconds"), True, "$.own.timeout_seconds", "expected a number"),
    (CUSTOMER, ("own", "weight"), 0, "$.own.weight", "less than 1"),
    (CUSTOMER, ("custom", "auth_header", "format"), "no key", "$.custom.auth_header.format", "{api_key}"),
    (CUSTOMER, ("custom", "auth_header", "name"), "Host", "$.custom.auth_header.name", "HTTP itself"),
    (CUSTOMER, ("own",), [], "$.own", "expected an object, found a list"),
    (PROVISIONED, ("models", "failover"), ["nowhere"], "$.models.failover[0]", "does not have"),
    (PROVISIONED, ("endpoints",), None, "$.endpoints", "expected an object, found null"),
    (POLICY, ("version",), 2, "$.version", "newer format"),
    (POLICY, ("version",), "1", "$.version", "no format"),
    (POLICY, ("source",), "both", "$.source", "is none of auto"),
    (POLICY, ("budget",), {"monthly": {"hard": 8, "currency": "USD"}}, "$.budget.monthly.hard", "expected text"),
    (POLICY, ("budget",), {"monthly": {"soft": "-1", "currency": "USD"}}, "$.budget.monthly.soft", "decimal number"),
    (POLICY, ("budget",), {"monthly": {"soft": "1"}}, "$.budget.monthly.currency", "is missing"),
    (POLICY, ("keys", 0, "budget"), {"weekly": {}}, "$.keys[0].budget.monthly", "is missing"),
    (POLICY, ("limits_unavailable",), "half-open", "$.limits_unavailable", "is none of open, closed"),
    (POLICY, ("keys", 1, "sha256"), "ABC", "$.keys[1].sha256", "SHA-256"),
    (POLICY, ("keys", 1, "team"), "ghosts", "$.keys[1].team", "does not have"),
    (POLICY, ("models", "single", "type"), "telepathy", "$.models.single.type", "is none of"),
    (POLICY, ("models", "single", "realtime"), 1, "$.models.single.realtime", "true or false"),
    (
        POLICY,
        ("models", "single", "token_costs", 0, "start"),
        "2024-10-01",
        "$.models.single.token_costs[0]",
        "instant",
    ),
    (POLICY, ("models", "single", "token_costs", 0, "end"), "2024-02-31T00:00:00Z", "$.models", "calendar"),
    (POLICY, ("models", "single", "token_costs", 0, "per_million_tokens", "text_input"), 2.5, "$.models", "text"),
    (POLICY, ("route_groups", "group", "policy"), "random", "$.route_groups.group.policy", "is none of"),
    (POLICY, ("limits",), {"concurrent": -1}, "$.limits.concurrent", "less than 1"),
]


@pytest.mark.parametrize(("variable", "path", "value", "place", "problem"), BROKEN)
def test_what_is_wrong_is_refused_where_it_is(
    variable: str, path: tuple[Any, ...], value: Any, place: str, problem: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        read(changed(variable, path, value))
    assert caught.value.variable == variable
    assert caught.value.path.startswith(place)
    assert problem in caught.value.problem
    assert caught.value.hint


REQUIRED = [
    *((CUSTOMER, ("own", name)) for name in own("http://x")),
    *((PROVISIONED, ("endpoints", "primary", name)) for name in ("api_key", "base_url")),
    *((PROVISIONED, (name,)) for name in ("endpoints", "models")),
    *((POLICY, (name,)) for name in GOOD[POLICY]),
    *((POLICY, ("models", "single", name)) for name in ("type", "realtime", "token_costs")),
    *((POLICY, ("keys", 0, name)) for name in ("id", "sha256")),
    *((POLICY, ("models", "single", "token_costs", 0, name)) for name in ("id", "start", "end", "currency")),
    *((POLICY, ("route_groups", "group", name)) for name in ("policy", "members")),
]


@pytest.mark.parametrize(("variable", "path"), REQUIRED)
def test_a_missing_key_is_refused(variable: str, path: tuple[Any, ...]) -> None:
    with pytest.raises(DocumentError) as caught:
        read(changed(variable, path, remove=True))
    assert (caught.value.variable, caught.value.problem) == (variable, "is missing")
    assert caught.value.path.endswith(f".{path[-1]}")


@pytest.mark.parametrize("path", [("own", "later"), ("later",)])
def test_unknown_keys_are_for_newer_readers(path: tuple[str, ...]) -> None:
    value = own("http://x", "m") if len(path) == 1 else {"any": ["thing"]}
    read(changed(CUSTOMER, path, value))
    read(changed(POLICY, ("later",), value))


@pytest.mark.parametrize(
    ("later", "place", "problem"),
    [
        ('{"a": 1, "a": 1}', "$.later", "occurs twice"),
        ('{"deep": [0, {"x": 1, "x": 2}]}', "$.later.deep[1]", "occurs twice"),
        ("NaN", "$", "out of bounds"),
        ("-Infinity", "$", "out of bounds"),
        ("[" * 100_000, "$", "out of bounds"),
        ("1" + "0" * 5000, "$", "out of bounds"),
        ("1, ", "$", "is not JSON"),
    ],
)
def test_what_is_not_strict_json_is_refused(later: str, place: str, problem: str) -> None:
    parse(policy=document("1"), customer="{}")  # control
    for text in (document(later), document(later).encode()):
        with pytest.raises(DocumentError) as caught:
            parse(policy=text, customer="{}")
        assert (caught.value.variable, caught.value.path) == (POLICY, place)
        assert problem in caught.value.problem


def document(later: str) -> str:
    """A right policy but for what a newer format may hold."""
    return json.dumps(GOOD[POLICY])[:-1] + f', "later": {later}}}'


@pytest.mark.parametrize("text", ["{", "[]", "null", "", "  \n", "\ufeff{}"])
def test_what_is_no_document_is_refused(text: str) -> None:
    for source in (text, text.encode()):
        with pytest.raises(DocumentError) as caught:
            parse(customer=source)
        assert caught.value.path == "$"


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(DocumentError, match="UTF-8"):
        parse(customer=b'{"\xff": 1}')


def test_one_endpoint_document_is_needed() -> None:
    with pytest.raises(DocumentError, match="neither"):
        parse(policy=json.dumps(GOOD[POLICY]))
    assert parse(customer="{}")


@given(st.data())
def test_no_refusal_repeats_a_secret(data: st.DataObject) -> None:
    """Cut the document anywhere, or put something else in the place of anything."""
    text = json.dumps(GOOD[CUSTOMER], ensure_ascii=data.draw(st.booleans()))
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.sampled_from(["", '"', "{", "}", ",", "\\", "0"])) + text[at + 1 :]
    try:
        parse(customer=broken)
    except DocumentError as error:
        said = f"{error} {error!r} {error.hint}"
        for secret in (SECRET, HEADER_SECRET):
            assert secret not in said
            assert json.dumps(secret)[1:-1] not in said


def test_the_digest_is_of_the_bytes_as_they_came() -> None:
    digests = {parse(customer=each).digests[CUSTOMER] for each in ("{}", b"{}", "{ }")}
    assert len(digests) == 2
