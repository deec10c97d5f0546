"""``llmcompile diff``: what is no change, whom a change reaches, its forms, and the command on real repositories."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import AS_OF, copy_example
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.test_history import commit, git, repository
from tests.compiler.thorough import thorough
from tests.compiler.trees import Data, Files, example_data, example_texts, written

from llmcompile.diff.answers import by_fingerprint
from llmcompile.diff.impact import Impact, impact
from llmcompile.diff.report import report
from llmcompile.diff.sides import Side, side_of
from llmcompile.diff.situations import subsets
from llmcompile.load.tree import Tree
from llmcompile.pipeline import compile_repository
from llmcompile.show.diff_machine import render_json
from llmcompile.show.diff_markdown import MARKER, render_markdown
from llmcompile.show.diff_text import render_text

MODEL, ACCOUNT, REGION = "models/gpt-4o.yaml", "accounts/acme.yaml", "regions/europe-west6.yaml"


def side(tree: Tree | Path) -> Side:
    result = compile_repository(tree, AS_OF)
    assert not result.failed, result.diagnostics
    return side_of(result.linked, result.documents)


EXAMPLE = side(written(example_data()))


def after(change: Any) -> Impact:
    """What a change of the example's data comes to."""
    data = example_data()
    change(data)
    return impact(EXAMPLE, side(written(data)))


# ---- what is no change ---------------------------------------------------------------------------------------------


def test_a_pure_refactor_changes_no_decision() -> None:
    texts = example_texts()
    # Comments, quotes, block for flow, an anchor, another order of keys, what a default says anyway.
    texts[REGION] = texts[REGION].replace("credential: azure-shared", 'credential: "azure-shared"  # shared')
    texts[MODEL] = "\n".join(reversed(texts[MODEL].split("token_costs:")[0].splitlines())) + (
        "\ntoken_costs:\n"
        "  - {currency: &currency USD, start: 2024-05-13, end: 2024-10-01, "
        "per_million_tokens: {text_output: 15, text_input: 5}}\n"
        "  - per_million_tokens:\n      text_output: 10.000\n      cached_text_input: 1.25\n      text_input: 25e-1\n"
        "    currency: *currency\n    start: 2024-10-01T00:00:00Z\n"
    )
    texts["accounts/stark.yaml"] = texts["accounts/stark.yaml"].replace("region: us-east4", "regions: [us-east4]")
    texts["accounts/acme.yaml"] = texts["accounts/acme.yaml"].replace("source: auto\n", "")  # the default
    texts["llmcompile.yaml"] = texts["llmcompile.yaml"].replace(
        "guards: {max_change_percent: 30, min_changes: 5}\n", ""
    )
    found = impact(EXAMPLE, side(Files(texts)))
    assert found.count == 0
    assert found.asked == 0 or found.groups == ()
    # The control: the same edit with one figure more is seen.
    texts[MODEL] = texts[MODEL].replace("text_output: 10.000", "text_output: 10.001")
    assert impact(EXAMPLE, side(Files(texts))).count > 0


