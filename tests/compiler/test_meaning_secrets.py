"""No fact shows a secret: neither where secrets belong, nor where a hand pasted one."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.compiler.full_documents import CUSTOMER, FULL, OWN, POLICY, REGION, change

from llmcompile.push.meaning import UNREADABLE, meaning
from llmcompile.secret_ids import Kind

LIKE_KEYS = [
    "sk-Canary0123456789abcdef",
    "c0ffee" * 5 + "42",
    "Ca" * 26 + "JQQJ99" + "Na" * 13,
    "abC8Q~" + "canary0" * 5,
]
"""Keys that a hand pasted where no key belongs, as their providers make them."""
WEAK = "Canary1"
"""What looks like no key, where a key or something that may hold one belongs."""
NEVER_SHOWN = {"api_key", "oauth_client_secret", "oauth_client_id", "sha256"}


def encodings(secret: str) -> set[str]:
    """A secret as it may come out: raw, in base64, escaped for a URL or for JSON, and its halves."""
    raw = secret.encode()
    forms = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), quote(secret, safe="")}
    return {secret, *forms, json.dumps(secret)[1:-1], secret[: len(secret) // 2 + 2], secret[len(secret) // 2 - 2 :]}


def places(tree: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a text, or a key, stands."""
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(item, dict | list):
            yield from places(item, (*steps, key))
        elif item is None or isinstance(item, str):
            yield (*steps, key)


def planted(document: Any, steps: tuple[Any, ...], value: Any) -> Any:
    new = copy.deepcopy(document)
    at = new
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = value
    return new


def shown(kind: Kind, one: Any, other: Any) -> str:
    """All that facts say of a document and another: what comes, what goes, what changes."""
    changes = [(one, other), (other, one), (None, one), (one, None), (UNREADABLE, one)]
    return "\n".join(each.text for old, new in changes for each in meaning([change(kind, old, new)]))


@pytest.mark.parametrize("secret", LIKE_KEYS)
@pytest.mark.parametrize("kind", FULL)
def test_a_key_pasted_anywhere_is_not_shown(kind: Kind, secret: str) -> None:
    for steps in places(FULL[kind]):
        for value in (secret, f"Bearer {secret}", f"https://x.example/?key={secret}", f"https://{secret}@x.example/"):
            told = shown(kind, planted(FULL[kind], steps, value), FULL[kind])
            assert not [each for each in encodings(secret) if each in told], (steps, told)
    for steps in {(*each[:-1], secret) for each in places(FULL[kind]) if not isinstance(each[-1], int)}:
        told = shown(kind, planted(FULL[kind], steps, "odd"), FULL[kind])
        assert not [each for each in encodings(secret) if each in told], (steps, told)


@pytest.mark.parametrize("kind", FULL)
def test_a_weak_secret_is_not_shown_where_secrets_belong(kind: Kind) -> None:
    for steps in places(FULL[kind]):
        values = {
            **{key: [WEAK, f"{WEAK}-2"] for key in NEVER_SHOWN},
            "format": [f"{WEAK} {{api_key}}", f"Bearer {WEAK}{{api_key}}", WEAK],
            "base_url": [
                f"https://{WEAK}@x.example",
                f"https://x.example?{WEAK}",
                f"https://x.example#{WEAK}",
                f"https://u'{WEAK}@x.example",
                WEAK,
            ],
            "oauth_token_url": [f"https://u:{WEAK}@x.example/t", WEAK, f"mailto:{WEAK}"],
        }.get(str(steps[-1]), [])
        for value in values:
            one = planted(FULL[kind], steps, value)
            assert WEAK not in shown(kind, one, FULL[kind]) + shown(kind, one, planted(FULL[kind], steps, f"{value}2"))


DEFAULTS = ("models", "gpt-4o", "default_params")
FREE = {(), ("default", "models"), ("endpoints", "secondary", "models"), DEFAULTS, (*DEFAULTS, "reasoning")}
"""Where any key is known."""


def test_a_default_that_is_named_like_a_secret_is_not_shown() -> None:
    for name in ("api_key", "password", "client_secret"):
        assert WEAK not in shown(POLICY, planted(FULL[POLICY], (*DEFAULTS, name), WEAK), FULL[POLICY])
    assert WEAK in shown(POLICY, planted(FULL[POLICY], (*DEFAULTS, "user"), WEAK), FULL[POLICY])


@pytest.mark.parametrize("kind", FULL)
def test_what_is_unknown_is_named_and_not_shown(kind: Kind) -> None:
    for steps in {each[:-1] for each in places(FULL[kind]) if not any(isinstance(step, int) for step in each)} - FREE:
        for value in (WEAK, [WEAK], {"a": WEAK}):
            told = shown(kind, planted(FULL[kind], (*steps, "odd"), value), FULL[kind])
            assert WEAK not in told, (steps, told)
            assert ".odd" in told


@pytest.mark.parametrize("kind", FULL)
def test_nothing_below_what_is_unknown_is_even_named(kind: Kind) -> None:
    """Somebody's map of tokens to owners has its secrets in its keys."""
    for steps in {each[:-1] for each in places(FULL[kind]) if not any(isinstance(step, int) for step in each)} - FREE:
        for value in ({WEAK: "alice"}, {"a": {WEAK: 1}}, [{WEAK: 1}]):
            told = shown(kind, planted(FULL[kind], (*steps, "odd"), value), FULL[kind])
            told += shown(kind, planted(FULL[kind], (*steps, "odd"), value), planted(FULL[kind], (*steps, "odd"), {}))
            assert WEAK not in told, (steps, told)
            assert ".odd" in told
    told = shown(REGION, {"endpoints": {}, "models": {"gpt-4o": {WEAK: 1}}}, {"endpoints": {}, "models": {}})
    assert "models.gpt-4o" in told, "a mapping where a list belongs"
    assert WEAK not in told


def test_control_the_canaries_are_found_where_they_are_shown() -> None:
    told = shown(CUSTOMER, planted(OWN, ("default", "provider"), WEAK), OWN)
    assert WEAK in told
    assert [each for each in encodings("sk-Canary") if each in "the key sk-Canary"]


def test_secrets_do_not_stand_in_what_python_shows() -> None:
    assert "the-api-key" not in repr(change(CUSTOMER, None, OWN))
    assert "the-api-key" not in repr(meaning([change(CUSTOMER, None, OWN)]))
