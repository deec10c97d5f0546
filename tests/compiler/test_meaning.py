"""What a plan says of a change: in a reviewer's words, the same of many once, losses first."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.compiler.full_documents import (
    CUSTOMER,
    FULL,
    GRANTED,
    OWN,
    PLATFORM,
    POLICY,
    REGION,
    change,
    edited,
)

from llmcompile.push.meaning import UNREADABLE, DocumentChange, Fact, Owner, meaning, read
from llmcompile.secret_ids import Kind


def said(*changes: DocumentChange) -> list[str]:
    """The facts as ``severity code: text``, without owners."""
    return [f"{each.severity} {each.code}: {each.text}" for each in meaning(changes)]


def gpt(policy: Any) -> Any:
    return policy["models"]["gpt-4o"]


@pytest.mark.parametrize(
    ("kind", "edit", "facts"),
    [
        (CUSTOMER, lambda d: d["default"].update(oauth_client_secret="n"), ["endpoint default: OAuth secret replaced"]),
        (CUSTOMER, lambda d: d["backup"].update(api_key="n"), ["endpoint backup: API key replaced"]),
        (REGION, lambda d: d["endpoints"]["primary"].update(api_key="n"), ["endpoint primary: API key replaced"]),
        (CUSTOMER, lambda d: d["default"].update(oauth_client_id="n"), ["endpoint default: OAuth client replaced"]),
        (
            CUSTOMER,
            lambda d: d["default"].update(
                api_key="n", oauth_token_url=None, oauth_client_id=None, oauth_client_secret=None, scopes=None
            ),
            ["endpoint default: authenticates with an API key (was OAuth)"],
        ),
        (
            CUSTOMER,
            lambda d: d["default"].update(base_url="https://new.example/", version=None),
            [
                "endpoint default: base_url https://new.example/ (was https://acme.example/openai)",
                "endpoint default: version the router's default (was 2024-10-21)",
            ],
        ),
        (CUSTOMER, lambda d: d["default"].pop("timeout_seconds"), ["timeout_seconds the router's default (was 30)"]),
        (CUSTOMER, lambda d: d["backup"].update(weight=2), ["endpoint backup: weight 2 (was 1)"]),
        (CUSTOMER, lambda d: d["default"].update(tags=["eu"]), ["endpoint default: tags eu (was eu, fast)"]),
        (CUSTOMER, lambda d: d["default"]["models"].pop("gpt-4.1"), ["calls gpt-4.1 its own name (was @cf/gpt)"]),
        (
            CUSTOMER,
            lambda d: d["backup"].update(base_url="https://user:pass@new.example/v2?key=1"),
            ["base_url https://new.example/v2… (was https://backup.example:8443/v1)"],
        ),
        (
            CUSTOMER,
            lambda d: (d["default"]["supported_models"].remove("gpt-4.1"), d["default"]["models"].pop("gpt-4.1")),
            ["endpoint default no longer serves gpt-4.1"],
        ),
        (
            REGION,
            lambda d: (d["models"]["gpt-4o"].pop(), d["endpoints"]["secondary"]["models"].pop("gpt-4o")),
            ["failover order of gpt-4o: primary (was primary, secondary)"],
        ),
        (CUSTOMER, lambda d: d["backup"]["supported_models"].append("o3"), ["endpoint backup serves o3"]),
        (CUSTOMER, lambda d: d["default"]["supported_models"].pop(), ["endpoint default no longer serves gpt-4.1"]),
        (
            CUSTOMER,
            lambda d: d.update(default=d.pop("default")),
            ["own endpoints by priority: backup, default (was default, backup)"],
        ),
        (
            CUSTOMER,
            lambda d: d.update(last=d["backup"]),
            ["gains endpoint last (openai, https://backup.example:8443/v1, for gpt-4o)"],
        ),
        (
            REGION,
            lambda d: d["models"]["gpt-4o"].reverse(),
            ["failover order of gpt-4o: secondary, primary (was primary, secondary)"],
        ),
        (
            REGION,
            lambda d: (d["endpoints"].pop("secondary"), d["models"].pop("gpt-4.1"), d["models"]["gpt-4o"].pop()),
            [
                "loses endpoint secondary",
                "no longer serves gpt-4.1",
                "failover order of gpt-4o: primary (was primary, secondary)",
            ],
        ),
        (POLICY, lambda d: d.update(source="tenant"), ["source tenant (was auto)"]),
        (POLICY, lambda d: d["limits"].update(concurrent=20), ["limits: 20 concurrent (was 10)"]),
        (POLICY, lambda d: d["limits"].pop("concurrent"), ["limits: unlimited concurrent (was 10)"]),
        (
            POLICY,
            lambda d: d["budget"]["monthly"].update(hard="600"),
            ["budget: soft 500, hard 600 USD a month (was soft 500, hard 800 USD a month)"],
        ),
        (POLICY, lambda d: d.pop("limits_unavailable"), ["while limits cannot be counted: open (was closed)"]),
        (
            POLICY,
            lambda d: d["keys"][0].pop("budget"),
            ["router key bot: budget none (was hard 12.5 USD a month)"],
        ),
        (
            POLICY,
            lambda d: (d["allowed"].remove("gpt-4.1"), d["models"].pop("gpt-4.1"), gpt(d).pop("fallbacks")),
            ["loses gpt-4.1", "fallbacks of gpt-4o: none (was gpt-4.1)"],
        ),
        (POLICY, lambda d: d["teams"]["support"]["allowed"].append("gpt-4.1"), ["team support gains gpt-4.1"]),
        (
            POLICY,
            lambda d: [each["allowed"].remove("gpt-4o") for each in (d, d["teams"]["support"], d["keys"][0])],
            ["loses gpt-4o"],
        ),
        (POLICY, lambda d: d["keys"][0]["allowed"].append("fast"), ["router key bot gains fast"]),
        (POLICY, lambda d: d["keys"][1].update(sha256="22" * 32), ["router key people replaced"]),
        (POLICY, lambda d: d["keys"][1].update(team="sales"), ["router key people: team sales (was none)"]),
        (POLICY, lambda d: d["keys"][0].update(limits={"concurrent": 2}), ["router key bot: 2 concurrent (was 1)"]),
        (
            POLICY,
            lambda d: d["keys"].clear(),
            [
                "has no router key any more: open to loopback alone",
                "loses router key bot",
                "loses router key people",
            ],
        ),
        (
            POLICY,
            lambda d: d["keys"].append({"id": "new", "sha256": "2" * 64, "team": "sales", "allowed": []}),
            ["gains router key new of team sales that may call nothing"],
        ),
        (POLICY, lambda d: (d["allowed"].remove("fast"), d["route_groups"].clear()), ["loses route group fast"]),
        (
            POLICY,
            lambda d: d["route_groups"]["fast"]["members"].pop(),
            ["members of route group fast: gpt-4o x9 (was gpt-4o x9, gpt-4.1 on backup)"],
        ),
        (
            POLICY,
            lambda d: (d["allowed"].append("slow"), d["route_groups"].update(slow=d["route_groups"]["fast"])),
            ["gains route group slow (weighted: gpt-4o x9, gpt-4.1 on backup)"],
        ),
        (
            POLICY,
            lambda d: gpt(d)["default_params"].update(temperature=1),
            ["default temperature of gpt-4o: 1 (was 0.7)"],
        ),
        (POLICY, lambda d: gpt(d)["default_params"].update(reasoning={}), ["default reasoning of gpt-4o changed"]),
        (
            POLICY,
            lambda d: d["batching"].pop("tenant"),
            ["batching on own endpoint default: none (was concurrent, max_in_flight 8)"],
        ),
        (POLICY, lambda d: gpt(d).update(xyz=1), ["added: models.gpt-4o.xyz"]),
        (POLICY, lambda d: d["allowed"].reverse(), ["the same, written differently: allowed"]),
    ],
)
def test_what_an_edit_means(kind: Kind, edit: Callable[[Any], object], facts: list[str]) -> None:
    told = [each.text for each in meaning([change(kind, *edited(kind, edit))])]
    for expected in facts:
        assert [each for each in told if each.endswith(expected)], told
    assert len(told) == len(facts)


# --- several documents


def test_what_an_account_gains_is_said_once() -> None:
    own = edited(CUSTOMER, lambda d: [each["supported_models"].append("o3") for each in d.values()])
    policy = edited(POLICY, lambda d: (d["allowed"].append("o3"), d["models"].update(o3=d["models"]["gpt-4.1"])))
    assert said(change(CUSTOMER, *own), change(POLICY, *policy)) == ["gain model-gained: gains o3"]
    assert said(change(POLICY, *reversed(policy)), change(CUSTOMER, *reversed(own))) == ["loss model-lost: loses o3"]
    assert said(change(CUSTOMER, *own)) == [
        "gain endpoint-model-gained: endpoint backup serves o3",
        "gain endpoint-model-gained: endpoint default serves o3",
    ]


def test_what_another_account_gains_hides_nothing() -> None:
    own = edited(CUSTOMER, lambda d: d["default"]["supported_models"].append("o3"))
    policy = edited(POLICY, lambda d: d["allowed"].append("o3"))
    assert len(said(change(CUSTOMER, *own, owner="acme"), change(POLICY, *policy, owner="globex"))) == 2


def test_the_same_fact_of_many_is_one() -> None:
    old, new = edited(POLICY, lambda d: gpt(d).update(type="embedding"))
    accounts = [f"account-{number:03}" for number in range(200)]
    facts = meaning(change(POLICY, old, new, owner) for owner in reversed(accounts))
    assert facts == (Fact("model-type", facts[0].parts, tuple(Owner("account", each) for each in accounts)),)
    assert facts[0].text == "type of gpt-4o: embedding (was chat)"


def test_an_account_and_a_region_are_told_apart() -> None:
    def replaced(endpoints: Any) -> None:
        endpoints["primary"] = {**PLATFORM["endpoints"]["primary"], "api_key": "n"}

    own = {"primary": {**PLATFORM["endpoints"]["primary"]}}
    facts = meaning(
        [
            change(CUSTOMER, own, {"primary": {**own["primary"], "api_key": "n"}}, "europe-west6"),
            change(REGION, *edited(REGION, lambda d: replaced(d["endpoints"])), "europe-west6"),
        ]
    )
    assert [(str(each.owners[0]), each.text) for each in facts] == [
        ("account/europe-west6", "endpoint primary: API key replaced"),
        ("region/europe-west6", "endpoint primary: API key replaced"),
    ]


def test_losses_come_first_and_what_concerns_the_most() -> None:
    lost = edited(POLICY, lambda d: d["allowed"].remove("gpt-4.1"))
    other = edited(
        POLICY, lambda d: (d["allowed"].remove("gpt-4o"), d.update(source="local"), d["allowed"].append("o3"))
    )
    facts = [("a", lost), ("b", lost), ("c", other)]
    changes = [change(POLICY, *pair, owner) for owner, pair in facts]
    told = meaning(changes)
    assert [(each.severity, each.text) for each in told] == [
        ("loss", "loses gpt-4.1"),
        ("loss", "loses gpt-4o"),
        ("change", "source local (was auto)"),
        ("gain", "gains o3"),
    ]
    assert meaning(reversed(changes)) == told


def test_a_new_account_is_said_once_with_what_it_gets() -> None:
    own = {"default": OWN["default"]}
    assert said(change(CUSTOMER, None, own), change(POLICY, None, {**GRANTED, "keys": [], "batching": {}})) == [
        "loss budget-lowered: budget: soft 500, hard 800 USD a month (was none)",
        "change team-restricted: team sales may call nothing",
        "change team-restricted: team support may call gpt-4o alone",
        "change limits-unavailable: while limits cannot be counted: closed (was open)",
        "change difference: added: batching",
        "gain account-created: new account: source auto, 60 requests per minute, 500,000 tokens per day, 10 concurrent",
        "gain model-gained: gains gpt-4.1",
        "gain model-gained: gains gpt-4o",
        "gain endpoint-gained: gains endpoint default (azure, https://acme.example/openai, for gpt-4o, gpt-4.1)",
        "gain route-group-gained: gains route group fast (weighted: gpt-4o x9, gpt-4.1 on backup)",
    ]


def test_a_first_policy_does_not_look_like_a_new_account() -> None:
    policy = {**GRANTED, "teams": {}, "keys": [], "route_groups": {}, "limits": None}
    for each in ("batching", "budget", "limits_unavailable"):
        del policy[each]
    told = "gets its first policy: source auto, no limits, may call fast, gpt-4.1, gpt-4o alone"
    own = edited(CUSTOMER, lambda d: d["backup"]["supported_models"].append("gpt-4.1"))
    assert said(change(POLICY, None, policy)) == [f"change policy-created: {told}"]
    assert said(change(POLICY, None, policy), change(CUSTOMER, *own)) == [
        f"change policy-created: {told}",
        "gain endpoint-model-gained: endpoint backup serves gpt-4.1",
    ]


def test_who_leaves_git() -> None:
    assert said(change(CUSTOMER, OWN, None), change(POLICY, GRANTED, None)) == [
        "loss account-removed: no longer in git; its secrets stay"
    ]
    assert said(change(REGION, PLATFORM, None)) == ["loss region-removed: no longer in git; its secret stays"]
    assert said(change(POLICY, GRANTED, None), change(CUSTOMER, OWN, OWN)) == [
        "loss document-removed: ROUTER_POLICY no longer in git; its secret stays"
    ]


def test_no_change_is_no_fact() -> None:
    assert meaning([]) == ()
    assert meaning(change(kind, FULL[kind], copy.deepcopy(FULL[kind])) for kind in FULL) == ()
    assert meaning([change(POLICY, None, None)]) == ()


# --- documents of others


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"no json", b"[]", b'"text"', b"1", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 100_000,
        b'{"a":' * 5_000, b"1" * 10_000, None,
    ],
)  # fmt: skip
def test_what_is_no_document_is_said_without_its_content(payload: bytes | None) -> None:
    assert read(payload) is UNREADABLE
    assert said(change(POLICY, read(payload), GRANTED)) == [
        "change document-unreadable: the old ROUTER_POLICY cannot be read as a document"
    ]
    assert said(change(POLICY, GRANTED, read(payload))) == [
        "change document-unreadable: the new ROUTER_POLICY cannot be read as a document"
    ]


def test_what_was_pushed_is_read_back() -> None:
    for document in FULL.values():
        assert read(json.dumps(document).encode()) == document


def test_what_is_nested_too_deep_does_not_end_the_plan() -> None:
    deep: Any = {}
    for _ in range(900):
        deep = {"a": deep}
    assert said(change(POLICY, GRANTED, {**GRANTED, "models": {"gpt-4o": {"default_params": deep}}}))
    assert said(change(POLICY, GRANTED, {**GRANTED, "odd": deep}), change(POLICY, {**GRANTED, "odd": {}}, GRANTED))