@pytest.mark.usefixtures("unmeasured")
@thorough(20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_what_has_none_is_no_change(random: Any) -> None:
    ordered = {"endpoints", "token_costs", "fallbacks", "members", "default_params"}

    def shuffled(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            pairs = list(value.items())
            if key not in ordered:
                random.shuffle(pairs)
            return {name: shuffled(item, name) for name, item in pairs}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    data: Data = {file: shuffled(each) for file, each in example_data().items()}
    assert impact(EXAMPLE, side(written(data))).count == 0


def test_documents_may_differ_where_decisions_do_not() -> None:
    """A row of prices in two, a weight without a neighbour, batching: all in the documents, none of it decided by."""

    def change(data: Data) -> None:
        rows = data[MODEL]["token_costs"]
        rows.append({**rows[-1], "start": "2026-06-01"})
        data["accounts/initech.yaml"]["endpoints"]["primary"]["weight"] = 7
        del data["regions/europe-west4.yaml"]["endpoints"]["westeurope"]["chat_batching"]
        data["accounts/globex.yaml"]["keys"][0]["id"] = "helpdesk"

    data = example_data()
    change(data)
    new = side(written(data))
    found = report(("a", "b"), EXAMPLE, new)
    assert found.documents >= 4
    assert found.impact.asked > 0
    assert found.impact.count == 0


# ---- whom it reaches -----------------------------------------------------------------------------------------------


def test_only_who_could_differ_is_asked() -> None:
    found = after(lambda data: data["accounts/stark.yaml"].update(tier="pro"))
    assert (found.routers, found.all_routers) == (1, 7)
    assert set(found.accounts) == {"stark"}
    assert set(found.regions) == {"us-east4"}
    assert sum(found.regions.values()) == found.count
    found = after(lambda data: data[REGION]["models"]["gpt-4o"].reverse())
    assert found.routers == 4  # those in the region, umbrella too, which never asks the platform
    assert set(found.accounts) == {"acme", "globex", "hooli"}


@pytest.mark.usefixtures("unmeasured")
def test_a_fleet_costs_what_is_different_in_it() -> None:
    """A thousand accounts of which one changes: one router is asked. Of a thousand alike, one stands for all."""

    def fleet(data: Data) -> Data:
        plain = data["accounts/stark.yaml"]
        return data | {f"accounts/a{at}.yaml": {**plain, "account": f"a{at}"} for at in range(1000)}

    old, data = side(written(fleet(example_data()))), fleet(example_data())
    data["accounts/a7.yaml"] = {**data["accounts/a7.yaml"], "tier": "pro"}
    found = impact(old, side(written(data)))
    assert (found.routers, found.all_routers) == (1, 1007)
    assert set(found.accounts) == {"a7"}
    data = fleet(example_data())
    data["regions/us-east4.yaml"]["models"]["gpt-4o"].reverse()
    found = impact(old, side(written(data)))
    assert len(found.accounts) == 1001
    assert len(found.groups) == 1
    assert len({id(each) for _, each in found.found}) == 1


def test_what_is_down_is_tried_in_every_set_up_to_a_bound() -> None:
    names = [f"e{at}" for at in range(9)]
    assert len(subsets(names[:8], 8, 2)) == 2**8
    assert len(subsets(names, 8, 2)) == 1 + 9 + 36
    assert [len(each) for each in subsets(names[:3], 3, 1)] == [0, 1, 1, 1, 2, 2, 2, 3]


def test_a_renamed_account_is_the_same_account() -> None:
    def rename(data: Data, **more: Any) -> None:
        data["accounts/acme-corp.yaml"] = {**data.pop(ACCOUNT), "account": "acme-corp", **more}

    found = after(lambda data: rename(data, previously=["acme"]))
    assert (found.count, found.renamed) == (0, (("acme", "acme-corp"),))
    data = example_data()
    rename(data, previously=["acme"])
    said = report(("a", "b"), EXAMPLE, side(written(data)))
    assert [(each.code, str(each.owners[0])) for each in said.facts] == [("policy-account", "account/acme-corp")]
    assert "acme is called acme-corp now" in render_text(said)
    found = after(rename)  # the control: without a word, one has left and another one has come
    assert set(found.accounts) == {"acme", "acme-corp"}


def test_a_credential_is_told_apart_and_its_value_never_shown() -> None:
    def key(value: str) -> Side:
        texts = dict(EXAMPLE.documents)
        place = ("PROVISIONED_OPENAI_CONFIG", "us-east4")
        old = b"ref+env://EXAMPLE_OPENAI_KEY"
        assert old in texts[place]  # type: ignore[index]
        texts[place] = texts[place].replace(old, value.encode())  # type: ignore[index]
        return Side(texts, EXAMPLE.regions, EXAMPLE.previously)

    one, other = key("sk-one-value-of-a-key"), key("sk-another-value-of-a-key")
    assert impact(one, one, by_fingerprint).count == 0
    found = impact(one, other, by_fingerprint)
    assert found.count > 0
    shown = repr(found.found) + repr(found.groups)
    assert "value-of-a-key" not in shown
    fields = {(each.field, str(each.before)) for group in found.groups for each in group.change.fields}
    assert fields == {("credential", "***")}


# ---- money ---------------------------------------------------------------------------------------------------------


def test_prices_before_and_after_over_time() -> None:
    def change(data: Data) -> None:
        rows = data["models/gpt-4o-mini.yaml"]["token_costs"]
        rows[1]["per_million_tokens"]["text_input"] = 0.1
        rows.append({**rows[1], "start": "2028-01-01", "per_million_tokens": {"text_input": 0.12, "text_output": 0.5}})

    prices = {each for group in after(change).groups for each in group.change.prices}
    shown = {(each.unit, each.span.start, each.span.end, each.before, each.after, each.percent) for each in prices}
    first, second = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    usd = {each: ("USD", Decimal(each)) for each in ("0.12", "0.1", "0.48", "0.5", "0.06")}
    assert shown == {
        ("text_input", first, second, usd["0.12"], usd["0.1"], Decimal("-16.67")),
        ("text_output", second, None, usd["0.48"], usd["0.5"], Decimal("4.17")),
        # Without a price of its own, a cached token costs what an uncached one does.
        ("cached_text_input", second, None, usd["0.06"], usd["0.12"], Decimal("100.00")),
    }


def test_a_cached_unit_that_only_follows_is_not_said_again() -> None:
    def change(data: Data) -> None:
        data["models/text-embedding-3-large.yaml"]["token_costs"][1]["per_million_tokens"]["text_input"] = 0.11

    found = after(change)
    assert {each.unit for group in found.groups for each in group.change.prices} == {"text_input"}


def test_another_first_choice_has_another_price() -> None:
    def change(data: Data) -> None:
        del data[REGION]["models"]["gpt-4.1"]
        data["regions/europe-west4.yaml"]["models"].pop("gpt-4.1")
        data["accounts/hooli.yaml"]["route_groups"]["assistant"]["members"].pop(0)

    changes = [group.change for group in after(change).groups if group.names == ("assistant",)]
    assert {(each.was_model, each.model) for one in changes for each in one.prices} == {("gpt-4.1", "gpt-4o")}


# ---- forms ---------------------------------------------------------------------------------------------------------


def test_forms_agree_and_say_zero() -> None:
    data = example_data()
    data[REGION]["models"]["gpt-4o"].reverse()
    data["models/gpt-4o-mini.yaml"]["token_costs"][0]["per_million_tokens"]["text_output"] = 0.7
    found = report(("main", "the work tree"), EXAMPLE, side(written(data)))
    machine = json.loads(render_json(found))
    count = machine["impact"]["decisions"]["changed"]
    assert count == found.impact.count > 0
    assert sum(each["decisions"] for each in machine["impact"]["changes"]) == count
    assert sum(sum(each.values()) for each in machine["impact"]["blast_radius"]["accounts"].values()) == count
    counts = [each["decisions"] for each in machine["impact"]["changes"]]
    assert counts == sorted(counts)
    text, markdown = render_text(found), render_markdown(found)
    assert f"{count} decisions changed" in text
    assert markdown.startswith(f"{MARKER}\n### {count} decisions changed\n")
    shown = [int(each) for each in re.findall(r", (\d+) decisions?$", click.unstyle(text), re.MULTILINE)]
    assert sorted(shown) == counts
    nothing = report(("main", "the work tree"), EXAMPLE, EXAMPLE)
    assert render_text(nothing).endswith(click.style("0 decisions changed", bold=True))
    assert json.loads(render_json(nothing))["impact"]["changes"] == []
    assert "### 0 decisions changed" in render_markdown(nothing)


def test_a_comment_is_never_too_long() -> None:
    data = example_data()
    for at in range(300):
        data[f"accounts/a{at}.yaml"] = {**data["accounts/initech.yaml"], "account": f"a{at}", "tier": "free"}
    found = report(("a", "b"), EXAMPLE, side(written(data)))
    shown = render_markdown(found, 8000)
    assert len(shown.encode()) < 8000
    assert "more; all of it" in shown


# ---- the command ---------------------------------------------------------------------------------------------------


def test_diff_with_the_work_tree_and_between_revisions(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    commit(root)
    said = run_cli("diff", "main", "--exit-code", cwd=root)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.endswith("0 decisions changed\n")
    stark = root / "accounts" / "stark.yaml"
    stark.write_text(stark.read_text("utf-8").replace("tier: free", "tier: pro"))
    said = run_cli("diff", "main", cwd=root)
    assert said.returncode == 0
    assert "stark: 33 decisions, in us-east4 33" in said.stdout
    commit(root)
    between = run_cli("diff", "main~1", "main", "--format", "json", "--exit-code", cwd=root)
    assert between.returncode == 3
    assert json.loads(between.stdout)["impact"]["decisions"] == {
        "changed": 33,
        "asked": 50,
        "routers_asked": 1,
        "routers": 7,
    }
    back = json.loads(run_cli("diff", "main", "main~1", "--format", "json", cwd=root).stdout)
    assert back["impact"]["decisions"]["changed"] == 33


def test_a_revision_that_does_not_compile_is_named(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", {ACCOUNT: FILES[ACCOUNT].replace("tier: pro", "tier: prp")})
    write_repo(root)
    said = run_cli("diff", "main", cwd=root)
    assert said.returncode == 1
    assert "error[tier-unknown]" in said.stderr
    assert f"{ACCOUNT}:4:7" in said.stderr
    assert "4 | tier: prp" in said.stderr  # of the revision, not of the work tree
    assert re.search(r"main \([0-9a-f]{12}\) does not compile", said.stderr)
    assert said.stdout == ""
    commit(root)
    (root / ACCOUNT).write_text("account: [")
    said = run_cli("diff", "main", cwd=root)
    assert said.returncode == 1
    assert "the work tree does not compile" in said.stderr


def test_a_revision_is_checked_as_of_its_commit(tmp_path: Path) -> None:
    """What has run out since is no reason not to look at the change that mends it."""
    ends = FILES[MODEL].replace("{start: 2024-10-01,", "{start: 2024-01-01, end: 2024-10-01,")
    root = write_repo(tmp_path / "repo", {MODEL: ends})
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "then", GIT_COMMITTER_DATE="2024-02-01T00:00:00Z")
    write_repo(root)
    said = run_cli("diff", "main", cwd=root)
    assert said.returncode == 0, said.stderr
    assert "text_input USD 2.5 (was without a price) from 2024-10-01" in said.stdout
    said = run_cli("diff", "main", "--as-of", "2026-01-01", cwd=root)  # the control: by now it has run out
    assert said.returncode == 1
    assert "error[price-missing]" in said.stderr


@pytest.mark.parametrize("arguments", [("mian",), ("main", "mian")])
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    said = run_cli("diff", *arguments, cwd=repository(tmp_path / "repo"))
    assert (said.returncode, said.stdout) == (2, "")
    assert "did you mean 'main'?" in said.stderr
