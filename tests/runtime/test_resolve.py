"""The routing decision against an independent oracle, and case by case."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.thorough import thorough
from worlds import model, own

from llmrouter.documents import parse
from llmrouter.resolve import (
    Candidate,
    NotAllowed,
    Refused,
    Unknown,
    Unreachable,
    callable_names,
    detours,
    resolve,
)
from llmrouter.snapshot import Snapshot

MODELS = ["m0", "m1", "m2", "m3"]
ENDPOINTS = ["e0", "e1", "e2"]


def build(customer: Any = None, provisioned: Any = None, policy: Any = None) -> Snapshot:
    texts = [None if each is None else json.dumps(each) for each in (customer, provisioned, policy)]
    return Snapshot.build(parse(*texts))


def policy_of(allowed: list[str], **more: Any) -> dict[str, Any]:
    base = {"version": 1, "account": "acme", "source": "auto", "limits": None, "allowed": allowed}
    return base | {"teams": {}, "keys": [], "models": {}, "route_groups": {}} | more


def places(candidates: tuple[Candidate, ...]) -> list[tuple[str, str]]:
    return [(each.model, each.endpoint.label) for each in candidates]


some_models = st.lists(st.sampled_from(MODELS), unique=True, max_size=3)
some_endpoints = st.lists(st.sampled_from(ENDPOINTS), unique=True, min_size=1)
worlds = st.fixed_dictionaries(
    {
        "own": st.dictionaries(st.sampled_from(ENDPOINTS), some_models.filter(bool)),
        "platform": st.dictionaries(st.sampled_from(MODELS), some_endpoints),
        "source": st.sampled_from(["auto", "platform", "tenant", "local"]),
        "allowed": st.lists(st.sampled_from(MODELS), unique=True),
        "fallbacks": st.dictionaries(st.sampled_from(MODELS), some_models.filter(bool)),
        "down": st.frozensets(st.sampled_from([*ENDPOINTS, "tenant:e0", "platform:e1"])),
    }
)


def oracle(world: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """Written from the design, in the plainest way: recursion and lists."""

    def of_model(code: str) -> list[tuple[str, str]]:
        mine = [(code, f"tenant:{endpoint}") for endpoint, codes in world["own"].items() if code in codes]
        theirs = [(code, f"platform:{endpoint}") for endpoint in world["platform"].get(code, [])]
        by_source = {"platform": theirs, "tenant": mine, "local": mine, "auto": mine or theirs}
        return by_source[world["source"]]

    def chain(code: str, seen: list[str]) -> list[tuple[str, str]]:
        if code in seen or code not in world["allowed"]:
            return []
        seen.append(code)
        found = of_model(code)
        for fallback in world["fallbacks"].get(code, []):
            found = found + chain(fallback, seen)
        return found

    return [
        (code, label)
        for code, label in chain(name, [])
        if label not in world["down"] and label.partition(":")[2] not in world["down"]
    ]


def outcome(snapshot: Snapshot, name: str, down: frozenset[str]) -> tuple[type | None, list[tuple[str, str]]]:
    """Why it was refused, or where it leads."""
    try:
        return None, places(resolve(snapshot, name, down=down))
    except Refused as refusal:
        return type(refusal), []


@thorough(400)
@given(worlds, st.sampled_from(MODELS))
def test_resolve_agrees_with_the_oracle(world: dict[str, Any], name: str) -> None:
    endpoint = {"api_key": "k", "base_url": "http://p"}
    models = {code: model(fallbacks=world["fallbacks"][code]) for code in world["fallbacks"]}
    snapshot = build(
        {endpoint: own("http://o", *codes, api_key="k") for endpoint, codes in world["own"].items()},
        {"endpoints": dict.fromkeys(ENDPOINTS, endpoint), "models": world["platform"]},
        policy_of(world["allowed"], source=world["source"], models=models),
    )
    kind, found = outcome(snapshot, name, world["down"])
    assert found == oracle(world, name)
    if name not in world["allowed"]:
        assert kind == (NotAllowed if name in snapshot.names else Unknown)
    else:
        assert kind == (None if found else Unreachable)
    served = [each for each in sorted(world["allowed"]) if oracle(world | {"down": frozenset()}, each)]
    assert list(callable_names(snapshot)) == served


def two_sides(**more: Any) -> Snapshot:
    key = {"api_key": "k", "base_url": "http://p"}
    return build(
        {"x": own("http://o", "m0", "m1", api_key="k")},
        {"endpoints": {"x": key, "y": key}, "models": {"m0": ["x", "y"], "m1": ["y"], "m2": ["x", "y"]}},
        policy_of(["m0", "m1", "m2", "g"], **more),
    )


def test_down_by_name_or_by_side() -> None:
    snapshot = two_sides(source="platform")
    assert places(resolve(snapshot, "m0")) == [("m0", "platform:x"), ("m0", "platform:y")]
    assert places(resolve(snapshot, "m0", down=frozenset({"x"}))) == [("m0", "platform:y")]
    assert places(resolve(snapshot, "m0", down=frozenset({"platform:x"}))) == [("m0", "platform:y")]
    assert len(resolve(snapshot, "m0", down=frozenset({"tenant:x"}))) == 2


def test_auto_does_not_spill_when_the_own_endpoint_is_down() -> None:
    with pytest.raises(Unreachable) as caught:
        resolve(two_sides(), "m0", down=frozenset({"tenant:x"}))
    assert caught.value.served
    with pytest.raises(Unreachable) as caught:
        resolve(build({}, None, policy_of(["m0"])), "m0", down=frozenset({"x"}))
    assert not caught.value.served


def group(policy: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"route_groups": {"g": {"policy": policy, "members": list(members)}}}


def test_ordered_group_keeps_its_order_and_names_each_place_once() -> None:
    snapshot = two_sides(**group("ordered", {"model": "m2"}, {"model": "m1"}, {"model": "m2"}))
    assert places(resolve(snapshot, "g")) == [("m2", "platform:x"), ("m2", "platform:y"), ("m1", "tenant:x")]


def test_a_member_pinned_to_an_endpoint_uses_it_alone() -> None:
    models = {"m2": model(fallbacks=["m1"])}
    snapshot = two_sides(models=models, **group("ordered", {"model": "m2", "endpoint": "y"}))
    assert places(resolve(snapshot, "g")) == [("m2", "platform:y")]
    assert places(resolve(snapshot, "m2"))[-1] == ("m1", "tenant:x")  # control: its chain is longer


def test_a_pinned_name_on_both_sides_is_the_own_one() -> None:
    pins = [{"model": "m0", "endpoint": "x"}, {"model": "m0", "endpoint": "y"}]
    snapshot = two_sides(**group("ordered", *pins))
    assert places(resolve(snapshot, "g")) == [("m0", "tenant:x"), ("m0", "platform:y")]


@pytest.mark.parametrize(("point", "first"), [(0.0, "m0"), (0.74, "m0"), (0.76, "m1"), (0.999, "m1")])
def test_weighted_group_draws_the_first(point: float, first: str) -> None:
    members = [{"model": "m0", "weight": 3}, {"model": "m1"}]
    snapshot = two_sides(**group("weighted", *members))
    found = places(resolve(snapshot, "g", draw=lambda: point))
    assert found[0][0] == first
    assert {code for code, _ in found} == {"m0", "m1"}


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.floats(0, 1, exclude_max=True))
def test_weighted_rest_follows_in_order(weights: list[int], point: float) -> None:
    codes = [f"c{at}" for at in range(len(weights))]
    members = [{"model": code, "weight": weight} for code, weight in zip(codes, weights, strict=True)]
    policy = policy_of([*codes, "g"], **group("weighted", *members))
    snapshot = build({"x": own("http://o", *codes, api_key="k")}, None, policy)
    found = [code for code, _ in places(resolve(snapshot, "g", draw=lambda: point))]
    assert found[1:] == [code for code in codes if code != found[0]]
    before = sum(weights[: codes.index(found[0])])
    assert before <= point * sum(weights) + 1e-9
    assert point * sum(weights) < before + weights[codes.index(found[0])] + 1e-9


def weighed(*weights: int | None, tags: dict[int, list[str]] | None = None) -> Snapshot:
    endpoints: dict[str, dict[str, Any]] = {}
    for at, weight in enumerate(weights):
        more = {"weight": weight} if weight else {}
        more |= {"tags": tags[at]} if tags and at in tags else {}
        endpoints[f"e{at}"] = {"api_key": "k", "base_url": "http://p", **more}
    return build(None, {"endpoints": endpoints, "models": {"m0": list(endpoints)}}, policy_of(["m0"]))


def labels(candidates: tuple[Candidate, ...]) -> str:
    return " ".join(each.endpoint.name for each in candidates)


@pytest.mark.parametrize(
    ("weights", "point", "expected"),
    [
        ((None, None, None), 0.9, "e0 e1 e2"),
        ((3, None, 1), 0.9, "e0 e1 e2"),  # no neighbours: declaration order is priority
        ((3, 1, None), 0.74, "e0 e1 e2"),
        ((3, 1, None), 0.76, "e1 e0 e2"),
        ((None, 1, 1), 0.9, "e0 e2 e1"),
        ((1, 1, None, 1, 1), 0.9, "e1 e0 e2 e4 e3"),
    ],
)
def test_neighbours_with_weights_share(weights: tuple[int | None, ...], point: float, expected: str) -> None:
    assert labels(resolve(weighed(*weights), "m0", draw=lambda: point)) == expected


def test_weights_hold_over_many_draws() -> None:
    snapshot, points = weighed(3, 1), [at / 1000 for at in range(1000)]
    first = [labels(resolve(snapshot, "m0", draw=lambda point=point: point))[:2] for point in points]
    assert (first.count("e0"), first.count("e1")) == (750, 250)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(["eu"], "e1 e2 e0"), (["us"], "e0 e2 e1"), (["eu", "us"], "e0 e1 e2"), (["mars"], "e0 e1 e2"), ([], "e0 e1 e2")],
)
def test_tags_prefer_and_never_grant(asked: list[str], expected: str) -> None:
    snapshot = weighed(None, None, None, tags={0: ["us"], 1: ["eu"], 2: ["eu", "us"]})
    assert labels(resolve(snapshot, "m0", tags=frozenset(asked))) == expected
    with pytest.raises(NotAllowed):
        resolve(build(None, {"endpoints": {}, "models": {}}, policy_of([], models={"m1": model()})), "m1")


def test_tags_do_not_lead_to_another_model_first() -> None:
    key = {"api_key": "k", "base_url": "http://p"}
    provisioned = {"endpoints": {"x": key, "y": {**key, "tags": ["eu"]}}, "models": {"m0": ["x"], "m1": ["y"]}}
    snapshot = build(None, provisioned, policy_of(["m0", "m1"], models={"m0": model(fallbacks=["m1"])}))
    assert labels(resolve(snapshot, "m0", tags=frozenset({"eu"}))) == "x y"


def test_detours_are_only_those_configured_and_allowed() -> None:
    models = {
        "m0": model(context_window_fallbacks=["m1", "m2"], fallbacks=["m2"]),
        "m1": model(content_policy_fallbacks=["m2"]),
    }
    snapshot = two_sides(models=models)
    assert places(detours(snapshot, "m0", "context window", None, frozenset({"m0"})))[0] == ("m1", "tenant:x")
    assert detours(snapshot, "m0", "content policy", None, frozenset({"m0"})) == ()
    assert {code for code, _ in places(detours(snapshot, "m1", "content policy", None, frozenset()))} == {"m2"}
    assert detours(snapshot, "m0", "context window", None, frozenset({"m0", "m1", "m2"})) == ()
    narrow = two_sides(models=models, keys=[{"id": "k", "sha256": "0" * 64, "allowed": ["m0"]}])
    assert detours(narrow, "m0", "context window", narrow.keys[0], frozenset({"m0"})) == ()


def test_keys_call_what_they_may_and_a_group_is_no_way_around() -> None:
    keys = [
        {"id": "k", "sha256": "0" * 64},
        {"id": "t", "sha256": "1" * 64, "team": "t"},
        {"id": "own", "sha256": "2" * 64, "team": "t", "allowed": ["g", "m1"]},
    ]
    groups = group("ordered", {"model": "m0"}, {"model": "m2", "endpoint": "y"}, {"model": "m1"})
    snapshot = two_sides(keys=keys, teams={"t": {"allowed": ["m2"]}}, **groups)
    assert [sorted(key.allowed) for key in snapshot.keys] == [["g", "m0", "m1", "m2"], ["m2"], ["g", "m1"]]
    assert places(resolve(snapshot, "g", key=snapshot.keys[2])) == [("m1", "tenant:x")]
    assert len(resolve(snapshot, "g", key=snapshot.keys[0])) == 3  # control
    with pytest.raises(NotAllowed):
        resolve(snapshot, "m0", key=snapshot.keys[1])


def test_without_a_policy_everything_listed_may_be_called() -> None:
    snapshot = build({"x": own("http://o", "m0", api_key="k")})
    assert callable_names(snapshot) == ("m0",)
    with pytest.raises(Unknown) as caught:
        resolve(snapshot, "m00")
    assert caught.value.suggestion == "m0"
    with pytest.raises(Refused):
        resolve(snapshot, "")


URLS = [
    ({}, "m0", "http://o/openai/deployments/m0/chat/completions?api-version=2024-10-21"),
    ({"deployment_prefix": "p-"}, "m0", "http://o/openai/deployments/p-m0/chat/completions?api-version=2024-10-21"),
    ({"version": "2023-05-15"}, "m0", "http://o/openai/deployments/m0/chat/completions?api-version=2023-05-15"),
    (
        {"deployment_prefix": "p-", "models": {"m0": "a/b c"}},
        "m0",
        "http://o/openai/deployments/a%2Fb%20c/chat/completions?api-version=2024-10-21",
    ),
    ({"base_url": "http://o/v1//", "path_style": "openai"}, "m0", "http://o/v1/chat/completions"),
]


@pytest.mark.parametrize(("more", "code", "url"), URLS)
def test_upstream_urls(more: dict[str, Any], code: str, url: str) -> None:
    (candidate,) = resolve(build({"x": own("http://o/", code, api_key="k") | more}), code)
    assert candidate.url("chat/completions") == url


AUTH = [
    ({"api_key": "k"}, "api-key", ("api-key",)),
    ({"api_key": "k", "path_style": "openai"}, "bearer", ("authorization",)),
    ({"api_key": "k", "auth_header": {"name": "X-Key", "format": "{api_key}"}}, "custom", ("x-key",)),
    ({}, "none", ()),
    (
        {"oauth_token_url": "http://t", "oauth_client_id": "c", "oauth_client_secret": "s", "scopes": ["a", "b"]},
        "oauth",
        ("authorization",),
    ),
]


@pytest.mark.parametrize(("more", "kind", "names"), AUTH)
def test_ways_to_authenticate(more: dict[str, Any], kind: str, names: tuple[str, ...]) -> None:
    (candidate,) = resolve(build({"x": own("http://o/", "m0") | more}), "m0")
    assert (candidate.auth_kind, candidate.header_names) == (kind, names)
    assert candidate.endpoint.scopes == (("a", "b") if kind == "oauth" else ())
