"""A plan counts decisions by the comparison of ``diff``, between a store and git: values count, and none is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compiler.example import AS_OF
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.test_diff import EXAMPLE, MODEL, REGION, side
from tests.compiler.trees import Data, example_data, written

from llmcompile.diff.impact import Impact, impact
from llmcompile.diff.sides import Documents, side_of
from llmcompile.diff.stored import impact_on
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.push.look import Seen
from llmcompile.push.ownership import LABELS
from llmcompile.push.plan import Plan, make_plan
from llmcompile.push.resolve import Payload
from llmcompile.push.store import Held, Version
from llmcompile.secret_ids import secret_id
from llmcompile.show.plan_machine import render_json
from llmcompile.show.plan_markdown import render_markdown
from llmcompile.show.plan_text import render_text

CANARY = "canary-of-a-value-that-nobody-sees"


def compiled(change: Callable[[Data], object] = lambda data: None) -> Compiled:
    data = example_data()
    change(data)
    result = compile_repository(written(data), AS_OF)
    assert not result.failed, result.diagnostics
    return result


def values(data: bytes, note: str = "") -> bytes:
    """A document as a store holds it: a value where each ref stands."""
    return data.replace(b"ref+env://", f"{CANARY}{note}-".encode())


def seen(before: Compiled, after: Compiled, stored: Callable[[bytes], bytes] = values) -> list[Seen]:
    """What a look at a store shows that holds the one, where the other is wanted."""
    old, new = (side_of_result(each) for each in (before, after))
    found = []
    documents = {(each.kind, each.owner): each for each in after.documents}
    for kind, owner in dict.fromkeys([*new, *old]):
        secret = secret_id(kind, owner)
        document = documents.get((kind, owner))
        wanted = Payload(document, values(new[kind, owner])) if document else None
        held = (kind, owner) in old
        newest = Version(1, stored(old[kind, owner]), "enabled") if held else None
        found.append(Seen(secret, kind, owner, wanted, Held(secret, LABELS, {}, "1") if held else None, newest))
    return found


def side_of_result(result: Compiled) -> Documents:
    return side_of(result.linked, result.documents).documents


def release(data: Data) -> None:
    data[REGION]["models"]["gpt-4o"].reverse()
    data[MODEL]["token_costs"][1]["per_million_tokens"]["text_output"] = 11
    data["accounts/initech.yaml"]["endpoints"]["primary"]["api_key"] = "ref+env://ANOTHER"
    data["accounts/globex.yaml"]["tier"] = "pro"


def test_plan_and_diff_count_the_same_decisions() -> None:
    before, after = compiled(), compiled(release)
    planned = impact_on(seen(before, after), after.linked)
    data = example_data()
    release(data)
    diffed = impact(EXAMPLE, side(written(data)))
    assert planned.count == diffed.count > 0
    assert planned.accounts == diffed.accounts
    assert [(each.names, each.callers, each.count) for each in planned.groups] == [
        (each.names, each.callers, each.count) for each in diffed.groups
    ]
    assert impact_on(seen(before, before), before.linked).count == 0


def test_a_value_that_changes_behind_a_ref_is_seen_and_not_shown() -> None:
    before = compiled()
    looked = seen(before, before, lambda data: values(data, "-of-old"))
    found = impact_on(looked, before.linked)
    assert set(found.accounts) == {"acme", "globex", "hooli", "initech", "stark"}
    fields = {each.field for group in found.groups for each in group.change.fields}
    assert fields == {"credential", "client secret"}
    plan = make_plan(looked, "memory:")
    for shown in (*forms(plan, found), repr(found), repr(found.groups)):
        assert CANARY not in shown
    assert "replaced" in render_markdown(plan, impact=found)


def test_accounts_that_come_or_leave_are_facts_and_are_not_asked() -> None:
    def grown(data: Data) -> None:
        data["accounts/wayne.yaml"] = {**data.pop("accounts/stark.yaml"), "account": "wayne"}

    before, after = compiled(), compiled(grown)
    looked = seen(before, after)
    found = impact_on(looked, after.linked)
    assert (found.count, found.asked) == (0, 0)
    assert {each.code for each in make_plan(looked, "memory:").facts} >= {"account-created", "account-removed"}


@pytest.mark.parametrize("stored", [b"", b"[]", b"{", b'{"a": 1}', b'{"keys": 7}'])
def test_what_no_router_would_read_counts_as_not_there(stored: bytes) -> None:
    before, after = compiled(), compiled(release)
    whole = impact_on(seen(before, after), after.linked)
    for kind in ("PROVISIONED_OPENAI_CONFIG", "CUSTOMER_LLM_CONFIG", "ROUTER_POLICY"):
        looked = [
            each if each.kind != kind or each.newest is None
            else Seen(each.secret, each.kind, each.owner, each.wanted, each.held, Version(1, stored, "enabled"))
            for each in seen(before, after)
        ]  # fmt: skip
        found = impact_on(looked, after.linked)
        assert found.count != whole.count


def forms(plan: Plan, found: Impact) -> tuple[str, str, str]:
    return render_text(plan, impact=found), render_json(plan, impact=found), render_markdown(plan, impact=found)


def test_every_form_of_a_plan_says_how_many_and_for_whom() -> None:
    before, after = compiled(), compiled(release)
    looked = seen(before, after)
    found, plan = impact_on(looked, after.linked), make_plan(looked, "memory:")
    text, machine, markdown = forms(plan, found)
    said = f"{found.count} decisions changed"
    assert f"{said}: {len(found.accounts)} accounts in {len(found.regions)} regions" in text
    assert json.loads(machine)["impact"]["decisions"]["changed"] == found.count
    assert json.loads(machine)["impact"]["blast_radius"]["regions"] == found.regions
    assert f"{said}: " in markdown
    assert f"<details><summary>{said}</summary>" in markdown
    assert "<details><summary>blast radius</summary>" in markdown
    nothing = impact_on(seen(before, before), before.linked)
    assert all("0 decisions changed" in each for each in (forms(plan, nothing)[0], forms(plan, nothing)[2]))
    assert len(render_markdown(plan, limit=4096, impact=found).encode()) < 4096


def test_the_command_says_it(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "repo")
    pushed = run_cli("push", "--to", "local", cwd=root, PRIMARY_KEY="a-key-of-the-platform")
    assert pushed.returncode == 0, pushed.stderr
    model = "models/gpt-4o.yaml"
    write_repo(root, {model: FILES[model].replace("text_output: 10", "text_output: 12")})
    said = run_cli("plan", "--to", "local", cwd=root, PRIMARY_KEY="a-key-of-the-platform")
    # With the one endpoint up, since the row starts; down, nothing is served at either price.
    assert "1 decision changed: 1 account in 1 region; 6 asked of 1 of 1 routers" in said.stdout
