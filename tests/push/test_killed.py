"""kill -9 at every call of a push: whatever it had done, readers get whole documents, and running it again finishes.

The boundaries of a push of 20 secrets, 12 of them changed and 8 created: before each call reaches the server, and after
each write has changed the store and before the reply leaves.
"""

from __future__ import annotations

import signal

import pytest
from google.api_core.exceptions import ServiceUnavailable
from tests.push.cli import Cli, Said
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import counts
from tests.push.stage import PUSH, Boundary, Stage, boundaries
from tests.push.watch import Watch

from llmcompile_secretmanager_emulator import Emulator, Fault

OLD, NEW = Fleet(5, 2, "old"), Fleet(8, 4, "new")
PARTS = 4
"""Tests that share the boundaries, so that they can run at the same time."""


@pytest.fixture
def stage(cli: Cli) -> Stage:
    stage = Stage.of(cli, OLD, NEW)
    assert (len(stage.old), len(stage.new)) == (12, 20)
    return stage


@pytest.fixture
def watch(stage: Stage) -> Watch:
    return Watch(stage.server, {each: {data, stage.old.get(each, data)} for each, data in stage.new.items()})


def killed(stage: Stage, watch: Watch, at: Boundary, *, real: bool = False) -> Said:
    """Push from the start and kill it at the boundary, watched at every call."""
    stage.restart()
    watch.start()
    said = stage.killed(at, *PUSH, real=real)
    watch.look()
    return said


def check(stage: Stage, watch: Watch, at: Boundary, *, real: bool = False) -> int:
    """Kill, run again, compare with a run that was not killed; how many more versions there are than after that."""
    assert killed(stage, watch, at, real=real).code == -signal.SIGKILL, at
    assert not watch.broken, at
    if stage.server.model.state is stage.before:
        return 0  # nothing was changed: running it again is the run that was not killed
    return stage.finish(real=real)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_call_it_is_finished_by_running_it_again(stage: Stage, watch: Watch, part: int) -> None:
    found = boundaries(stage.calls)
    assert (len(stage.calls) > 140, sum(at.after_commit for at in found)) == (True, 41)
    more = {check(stage, watch, at) for at in found[part::PARTS]}
    assert more == {0, 1}, "an entry of the ledger is all that may be more"
    assert watch.looks > 2_000


@pytest.mark.parametrize("write", [0, 4], ids=["ledger", "document"])
def test_the_same_as_users_start_it(stage: Stage, watch: Watch, write: int) -> None:
    """Once as the run is entered, once in the midst of the documents; on the real clock, within the real limits."""
    adds = [nth for nth, call in enumerate(stage.writes, 1) if call.method == "AddSecretVersion" and call.committed]
    assert check(stage, watch, Boundary(adds[write], after_commit=True), real=True) == 1


def test_control_the_watch_sees_what_readers_would_not_get(server: Emulator) -> None:
    server.put("a0_llm_config", b"old")
    watch = Watch(server, {"a0_llm_config": {b"old", b"new"}})
    watch.start()
    client, name = server.client(), f"projects/{PROJECT}/secrets/a0_llm_config"
    client.add_secret_version(parent=name, payload={"data": b"new"})
    client.get_secret(name=name)
    assert (watch.looks, watch.broken) == (2, [])
    client.disable_secret_version(name=f"{name}/versions/2")
    client.add_secret_version(parent=name, payload={"data": b"ne"})
    client.get_secret(name=name)
    assert [each.split(", at")[0] for each in watch.broken] == [
        "a0_llm_config version 2 is not whole",
        "a0_llm_config version 3 is not whole",
    ]


def test_control_whoever_writes_all_again_leaves_more_than_one_version_more(server: Emulator) -> None:
    client, names = server.client(), [f"projects/{PROJECT}/secrets/a{n}_llm_config" for n in range(5)]
    for n in range(5):
        server.put(f"a{n}_llm_config", b"old")

    def push() -> None:
        for name in names:
            client.add_secret_version(parent=name, payload={"data": b"new"})

    server.faults.add(Fault(method="AddSecretVersion", nth=3, after_commit=True))
    with pytest.raises(ServiceUnavailable):
        push()
    push()
    assert sum(counts(server).values()) - 10 == 3
