"""Documents differ where there is a fact: whatever differs, whatever shape they have."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import schema
from tests.compiler.full_documents import CUSTOMER, FULL, POLICY, change, differ, keys_of
from tests.compiler.thorough import thorough

from llmcompile.push.meaning import CODES, meaning
from llmcompile.push.meaning.documents import RULES
from llmcompile.push.meaning.walk import Rule, Sayer
from llmcompile.secret_ids import Kind

# --- every single difference

ODD: list[Any] = [None, True, False, 0, 1, -1, 2.5, "", "odd", [], ["odd"], {}, {"odd": 1}]
OTHER = {
    "auto": "tenant",
    "chat": "embedding",
    "weighted": "ordered",
    "openai": "azure",
    "concurrent": "disabled",
    "1e" * 32: "2d" * 32,
}


def mutations(value: Any) -> Iterator[Any]:
    """The value with one thing changed, in every way and at every place."""
    yield from (copy.deepcopy(each) for each in ODD)
    if isinstance(value, str):
        yield OTHER.get(value, "odd")
        yield from (f"{value}x", value[:-1], value.upper())
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from (value + 1, float(value))
    if isinstance(value, dict):
        for key in value:
            yield {name: item for name, item in value.items() if name != key}
            yield {(f"{name}-2" if name == key else name): item for name, item in value.items()}
            yield from ({**value, key: each} for each in mutations(value[key]))
        yield {**value, "odd": "odd"}
        yield dict(reversed(value.items()))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield [*value[:index], *value[index + 1 :]]
            yield from ([*value[:index], each, *value[index + 1 :]] for each in mutations(item))
        yield [*value, copy.deepcopy(value[-1]) if value else "odd"]
        yield list(reversed(value))


@cache
def mutated(kind: Kind) -> list[Any]:
    """All documents that differ from the full one in one thing, each way both old and new."""
    return [each for each in mutations(FULL[kind]) if isinstance(each, dict) and differ(each, FULL[kind])]


@pytest.mark.parametrize("kind", FULL)
def test_the_full_documents_have_everything_that_their_schemas_know(kind: Kind) -> None:
    schema(kind).validate(FULL[kind])
    assert set(_properties(schema(kind).schema)) <= set(keys_of(FULL[kind]))


def _properties(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from tree.get("properties", ())
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _properties(each)


@pytest.mark.parametrize("kind", FULL)
def test_every_single_difference_has_a_fact_both_ways(kind: Kind) -> None:
    assert len(mutated(kind)) > 400
    for each in mutated(kind):
        assert meaning([change(kind, FULL[kind], each)]), each
        assert meaning([change(kind, each, FULL[kind])]), each


@pytest.mark.parametrize("kind", FULL)
def test_control_without_the_safety_net_differences_are_lost(kind: Kind) -> None:
    nothing: Sayer = lambda place: iter(())  # noqa: E731
    assert [each for each in mutated(kind) if not meaning([change(kind, FULL[kind], each)], rest=nothing)]


def valid_mutations(kind: Kind) -> list[tuple[Any, Any]]:
    """Pairs of valid documents that differ in one thing."""
    valid = jsonschema_rs.validator_for(schema(kind).schema)
    pairs = ((FULL[kind], each) for each in mutated(kind) if valid.is_valid(each))
    return [pair for old, new in pairs for pair in ((old, new), (new, old))]


@pytest.mark.parametrize("kind", FULL)
def test_what_valid_documents_can_say_is_said_in_words(kind: Kind) -> None:
    """The safety net is left with what no compiler writes: rows that overlap, keys with one id, integers as 60.0,
    a model that is described and may not be called."""
    facts = {fact for old, new in valid_mutations(kind) for fact in meaning([change(kind, old, new)])}
    steps = re.compile(
        r"changed: (models\.gpt-4o\.token_costs|keys|(keys\.bot\.)?limits\.\w+)|\w+: models\.gpt-4[o1.-]+2?"
    )
    assert [each.text for each in facts if each.code == "difference" and not steps.fullmatch(each.text)] == []
    assert len(facts) > 50


def documented_rules() -> list[Any]:
    """Every rule, but for the fields that the platform's endpoints do not have; both kinds share their rules."""
    return [
        pytest.param(kind, rule, id=f"{kind}-{'.'.join(rule.pattern)}-{rule.on}")
        for kind, rules in RULES.items()
        for rule in rules.rules
        if not rule.pattern or rule.pattern[-1] in {"*", *keys_of(FULL[kind])}
    ]


@pytest.mark.parametrize(("kind", "rule"), documented_rules())
def test_control_without_a_rule_the_safety_net_speaks(kind: Kind, rule: Rule) -> None:
    """Nothing goes unsaid, and the rule is missed: each is tested by the test of what valid documents can say."""
    rest = [each for each in RULES[kind].rules if each is not rule]
    without = {**RULES, kind: replace(RULES[kind], rules=rest)}
    missed = set()
    for old, new in [*valid_mutations(kind), (None, FULL[kind])]:
        facts, left = meaning([change(kind, old, new)]), meaning([change(kind, old, new)], rules=without)
        assert left
        missed |= {each.code for each in {*left} ^ {*facts}}
    assert missed
    assert rule.on != "any" or "difference" in missed


# --- any two valid documents

