"""Whoever else writes to the same secrets while a push runs: by hand, by a script, by another run of llmcompile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import Pusher, contents, counts, newest, restore

from llmcompile.errors import OutsideError, RefusedError
from llmcompile.push.drift import drifts
from llmcompile.push.ledger import LEDGER
from llmcompile.push.look import look
from llmcompile.push.report import Report
from llmcompile.push.resolve import Payload
from llmcompile_secretmanager_emulator import Call, Emulator, Fault
from llmcompile_secretmanager_emulator.model import Snapshot

OLD, NEW, OTHER = Fleet(1, 1, "old"), Fleet(1, 1, "new"), Fleet(1, 1, "other")
SECRET = "a0_llm_config"
HAND = b'{"by": "hand"}'


@dataclass(slots=True)
class Stage:
    """A store with the old documents, the new ones to push, and what happens meanwhile."""

    server: Emulator
    root: Path
    before: Snapshot
    documents: list[Payload]

    @classmethod
    def of(cls, server: Emulator, root: Path, new: Fleet = NEW) -> Stage:
        Pusher(server).push(OLD.payloads(root))
        return cls(server, root, server.model.state, new.payloads(root))

    def during(self, do: Callable[[], object], **fault: object) -> None:
        """Something happens as a call of the pusher arrives, before it is carried out."""
        self.server.faults.add(Fault("none", caller="ci", run=lambda _: do(), **fault))  # type: ignore[arg-type]

    def push(self) -> Report:
        """From the start."""
        restore(self.server, self.before)
        try:
            return Pusher(self.server).push(self.documents)
        finally:
            self.server.faults.clear()

    def drift(self, fleet: Fleet = NEW) -> list[str]:
        return [each.code for each in drifts(look(fleet.payloads(self.root), Pusher(self.server, "d").store))]


@pytest.fixture
def stage(server: Emulator, tmp_path: Path) -> Stage:
    return Stage.of(server, tmp_path)


@pytest.mark.parametrize("secret", [SECRET, "azure_openai_r0"])
def test_a_hand_edit_at_any_call_is_overwritten_or_shows_as_drift(stage: Stage, secret: str) -> None:
    """Of what comes before the last look at the secret nothing is left; what comes after it is the next run's."""
    stage.push()
    calls = stage.server.journal.calls
    looked = max(nth for nth, call in enumerate(calls, 1) if call.secret == secret)
    for nth in range(1, len(calls) + 1):
        stage.during(lambda: stage.server.put(secret, HAND), nth=nth)
        assert stage.push().data()["complete"]
        whole = newest(stage.server, NEW.secrets) == contents(stage.documents)
        assert whole == (nth <= looked)
        assert stage.drift() == ([] if whole else ["edited"])


def test_whoever_writes_again_and_again_is_not_fought_for_ever(stage: Stage) -> None:
    stage.during(lambda: stage.server.put(SECRET, HAND), method="AddSecretVersion", secret=SECRET, after_commit=True)
    with pytest.raises(OutsideError, match="others go on writing the same secrets"):
        stage.push()
    assert counts(stage.server)[SECRET] == 1 + 2 * 4
    assert Pusher(stage.server).push(stage.documents).data()["complete"]


def test_annotations_of_others_survive_the_claim(stage: Stage) -> None:
    """Someone notes something between the look and the claim: the etag is another one, and both notes stay."""

    def note() -> None:
        held = stage.server.secret(SECRET)
        assert held is not None
        stage.server.put(SECRET, annotations={**held.annotations, "theirs": "kept"})

    stage.during(note, method="UpdateSecret", secret=SECRET, nth=1)
    assert stage.push().data()["complete"]
    held = stage.server.secret(SECRET)
    assert held is not None
    assert (held.annotations["theirs"], held.annotations["llmcompile-version"]) == ("kept", "2")
    assert [call.status for call in stage.server.journal.of("UpdateSecret") if call.secret == SECRET] == [
        "FAILED_PRECONDITION",
        "OK",
    ]


def test_a_secret_of_somebody_else_that_appears_meanwhile_is_left_alone(server: Emulator, tmp_path: Path) -> None:
    """Between the look and the creation; nothing is written anywhere then."""
    stage = Stage(server, tmp_path, {}, NEW.payloads(tmp_path))
    stage.during(lambda: server.put(SECRET, HAND), method="CreateSecret", secret=SECRET, nth=2)
    with pytest.raises(RefusedError, match=f"{SECRET} appeared meanwhile and does not carry our label"):
        stage.push()
    assert newest(server, NEW.secrets) == {SECRET: HAND, "a0_llm_policy": None, "azure_openai_r0": None}


