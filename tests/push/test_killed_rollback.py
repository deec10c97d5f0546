"""kill -9 at every call of a rollback of two documents, one of which is disabled: whole at any time, and resumed."""

from __future__ import annotations

import json
import signal

import pytest
from tests.push.cli import Cli
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import newest, restore
from tests.push.stage import Stage, boundaries
from tests.push.watch import Watch

from llmcompile.push.ledger import LEDGER
from llmcompile_secretmanager_emulator import Fault

OLD, NEW = Fleet(1, 1, "old"), Fleet(1, 1, "new")
DOCUMENTS = ("a0_llm_config", "a0_llm_policy")
ROLLBACK = ("rollback", "--store", "prod", "a0")


@pytest.fixture
def stage(cli: Cli) -> Stage:
    """The new documents are pushed, and the first version of one of them is disabled."""
    stage = Stage.of(cli, OLD, NEW)
    assert stage.push().code == 0
    name = f"projects/{PROJECT}/secrets/a0_llm_config/versions/1"
    stage.server.client().disable_secret_version(name=name)
    stage.before = stage.server.model.state
    stage.server.journal.clear()
    return stage


def held(stage: Stage) -> dict[str, bytes | None]:
    return newest(stage.server, DOCUMENTS)


def test_killed_at_any_call_it_is_finished_by_running_it_again(stage: Stage) -> None:
    old, new = ({name: each[name] for name in DOCUMENTS} for each in (stage.old, stage.new))
    assert stage.cli(*ROLLBACK).code == 0
    assert held(stage) == old
    calls = stage.server.journal.calls
    watch = Watch(stage.server, {name: {old[name], new[name]} for name in DOCUMENTS})
    half = 0
    for at in boundaries(calls):
        restore(stage.server, stage.before)
        watch.start()
        assert stage.killed(at, *ROLLBACK).code == -signal.SIGKILL
        watch.look()
        half += held(stage) not in (old, new)
        assert stage.cli(*ROLLBACK).code == 0, at
        assert held(stage) == old, at
    assert not watch.broken
    assert (len(calls) > 40, half) == (True, 6)


def test_what_a_killed_push_did_not_come_to_is_not_rolled_back(stage: Stage) -> None:
    """Only one of the two has the new bytes: taking the other back too would bring bytes of long ago."""
    Fleet(1, 1, "third").write(stage.cli.root)
    stage.cli.environment = Fleet(1, 1, "third").environment
    policy = Fault("drop", method="AddSecretVersion", secret="a0_llm_policy")
    stage.server.faults.add(policy)
    assert stage.push().code == 5
    stage.server.faults.clear()
    before = held(stage)
    assert before["a0_llm_policy"] == stage.new["a0_llm_policy"]
    assert before["a0_llm_config"] != stage.new["a0_llm_config"]
    said = stage.cli(*ROLLBACK)
    assert (said.code, said.out.count("is now version")) == (0, 1)
    assert held(stage) == {name: stage.new[name] for name in DOCUMENTS}


def test_a_run_too_large_for_the_ledger_to_name_its_secrets_leaves_it_to_the_user(stage: Stage) -> None:
    entry = json.loads(stage.server.put(LEDGER).versions[-1].payload or b"")
    number = len(stage.server.put(LEDGER).versions)
    many = entry | {"after": number, "writes": {}, "count": 5_000}
    stage.server.put(LEDGER, json.dumps(many).encode())
    said = stage.cli(*ROLLBACK)
    assert (said.code, "wrote 5,000 secrets, too many for the ledger to name" in said.err) == (2, True)
    assert stage.cli(*ROLLBACK, "--document", "ROUTER_POLICY").code == 0
