"""kill -9 at every call of a push: whatever it had done, readers get whole documents, and running it again finishes.

The boundaries of a push of 20 secrets, 12 of them changed and 8 created: before each call reaches the server, and after
each write has changed the store and before the reply leaves.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field

import pytest
from google.api_core.exceptions import ServiceUnavailable
from tests.push.cli import Cli, Said
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import contents, counts, newest
from tests.push.watch import Watch

from llmcompile_secretmanager_emulator import Call, Emulator, Fault

OLD, NEW = Fleet(5, 2, "old"), Fleet(8, 4, "new")
PARTS = 4
"""Tests that share the boundaries, so that they can run at the same time."""
RECORD = ("llmcompile-version", "llmcompile-document", "llmcompile-revision")


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where to kill: at the ``nth`` call, or once the ``nth`` write has changed the store."""

    nth: int
    after_commit: bool = False


@dataclass(slots=True)
class Stage:
    """A store that holds the old documents, and a repository with the new ones."""

    cli: Cli
    watch: Watch
    before: object
    writes: list[Call] = field(default_factory=list)
    boundaries: list[Boundary] = field(default_factory=list)
    end: dict[str, object] = field(default_factory=dict)
    versions: int = 0

    @property
    def server(self) -> Emulator:
        return self.cli.server

    @classmethod
    def of(cls, cli: Cli) -> Stage:
        """Push the old, then once the new without being killed: how it ends, and all its calls."""
        old = contents(OLD.payloads(cli.root))
        assert cli("push", "--to", "prod", **OLD.environment).code == 0
        new = contents(NEW.payloads(cli.root))
        cli.environment = NEW.environment
        assert (len(old), len(new), sum(old[each] != new[each] for each in old)) == (12, 20, 12)
        allowed = {secret: {new[secret], old.get(secret, new[secret])} for secret in new}
        stage = cls(cli, Watch(cli.server, allowed), cli.server.model.state)
        cli.server.journal.clear()
        assert stage.push().code == 0
        stage.writes = cli.server.journal.writes
        stage.boundaries = [Boundary(n + 1) for n in range(len(cli.server.journal.calls))]
        stage.boundaries += [Boundary(n + 1, True) for n, call in enumerate(stage.writes) if call.committed]
        stage.end, stage.versions = stage.now(), sum(counts(cli.server).values())
        assert newest(cli.server, new) == new
        return stage

    def push(self, **options: object) -> Said:
        return self.cli("push", "--to", "prod", **options)  # type: ignore[arg-type]

    def now(self) -> dict[str, object]:
        """All that matters of every document's secret: what readers get, its number, and what we noted."""
        held = {name: self.server.secret(name) for name in NEW.secrets}
        return {
            name: (
                each.latest.number,
                each.latest.state,
                each.latest.payload,
                [each.annotations[key] for key in RECORD],
            )
            for name, each in held.items()
            if each and each.latest
        }

    def killed(self, boundary: Boundary, *, real: bool = False) -> Said:
        """Push from the start and kill it at the boundary, watched at every call."""
        self.server.model.state, self.watch.broken = self.before, []  # type: ignore[assignment]
        self.watch.start()
        process: list[int] = []
        self.server.faults.add(
            Fault(
                "drop",
                nth=boundary.nth,
                after_commit=boundary.after_commit,
                writes_only=boundary.after_commit,
                run=lambda _: os.kill(process[0], signal.SIGKILL),
            )
        )
        said = self.push(started=process.append, real=real)
        self.server.faults.clear()
        self.watch.look()
        return said


@pytest.fixture
def stage(cli: Cli) -> Stage:
    return Stage.of(cli)


def check(stage: Stage, boundary: Boundary, *, real: bool = False) -> int:
    """Kill, run again, compare with a run that was not killed; how many more versions there are than after that."""
    assert stage.killed(boundary, real=real).code == -signal.SIGKILL, boundary
    assert not stage.watch.broken, boundary
    if stage.server.model.state is stage.before:
        return 0  # nothing was changed: running it again is the run that was not killed
    again = stage.push(real=real)
    assert (again.code, "error" in again.err) == (0, False), (boundary, again.err)
    assert stage.now() == stage.end, boundary
    return sum(counts(stage.server).values()) - stage.versions


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_call_it_is_finished_by_running_it_again(stage: Stage, part: int) -> None:
    assert len(stage.boundaries) > 200
    more = {check(stage, boundary) for boundary in stage.boundaries[part::PARTS]}
    assert more == {0, 1}, "an entry of the ledger is all that may be more"
    assert stage.watch.looks > 2_000


@pytest.mark.parametrize("write", [0, 4], ids=["ledger", "document"])
def test_the_same_as_users_start_it(stage: Stage, write: int) -> None:
    """Once as the run is entered, once in the midst of the documents; on the real clock, within the real limits."""
    adds = [n + 1 for n, call in enumerate(stage.writes) if call.method == "AddSecretVersion" and call.committed]
    assert check(stage, Boundary(adds[write], after_commit=True), real=True) == 1


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

    server.faults.add(Fault("drop", method="AddSecretVersion", nth=3, after_commit=True))
    with pytest.raises(ServiceUnavailable):
        push()
    push()
    assert sum(counts(server).values()) - 10 == 3
