"""A plan as text, JSON and Markdown: golden forms, and a comment that fits and stays whole whatever names it holds.

``GOLDEN=write`` rewrites ``plans/``; whoever does reads the difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.compiler.full_documents import CUSTOMER, FULL, GRANTED, OWN, POLICY, REGION, edited
from tests.compiler.thorough import thorough

from llmcompile.push.guards import Refusal
from llmcompile.push.meaning import CODES, UNREADABLE, DocumentChange, Fact, Name, Owner, meaning
from llmcompile.push.plan import Action, Change, Plan
from llmcompile.secret_ids import Kind, secret_id
from llmcompile.show.plan_machine import render_json
from llmcompile.show.plan_markdown import LIMIT, MARKER, SMALLEST, code, prose, render_markdown
from llmcompile.show.plan_text import render_text

PLANS = Path(__file__).parent / "plans"
STORE = "gcpsecrets://example-llm-prod"
DIGEST = f"sha256:{'0' * 64}"


def change(action: Action, kind: Kind, owner: str, **fields: Any) -> Change:
    usual: dict[Action, dict[str, Any]] = {
        "create": {"old_version": None, "new_version": 1, "old_size": None, "new_size": 1484},
        "change": {"old_version": 3, "new_version": 4, "old_size": 1484, "new_size": 1502},
        "unchanged": {"old_version": 3, "new_version": None, "old_size": 1484, "new_size": 1484},
        "orphan": {"old_version": 2, "new_version": None, "old_size": 700, "new_size": None},
        "foreign": {"old_version": 7, "new_version": None, "old_size": 12, "new_size": 1484},
        "retired": {"old_version": None, "new_version": None, "old_size": None, "new_size": None},
    }
    return Change(action, kind, owner, secret_id(kind, owner), **{**usual[action], **fields})


def rich() -> tuple[Plan, list[Refusal]]:
    """A release day: a price, a failover order, a model gone, an account new and one gone, and things that stop it."""
    accounts = [f"account-{number:02}" for number in range(1, 13)]

    def for_all(policy: Any) -> None:
        later = {**policy["models"]["gpt-4o"]["token_costs"][1], "id": "gpt-4o@2027-01-01"}
        policy["models"]["gpt-4o"]["token_costs"][1]["end"] = "2027-01-01T00:00:00Z"
        later |= {"start": "2027-01-01T00:00:00Z"}
        later["per_million_tokens"] = {**later["per_million_tokens"], "text_input": "2.24"}
        policy["models"]["gpt-4o"]["token_costs"].append(later)

    def for_acme(policy: Any) -> None:
        for_all(policy)
        policy["allowed"].remove("gpt-4.1")
        del policy["models"]["gpt-4.1"]
        policy["teams"]["support"]["allowed"].append("fast")
        policy["limits"]["concurrent"] = 20
        policy["keys"].pop()

    def own(endpoints: Any) -> None:
        endpoints["default"]["supported_models"].remove("gpt-4.1")
        endpoints["default"]["oauth_client_secret"] = "another"
        endpoints["backup"]["timeout_seconds"] = 45

    plain = {key: value for key, value in GRANTED.items() if key != "batching"} | {
        "teams": {},
        "keys": [],
        "limits": None,
    }
    regional = edited(REGION, lambda data: data["models"]["gpt-4o"].reverse())
    facts = meaning(
        [
            DocumentChange(REGION, "europe-west6", *regional),
            *(DocumentChange(POLICY, each, *edited(POLICY, for_all)) for each in accounts),
            DocumentChange(POLICY, "acme", *edited(POLICY, for_acme)),
            DocumentChange(CUSTOMER, "acme", *edited(CUSTOMER, own)),
            DocumentChange(CUSTOMER, "globex", UNREADABLE, {}),
            DocumentChange(CUSTOMER, "wayne", None, {"default": OWN["backup"]}),
            DocumentChange(POLICY, "wayne", None, plain),
            DocumentChange(CUSTOMER, "hooli", {}, None),
            DocumentChange(POLICY, "hooli", GRANTED, None),
        ]
    )
    changes = [
        change("change", REGION, "europe-west6"),
        change("unchanged", REGION, "us-east4"),
        *(change("change", POLICY, each) for each in accounts),
        change("change", CUSTOMER, "acme"),
        change("change", POLICY, "acme"),
        change("change", CUSTOMER, "globex", old_size=None, new_size=2, reason="version 3 is disabled"),
        change("create", CUSTOMER, "wayne"),
        change("create", POLICY, "wayne"),
        change("orphan", CUSTOMER, "hooli", old_version=1, old_size=2),
        change("orphan", POLICY, "hooli"),
        change("foreign", CUSTOMER, "umbrella", reason="it does not carry our label"),
        change("retired", CUSTOMER, "stark"),
    ]
    refusals = [
        Refusal(
            "foreign",
            "umbrella_llm_config exists and does not carry our label: someone else made it",
            "",
            "take it over: llmcompile adopt account/umbrella",
        ),
        Refusal(
            "too-many-changes", "16 of 17 secrets would change, 94%; llmcompile.yaml allows 30%", "--confirm-changes 16"
        ),
        Refusal("removed", "account/hooli is no longer in git; its secrets stay", "--confirm-removed account/hooli"),
    ]
    return Plan(STORE, tuple(changes), facts, DIGEST), refusals


def nothing() -> tuple[Plan, list[Refusal]]:
    """The day after."""
    return Plan(STORE, (change("unchanged", REGION, "europe-west6"),), (), DIGEST), []


FORMS = {"txt": lambda *plan: click.unstyle(render_text(*plan)), "json": render_json, "md": render_markdown}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("plan", [rich, nothing], ids=["rich", "nothing"])
def test_golden(plan: Any, form: str) -> None:
    path, actual = PLANS / f"{plan.__name__}.{form}", FORMS[form](*plan()) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(actual, "utf-8")
    assert path.read_text("utf-8") == actual


def test_text_is_coloured_by_what_hurts() -> None:
    lines = render_text(*rich()).splitlines()
    assert [each for each in lines if each.startswith(click.style("-", fg="red")) and "loses gpt-4.1" in each]
    assert [each for each in lines if each.startswith(click.style("+", fg="green")) and "wayne_llm_config" in each]


def test_json_has_everything_and_no_order_of_its_own() -> None:
    plan, refusals = rich()
    data = json.loads(render_json(plan, refusals))
    assert len(data["facts"]) == len(plan.facts)
    assert len(data["changes"]) == len(plan.changes)
    assert [each["code"] for each in data["refusals"]] == ["foreign", "too-many-changes", "removed"]
    assert data["touched"]["regions"] == ["europe-west6"]
    assert "umbrella" not in data["touched"]["accounts"]
    assert sum(data["counts"].values()) == len(plan.changes)
    assert render_json(plan, refusals) == render_json(*rich())


def test_no_form_shows_a_secret() -> None:
    plan = Plan(
        STORE,
        (change("create", CUSTOMER, "acme"),),
        meaning(DocumentChange(kind, "acme", None, document) for kind, document in FULL.items()),
        DIGEST,
    )
    told = "".join(each(plan, []) for each in FORMS.values())
    assert "gains endpoint" in told
    for secret in ("the-api-key", "the-oauth-secret", "key-one", "client-0001", "0f" * 32):
        assert secret not in told


# --- the comment, whatever is in it

NASTY = [
    "`", "``", "a`b", "|", "a|b", "<!-- ", "-->", "@octocat", "#1", "GH-1", "</details>", "<details>", "<script>",
    "\n", "\r\n\n# head", "\n\n- row", "[a](https://x.example)", "![a](b)", "&lt;", "&#96;", "\\", "\\`", "*b*",
    "__b__", "~~", "$x$", "https://x.example", ":tada:", " ", "", "\u202e", "\x1b[31m", "\ud800", "\U0001f600",
    "é" * 30, "ä`" * 9, "1. a", MARKER, "x" * 200,
]  # fmt: skip
texts = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=8), st.lists(st.sampled_from(NASTY), max_size=4).map("".join)
)
owners = st.builds(Owner, st.sampled_from(["account", "region"]), texts)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    kind = draw(st.sampled_from(["account", "region"]))
    of = tuple(Owner(kind, each) for each in draw(st.lists(texts, min_size=1, max_size=12)))
    return Fact(
        draw(st.sampled_from(sorted(CODES))), ("gains ", Name(draw(texts)), " (was ", Name(draw(texts)), ")"), of
    )


kinds = st.sampled_from([CUSTOMER, POLICY, REGION])
actions: st.SearchStrategy[Action] = st.sampled_from(["create", "change", "unchanged", "orphan", "foreign", "retired"])
changes = st.builds(change, actions, kinds, texts, reason=texts)
refusals = st.lists(st.builds(Refusal, texts, texts, texts, texts), max_size=30)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of any size: what was drawn, many times over."""
    some = draw(st.lists(facts(), max_size=8)) * draw(st.sampled_from([1, 1, 30, 400]))
    rows = draw(st.lists(changes, max_size=8)) * draw(st.sampled_from([1, 1, 30, 400]))
    return Plan(draw(texts), tuple(rows), tuple(some), draw(texts))


PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def inlines(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from inlines(token.children or [])


def whole(comment: str) -> list[Token]:
    """The comment's tokens, proven to be markup of ours alone."""
    tokens = list(inlines(PARSER.parse(comment)))
    blocks = [line for token in tokens if token.type == "html_block" for line in token.content.splitlines()]
    assert blocks.pop(0) == MARKER
    assert all(re.fullmatch(r"</details>|<details( open)?><summary>[\w, ]+</summary>", each) for each in blocks)
    opened = [each.startswith("<details") for each in blocks]
    assert opened == [True, False] * (len(blocks) // 2)
    known = {"html_block", "inline", "text", "code_inline", "softbreak", "strong_open", "strong_close"}
    known |= {
        f"{each}_{end}" for each in ("heading", "paragraph", "bullet_list", "list_item") for end in ("open", "close")
    }
    assert {each.type for each in tokens} <= known
    return tokens


def sections(comment: str) -> dict[str, tuple[int, int, int]]:
    """By its title: what a section says that it has, what it shows, and what it says that it left out."""
    found = {}
    for title, body in re.findall(r"(?:#### |<summary>)([^\n<]+)(?:</summary>)?\n\n((?:- .*\n)*)", comment):
        rows = body.splitlines()
        more = re.fullmatch(r"- … and ([\d,]+) more; all of it: .*", rows[-1]) if rows else None
        says = re.match(r"[\d,]+", title)
        left = int(more[1].replace(",", "")) if more else 0
        found[title] = (int(says[0].replace(",", "")) if says else -1, len(rows) - bool(more), left)
    return found


@pytest.mark.usefixtures("unmeasured")
@thorough(250)
@given(plans(), refusals, st.sampled_from([SMALLEST, 10_000, LIMIT]))
def test_a_comment_fits_and_stays_whole(plan: Plan, refused: list[Refusal], limit: int) -> None:
    comment = render_markdown(plan, refused, limit)
    assert len(comment) <= len(comment.encode()) < limit
    whole(comment)
    by_title = sections(comment)
    for severity, title in (("loss", "loss(es)?"), ("change", "changes?"), ("gain", "gains?")):
        total = sum(each.severity == severity for each in plan.facts)
        told = [counts for name, counts in by_title.items() if re.fullmatch(rf"[\d,]+ {title}", name)]
        assert [(says, shown + left) for says, shown, left in told] == ([(total, total)] if total else [])
    _, shown, left = by_title.get("A push refuses this", (0, 0, 0))
    assert shown + left == len(refused)
    secrets = sum(each.action not in ("unchanged", "retired") for each in plan.changes)
    told = [counts for name, counts in by_title.items() if re.fullmatch(r"[\d,]+ secrets?", name)]
    assert [(says, shown + left) for says, shown, left in told] == ([(secrets, secrets)] if secrets else [])
    lost = [counts for name, counts in by_title.items() if re.fullmatch(r"[\d,]+ loss(es)?", name)]
    if lost and lost[0][2]:  # losses were cut: nothing that comes after them took their room
        assert not [
            name for name, counts in by_title.items() if name.endswith((" changes", " gains")) and counts[1] > 40
        ]


@thorough(300)
@given(facts())
def test_a_fact_is_shown_as_it_is(fact: Fact) -> None:
    comment = render_markdown(Plan(STORE, (), (fact,), DIGEST))
    tokens = whole(comment)
    row = [each for each in tokens if each.type == "inline"][-1]
    shown = "".join(each.content for each in row.children or [])
    assert _plain(fact.text) in _plain(shown)
    names = [each.content for each in row.children or [] if each.type == "code_inline"]
    assert [_plain(each) for each in names[-2:]] == [_plain(each) for each in fact.parts if isinstance(each, Name)]


def _plain(text: str) -> str:
    """Without what a comment cannot say: kinds of white space and backticks."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text).replace("`", "'")
    return shown.replace(" ", "").replace("(empty)", "")


@thorough(300)
@given(texts)
def test_prose_is_text_and_code_is_code(text: str) -> None:
    for shown, kinds_of_tokens in ((prose(text), {"text", "code_inline"}), (code(text), {"code_inline"})):
        tokens = PARSER.parseInline(f"a {shown} b")[0].children or []
        inside = [each for each in tokens if each.type != "text"]
        assert {each.type for each in inside} <= kinds_of_tokens
        assert _plain("".join(each.content for each in tokens)) == f"a{_plain(text)}b"
        assert not [each for each in tokens if each.type == "text" and re.search("[@#]", each.content)]


def test_control_unescaped_names_are_markup() -> None:
    for nasty in ("[a](https://x.example)", "<script>", "*b*", "@octocat"):
        tokens = PARSER.parseInline(nasty)[0].children or []
        assert {each.type for each in tokens} != {"text"} or "@" in tokens[0].content


def many(severity: str, count: int) -> list[Fact]:
    code_of = {"loss": "model-lost", "change": "price-changed", "gain": "model-gained"}[severity]
    return [
        Fact(code_of, ("about ", Name(f"model-{number:05}")), (Owner("account", "acme"),)) for number in range(count)
    ]


def test_losses_are_cut_last_and_secrets_first() -> None:
    secrets = tuple(change("change", POLICY, f"account-{number:04}") for number in range(2000))
    room = []
    for losses in (10, 1500, 3000):
        plan = Plan(STORE, secrets, (*many("loss", losses), *many("change", 1500), *many("gain", 1500)), DIGEST)
        told = sections(render_markdown(plan))
        room.append([next(counts[1] for name, counts in told.items() if name.endswith(f" {title}")) for title in
                     ("losses", "changes", "gains", "touched", "secrets")])  # fmt: skip
    few, some, all_of_it = room
    assert few[0] == 10
    assert few[1] == 1500
    assert 0 < few[2] < 1500
    assert some[0] == 1500
    assert 0 < some[1] < 1500
    assert max(some[2:]) <= 1  # what no longer held a longer row may hold a short one
    assert 1500 < all_of_it[0] < 3000
    assert max(all_of_it[1:]) <= 1


def test_refusals_leave_room_for_losses() -> None:
    refused = [
        Refusal("removed", f"account/a-{number} is no longer in git", "--confirm-removed") for number in range(5000)
    ]
    told = sections(render_markdown(Plan(STORE, (), tuple(many("loss", 100)), DIGEST), refused))
    assert told["100 losses"] == (100, 100, 0)
    assert told["A push refuses this"][1] + told["A push refuses this"][2] == 5000


def test_a_limit_below_the_counts_is_an_error() -> None:
    with pytest.raises(ValueError, match="no room in 4095 bytes"):
        render_markdown(*nothing(), limit=SMALLEST - 1)


@pytest.mark.usefixtures("unmeasured")
def test_what_just_fits_is_below_the_limit() -> None:
    plan = Plan(STORE, (), tuple(many("loss", 3000)), DIGEST)
    lengths = [(limit, len(render_markdown(plan, limit=limit).encode())) for limit in range(SMALLEST, SMALLEST + 64)]
    assert all(length < limit for limit, length in lengths)
    assert any(length == limit - 1 for limit, length in lengths)


def test_control_an_uncut_comment_is_too_long() -> None:
    plan = Plan(STORE, (), tuple(many("loss", 3000)), DIGEST)
    assert len(render_markdown(plan, limit=10**7)) > LIMIT
    assert len(render_markdown(plan)) < LIMIT