NAMES = st.sampled_from(["a", "b", "default", "gpt-4o"])
PATTERNS = {
    "https?": st.sampled_from(["https://a.example", "http://b.example/v1"]),
    "[0-9]{4}-": st.sampled_from([f"{year}-01-01T00:00:00Z" for year in (2024, 2025, 2026)]),
    "(0|[1-9]": st.sampled_from(["0", "1", "1.0", "2.5", "30"]),
    "[A-Z]{3}": st.sampled_from(["USD", "EUR"]),
    "[0-9a-f]{64}": st.sampled_from(["0" * 64, "1" * 64]),
    "[^{}]*": st.sampled_from(["{api_key}", "Bearer {api_key}", "x {api_key}", "y {api_key}"]),
}


def of_schema(root: Any, node: Any) -> st.SearchStrategy[Any]:
    """Values that are valid by a schema, from a few texts and numbers, so that two of them have much in common."""
    if "$ref" in node:
        return of_schema(root, root["$defs"][node["$ref"].removeprefix("#/$defs/")])
    if "oneOf" in node:
        return st.one_of(*(of_schema(root, each) for each in node["oneOf"]))
    if "enum" in node or "const" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return st.one_of(*(_of_type(root, node, each) for each in types))


def _of_type(root: Any, node: Any, kind: str) -> st.SearchStrategy[Any]:
    if kind == "object":
        return _object(root, node)
    if kind == "array":
        item, unique = of_schema(root, node["items"]), json.dumps if node.get("uniqueItems") else None
        return st.lists(item, min_size=node.get("minItems", 0), max_size=3, unique_by=unique)
    if kind == "string":
        return next(
            (each for start, each in PATTERNS.items() if node.get("pattern", "").startswith((start, f"^{start}"))),
            NAMES,
        )
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(node.get("minimum", 0), node.get("minimum", 0) + 2),
        "number": st.sampled_from([1, 2.5]),
    }[kind]


def _object(root: Any, node: Any) -> st.SearchStrategy[Any]:
    known = {key: of_schema(root, each) for key, each in node.get("properties", {}).items()}
    required = {key: known[key] for key in node.get("required", ())}
    optional = {key: each for key, each in known.items() if key not in required}
    others = node.get("additionalProperties", True)
    fixed = st.fixed_dictionaries(required, optional=optional)
    if others is False:
        return fixed.filter(lambda value: len(value) >= node.get("minProperties", 0))
    named = of_schema(root, others) if others is not True else st.one_of(st.integers(0, 2), NAMES, st.lists(NAMES))
    return st.dictionaries(NAMES, named, min_size=node.get("minProperties", 0), max_size=3)


DOCUMENTS = {kind: of_schema(schema(kind).schema, schema(kind).schema) for kind in FULL}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Kind, Any, Any]:
    """A kind, and two documents of it; often with a part in common, sometimes equal."""
    kind = draw(st.sampled_from(list(FULL)))
    old, new = draw(DOCUMENTS[kind]), draw(DOCUMENTS[kind])
    for key in draw(st.sets(st.sampled_from([*old, "-"]))) & new.keys():
        new[key] = copy.deepcopy(old[key])
    return kind, old, draw(st.sampled_from([new, new, copy.deepcopy(old)]))


@pytest.mark.usefixtures("unmeasured")
@thorough(400)
@given(pairs())
def test_valid_documents_differ_where_there_is_a_fact(pair: tuple[Kind, Any, Any]) -> None:
    kind, old, new = pair
    schema(kind).validate(new)
    facts = meaning([change(kind, old, new)])
    assert bool(facts) is differ(old, new)
    assert all(each.code in CODES and each.text.isprintable() for each in facts)
    assert meaning([change(kind, None, new)])
    assert meaning([change(kind, old, None)])


@pytest.mark.usefixtures("unmeasured")
@thorough(200)
@given(DOCUMENTS[CUSTOMER], DOCUMENTS[CUSTOMER], DOCUMENTS[POLICY], DOCUMENTS[POLICY])
def test_what_one_document_says_for_another_is_said(own: Any, new_own: Any, policy: Any, new_policy: Any) -> None:
    facts = meaning([change(CUSTOMER, own, new_own), change(POLICY, policy, new_policy)])
    assert bool(facts) is (differ(own, new_own) or differ(policy, new_policy))
    for model in set(new_policy["allowed"]) - set(policy["allowed"]):
        assert [each for each in facts if each.text.startswith((f"gains {model}", f"gains route group {model}"))]


# --- documents of others

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(NAMES, st.text(max_size=5)), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.usefixtures("unmeasured")
@thorough(300)
@given(st.sampled_from(list(FULL)), st.data())
def test_documents_of_any_shape_are_compared(kind: Kind, data: st.DataObject) -> None:
    """Parts of the full document replaced by anything, on one side or both."""
    sides = []
    for _ in range(2):
        document = copy.deepcopy(FULL[kind])
        for step in data.draw(st.lists(st.sampled_from(sorted(set(keys_of(document)))), max_size=3)):
            _put(document, step, data.draw(anything))
        sides.append(document)
    facts, first = meaning([change(kind, *sides)]), meaning([change(kind, None, sides[0])])
    assert bool(facts) is differ(*sides)
    assert first
    assert all(each.text.isprintable() for each in (*facts, *first))


def _put(tree: Any, key: str, value: Any) -> None:
    """Replace what stands below a key, wherever the key is."""
    if isinstance(tree, dict):
        for each in tree:
            if each == key:
                tree[each] = copy.deepcopy(value)
            else:
                _put(tree[each], key, value)
    elif isinstance(tree, list):
        for item in tree:
            _put(item, key, value)
