"""A weak secret cannot be guessed by what a push shows or leaves: all of that is the same whatever its value is.

What is said of a value is its length, and whether it is another one than the store has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.push.cli import Cli
from tests.push.fleet import Fleet
from tests.push.looks import LOOKS
from tests.push.pushers import newest
from tests.push.stage import Stage

from llmcompile.push.ledger import LEDGER
from llmcompile_secretmanager_emulator import Call, Fault

OLD, NEW = Fleet(1, 1, "old"), Fleet(2, 1, "new")
CHANGING = re.compile(r"\b[0-9a-f]{16}\b|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z")
"""A run's id, and times."""


@pytest.fixture
def stage(cli: Cli) -> Stage:
    return Stage.of(cli, OLD, NEW)


PLAN = LOOKS[1]


def told(
    stage: Stage, *faults: Fault, empty: bool = False, looks: Sequence[tuple[str, ...]] = (PLAN,), **values: str
) -> dict[str, str]:
    """All that is said and left by a push with these values, by what said it. Looks before it, and after it."""
    stage.restart()
    stage.server.faults.add(*faults)
    if empty:
        stage.server.model.state = {}
    stage.cli.environment = NEW.environment | values
    found: dict[str, str] = {}

    def run(when: str, *arguments: str, **options: Any) -> None:
        said = stage.cli(*arguments, **options)
        found[f"{when} {' '.join(arguments)}"] = json.dumps([said.code, said.out, said.err, said.report])

    for each in looks:
        run("before", *each)
    run("push", "push", "--to", "prod", report=True)
    for each in looks:
        run("after", *each)
    for (_, name), held in stage.server.model.state.items():
        payloads = [each.payload for each in held.versions] if name == LEDGER else [len(held.versions)]
        found[f"left in {name}"] = f"{held.labels} {held.annotations} {held.aliases} {payloads}"
    return {name: CHANGING.sub("...", text) for name, text in found.items()}


@pytest.mark.parametrize("empty", [True, False], ids=["in an empty store", "over an old fleet"])
def test_what_is_said_and_left_does_not_depend_on_a_value(stage: Stage, empty: bool) -> None:
    one, held = told(stage, empty=empty, looks=LOOKS, A0_KEY="1234", R0_KEY="monkey"), newest(stage.server, stage.new)
    other = told(stage, empty=empty, looks=LOOKS, A0_KEY="4321", R0_KEY="dragon")
    assert len(one) == 2 * len(LOOKS) + 1 + len(stage.new) + 1
    assert one == other
    changed = {secret for secret, payload in newest(stage.server, stage.new).items() if payload != held[secret]}
    assert changed == {"a0_llm_config", "azure_openai_r0"}, "the control: what is pushed is not the same"


def test_a_value_of_the_same_length_behind_a_ref_to_a_file(stage: Stage, tmp_path: Path) -> None:
    """Nor does the digest of the document with its refs depend on it, which is what annotations have."""
    path = stage.cli.root / "accounts/a0.yaml"
    path.write_text(path.read_text().replace("ref+env://A0_KEY", f"'ref+file://{tmp_path}/key'"))
    found = []
    for value in ("1234", "4321"):
        (tmp_path / "key").write_text(value)
        found.append(told(stage))
    assert found[0] == found[1]


def test_control_a_longer_value_is_told_apart(stage: Stage) -> None:
    """By its size, and by that alone: everywhere else it is the same."""
    one, longer = told(stage, empty=True, A0_KEY="1234"), told(stage, empty=True, A0_KEY="12345")
    plan = f"before {' '.join(PLAN)}"
    assert one[plan] != longer[plan]
    size = len(newest(stage.server, ["a0_llm_config"])["a0_llm_config"] or b"")

    def without_size(texts: dict[str, str]) -> dict[str, str]:
        sizes = re.compile(rf"\b({size}|{size - 1})\b|sha256:[0-9a-f]{{64}}")
        return {name: sizes.sub("...", text) for name, text in texts.items()}

    assert without_size(one) == without_size(longer)


def test_control_whoever_notes_a_digest_of_a_value_is_found_out(stage: Stage) -> None:
    """Somebody else does it, at every new version."""

    def note(call: Call) -> None:
        held = stage.server.secret(call.secret)
        assert held
        assert held.latest
        digest = hashlib.sha256(held.latest.payload or b"").hexdigest()
        stage.server.put(call.secret, annotations={**held.annotations, "digest": digest})

    spy = Fault("none", method="AddSecretVersion", secret="a0_*", after_commit=True, run=note)
    one, other = told(stage, spy, A0_KEY="1234"), told(stage, spy, A0_KEY="4321")
    assert {name for name in one if one[name] != other[name]} == {"left in a0_llm_config"}