class TestTakenOver:
    """Another run begins and ends between two calls of this one, which is told."""

    def other(self, stage: Stage) -> list[Payload]:
        return OTHER.payloads(stage.root)

    def test_what_came_too_late_and_cannot_be_taken_back_is_named(self, stage: Stage) -> None:
        documents = self.other(stage)

        def take_over() -> None:
            Pusher(stage.server, "other").push(documents)
            stage.server.faults.add(Fault(method="AddSecretVersion", secret=SECRET, caller="ci"))  # all that follow

        stage.during(take_over, method="AddSecretVersion", secret=SECRET, nth=1)
        with pytest.raises(
            OutsideError, match=f"another run took over: .*; version 3 of {SECRET} came too late"
        ) as told:
            stage.push()
        assert told.value.next_step == "look at drift, then push what is newest"
        assert stage.drift(OTHER) == ["edited"]
        assert Pusher(stage.server).push(documents).data()["complete"]
        assert stage.drift(OTHER) == []

    def test_whoever_has_claimed_a_secret_since_then_is_noticed_before_anything_is_added(self, stage: Stage) -> None:
        documents = self.other(stage)
        stage.during(lambda: Pusher(stage.server, "other").push(documents), method="UpdateSecret", secret=SECRET)
        with pytest.raises(RefusedError, match="another run took over"):
            stage.push()
        assert counts(stage.server)[SECRET] == 2
        assert stage.drift(OTHER) == []

    def test_nobody_retires_what_the_other_run_knows(self, server: Emulator, tmp_path: Path) -> None:
        """An account has left git in the one and not in the other, which takes over at any call of the first."""
        both, less = Fleet(2, 1, "old"), Fleet(1, 1, "old")
        Pusher(server).push(both.payloads(tmp_path))
        other = Fleet(2, 1, "new").payloads(tmp_path)
        stage = Stage(server, tmp_path, server.model.state, less.payloads(tmp_path))
        assert stage.push().retired == ["a1_llm_config", "a1_llm_policy"], "the control"
        kept = 0
        for nth in range(1, len(server.journal.calls) + 1):
            stage.during(lambda: Pusher(server, "other").push(other), nth=nth)
            try:
                stage.push()
            except RefusedError:
                kept += 1
                held = [server.secret(each) for each in ("a1_llm_config", "a1_llm_policy")]
                assert not [each for each in held if each and "llmcompile-retired" in each.annotations], nth
        assert kept > 10

    def test_of_two_that_both_came_too_late_neither_brings_back_the_others_bytes(self, stage: Stage) -> None:
        """Three at once: two are held up between claim and add, until the third has ended; then both add."""
        third = Pusher(stage.server, "third")
        documents, late = self.other(stage), Fleet(1, 1, "late").payloads(stage.root)
        held_up = {"method": "AddSecretVersion", "secret": SECRET, "nth": 1}
        told: list[str] = []

        def second_adds() -> None:
            """As the first looks whether anyone took over, having added: then the second adds, and looks too."""
            release.set()
            thread.join()

        def second() -> None:
            with pytest.raises(RefusedError, match="another run took over") as error:
                Pusher(stage.server, "second").push(late)
            told.append(str(error.value))

        def second_waits(_: Call) -> None:
            waits.set()
            assert release.wait(60)

        def second_and_third_run() -> None:
            thread.start()
            assert waits.wait(60)
            third.push(documents)
            stage.during(second_adds, method="AccessSecretVersion", secret=SECRET, nth=1)

        release, waits, thread = Event(), Event(), Thread(target=second)
        stage.server.faults.add(Fault("none", caller="second", run=second_waits, **held_up))  # type: ignore[arg-type]
        stage.during(second_and_third_run, **held_up)
        with pytest.raises(RefusedError, match="another run took over"):
            stage.push()
        assert told
        assert newest(stage.server, NEW.secrets) == contents(documents)
        assert stage.drift(OTHER) == []

    def test_the_ledger_alone_decides_who_was_first(self, stage: Stage) -> None:
        """Both looked, the other one was entered: nothing was written but an entry that does not count."""
        documents = self.other(stage)
        stage.during(lambda: Pusher(stage.server, "other").push(documents), method="AddSecretVersion", secret=LEDGER)
        with pytest.raises(RefusedError, match="another push began at the same time; nothing was written"):
            stage.push()
        assert newest(stage.server, NEW.secrets) == contents(documents)
        assert counts(stage.server)[LEDGER] == 3
        assert stage.drift(OTHER) == []
        assert Pusher(stage.server).push(stage.documents).data()["complete"], "and the next one is entered after it"


class TestLedger:
    @pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"\xff", b"[" * 60_000, b'{"format":1,"after":1}'])
    def test_what_is_no_entry_counts_for_nothing(self, stage: Stage, payload: bytes) -> None:
        """Neither before the push nor in its midst."""
        for nth in (1, 20):
            stage.during(lambda: stage.server.put(LEDGER, payload or b" "), nth=nth)
            assert stage.push().data()["complete"]

    def test_one_that_cannot_be_read_stops_the_push_and_says_how_to_go_on(self, stage: Stage) -> None:
        client, name = stage.server.client(), f"projects/{PROJECT}/secrets/{LEDGER}/versions/1"
        client.disable_secret_version(name=name)
        with pytest.raises(OutsideError, match=f"the newest version of {LEDGER} is disabled") as told:
            Pusher(stage.server).push(stage.documents)
        assert told.value.next_step == f"enable it: gcloud secrets versions enable 1 --secret={LEDGER}"
        client.enable_secret_version(name=name)
        assert Pusher(stage.server).push(stage.documents).data()["complete"]
