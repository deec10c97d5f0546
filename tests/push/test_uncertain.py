"""An error that hides whether the store was changed: who pushes looks before trying again, so nothing is doubled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import Pusher, contents, counts, naive, newest

from llmcompile.errors import OutsideError
from llmcompile.push.report import Report
from llmcompile.push.resolve import Payload
from llmcompile_secretmanager_emulator import Call, Emulator, Fault
from llmcompile_secretmanager_emulator.model import Snapshot

OLD, NEW = Fleet(1, 1, "old"), Fleet(2, 2, "new")
FAULTS = {
    **{status: {"status": status} for status in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")},
    "dropped": {"do": "drop"},
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A store, half of whose secrets hold other bytes while half are not there, or an empty one; what to push to it."""

    server: Emulator
    documents: list[Payload]
    before: Snapshot
    writes: list[Call]
    """Those of a push without faults, among them some that never change anything."""
    versions: dict[str, int]
    """How many each secret has after it."""

    @classmethod
    def of(cls, server: Emulator, root: Path, *, empty: bool = False) -> Stage:
        if not empty:
            Pusher(server).push(OLD.payloads(root))
        documents, before = NEW.payloads(root), server.model.state
        server.journal.clear()
        Pusher(server).push(documents)
        stage = cls(server, documents, before, server.journal.writes, counts(server))
        server.model.state = before
        return stage

    def push(self, *faults: Fault) -> Report:
        """From the start, with these faults."""
        self.server.model.state = self.before
        self.server.journal.clear()
        self.server.faults.add(*faults)
        try:
            return Pusher(self.server).push(self.documents)
        finally:
            self.server.faults.clear()

    def check(self, report: Report, more: int = 0) -> None:
        """Everything is there, with no version more than without faults."""
        assert report.data()["complete"]
        assert newest(self.server, NEW.secrets) == contents(self.documents)
        assert sum(counts(self.server).values()) - sum(self.versions.values()) == more


@pytest.mark.parametrize(
    ("fault", "after", "empty"),
    [*((fault, True, False) for fault in FAULTS), *(("dropped", after, True) for after in (True, False))],
)
def test_no_write_is_done_twice(server: Emulator, tmp_path: Path, fault: str, after: bool, empty: bool) -> None:
    stage = Stage.of(server, tmp_path, empty=empty)
    nths = [nth for nth, call in enumerate(stage.writes, 1) if call.committed]
    assert len(nths) == (14 if empty else 13)
    for nth in nths:
        report = stage.push(Fault(nth=nth, writes_only=True, after_commit=after, **FAULTS[fault]))
        assert server.journal.writes[nth - 1].status in (fault, "DROPPED")
        stage.check(report)


def test_nor_when_every_write_fails_after_it_was_done(server: Emulator, tmp_path: Path) -> None:
    stage = Stage.of(server, tmp_path)
    stage.check(stage.push(Fault(writes_only=True, after_commit=True)))
    assert not [call for call in server.journal.writes if call.status == "OK"]


def test_a_write_that_never_gets_through_ends_the_push(server: Emulator, tmp_path: Path) -> None:
    stage = Stage.of(server, tmp_path)
    with pytest.raises(OutsideError, match="could not be written, in 15 attempts: cannot add a version"):
        stage.push(Fault(method="AddSecretVersion", secret="azure_openai_r0"))
    assert len([call for call in server.journal.of("AddSecretVersion") if call.secret == "azure_openai_r0"]) == 15
    stage.server.journal.clear()
    assert Pusher(server).push(stage.documents).data()["complete"]


def test_what_was_carried_out_only_after_the_look_costs_one_version(server: Emulator, tmp_path: Path) -> None:
    """The client gave up and looked, the network delivered later: no interface without request ids can prevent it."""
    stage, late = Stage.of(server, tmp_path), server.client("late")
    name, data = f"projects/{PROJECT}/secrets/azure_openai_r0", contents(stage.documents)["azure_openai_r0"]
    lost = Fault(method="AddSecretVersion", secret="azure_openai_r0", nth=1)
    delivered = Fault(
        "none", method="AddSecretVersion", secret="azure_openai_r0", caller="ci", nth=2,
        run=lambda _: late.add_secret_version(parent=name, payload={"data": data}),
    )  # fmt: skip
    stage.check(stage.push(lost, delivered), more=1)


@pytest.mark.parametrize(("after", "doubled"), [(True, 5), (False, 0)])
def test_control_whoever_tries_again_blindly_doubles_versions(
    server: Emulator, tmp_path: Path, after: bool, doubled: int
) -> None:
    stage = Stage.of(server, tmp_path)
    for secret in NEW.secrets:
        server.put(secret)
    server.faults.add(Fault(method="AddSecretVersion", every=2, after_commit=after))
    before = sum(counts(server).values())
    naive(server.client(), contents(stage.documents).items(), attempts=3)
    assert newest(server, NEW.secrets) == contents(stage.documents)
    assert sum(counts(server).values()) - before == len(NEW.secrets) + doubled
