"""A push that the store stops, at any secret, for any reason: it says how far it came, and run again it finishes."""

from __future__ import annotations

import json
import os
import signal
from itertools import cycle

import pytest
from tests.push.cli import Cli
from tests.push.fleet import Fleet
from tests.push.pushers import contents
from tests.push.stage import PUSH, Stage, boundaries

from llmcompile.push.ledger import LEDGER
from llmcompile_secretmanager_emulator import Fault

OLD, NEW = Fleet(2, 1, "old"), Fleet(3, 2, "new")
STATUSES = (
    "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND", "ABORTED", "INTERNAL", "RESOURCE_EXHAUSTED",
    "PERMISSION_DENIED", "UNAUTHENTICATED", "UNAVAILABLE", "UNIMPLEMENTED",
)  # fmt: skip
EXISTING = ("secrets.get", "secrets.update", "versions.access", "versions.add", "versions.get", "versions.list")
MISSING = ("secrets.create", "versions.access", "versions.add")
"""The rights that a push needs on a secret that is there, and on one that is not."""


@pytest.fixture
def stage(cli: Cli) -> Stage:
    stage = Stage.of(cli, OLD, NEW)
    assert (len(stage.old), len(stage.new)) == (5, 8)
    return stage


def order(stage: Stage) -> list[str]:
    """The secrets as a push goes through them."""
    return [call.secret for call in stage.writes if call.method == "AddSecretVersion" and call.committed][1:]


def for_good(stage: Stage, method: str, secret: str, status: str) -> None:
    """From the first call on that would change the store: those before only ask."""
    asked = sum((call.method, call.secret, call.committed) == (method, secret, False) for call in stage.writes)
    for nth in range(asked + 1, asked + 40):
        stage.server.faults.add(Fault(method=method, secret=secret, nth=nth, status=status, message="on purpose"))


class TestFailure:
    @pytest.mark.parametrize("method", ["AddSecretVersion", "UpdateSecret", "CreateSecret"])
    def test_at_each_secret(self, stage: Stage, method: str) -> None:
        """Three reasons each, in turn; the report names what is done, what failed, and what is left."""
        statuses, secrets = cycle(STATUSES), order(stage)
        concerned = {call.secret for call in stage.writes if call.method == method and call.committed} & set(secrets)
        assert len(concerned) == {"AddSecretVersion": 8, "UpdateSecret": 5, "CreateSecret": 3}[method]
        for secret in (each for each in secrets if each in concerned for _ in range(3)):
            stage.restart()
            for_good(stage, method, secret, status := next(statuses))
            said = stage.push(report=True)
            assert (said.code, "a bug" in said.err, "on purpose" in said.err) == (5, False, True), (status, said.err)
            done = secrets[: secrets.index(secret)] if method != "CreateSecret" else []
            assert [each["secret"] for each in said.report["done"]] == done
            assert said.report["pending"] == [each for each in secrets if each not in (*done, secret)]
            assert said.report["failed"]["secret"] == secret
            assert said.report["failed"]["message"] in said.err
            assert not said.report["complete"]
            stage.server.faults.clear()
            assert stage.finish() == (method != "CreateSecret"), "more than the entry of the ledger"

    def test_at_the_ledger(self, stage: Stage) -> None:
        for_good(stage, "AddSecretVersion", LEDGER, "INTERNAL")
        said = stage.push(report=True)
        assert (said.code, said.report["failed"]["secret"], said.report["done"]) == (5, LEDGER, [])
        stage.server.faults.clear()
        assert stage.finish() == 0

    def test_control_a_push_that_nothing_stops_reports_so(self, stage: Stage) -> None:
        said = stage.push(report=True)
        assert (said.code, said.report["complete"], said.report["failed"]) == (0, True, None)
        assert [each["secret"] for each in said.report["done"]] == order(stage)

    def test_a_runner_that_is_told_to_stop_reports_too(self, stage: Stage) -> None:
        """SIGTERM in the midst of the fourth secret, as from a job that is cancelled."""
        secret, process = order(stage)[3], list[int]()
        stop = Fault("none", method="UpdateSecret", secret=secret, run=lambda _: os.kill(process[0], signal.SIGTERM))
        stage.server.faults.add(stop)
        said = stage.push(report=True, started=process.append)
        assert (said.code, said.report["failed"]["secret"]) == (128 + signal.SIGTERM, secret)
        assert (len(said.report["done"]), len(said.report["pending"]), said.report["complete"]) == (3, 4, False)
        stage.server.faults.clear()
        assert stage.finish() == 1


class TestDenied:
    def test_any_right_on_any_secret_means_no_write_at_all(self, stage: Stage) -> None:
        """Every right that is needed anywhere, on every secret that is there, on every one that is not, on all."""
        cases = [(right, secret) for secret in (*stage.old, LEDGER) for right in EXISTING]
        cases += [(right, secret) for secret in stage.new.keys() - stage.old.keys() for right in MISSING]
        cases += [(right, "*") for right in (*EXISTING, "secrets.create", "secrets.list")]
        assert len(cases) == 6 * 6 + 3 * 3 + 8
        for right, secret in cases:
            stage.restart()
            stage.server.permissions.deny(f"secretmanager.{right}", secret=secret)
            said = stage.push()
            assert not [call for call in stage.server.journal.calls if call.committed], (right, secret)
            assert (said.code, f"secretmanager.{right}" in said.err) == (5, True), (right, secret, said.err)
            assert secret == "*" or secret in said.err

    @pytest.mark.parametrize(
        ("right", "secret"),
        [("versions.destroy", "*"), ("secrets.delete", "*"), ("secrets.create", "a0_*"), ("secrets.update", "a2_*")],
    )
    def test_control_what_is_not_needed_may_be_denied(self, stage: Stage, right: str, secret: str) -> None:
        stage.server.permissions.deny(f"secretmanager.{right}", secret=secret)
        assert stage.finish() == 0


def test_credentials_that_expire_after_any_number_of_calls(stage: Stage) -> None:
    """Told, and resumed by running it again: what is done by then stays done."""
    resumed = 0
    for after in range(len(stage.calls)):
        stage.restart()
        stage.server.permissions.expire("anonymous", after)
        said = stage.push(report=True)
        assert said.code == 5
        assert "invalid authentication credentials" in said.err
        assert "next: check who is signed in" in said.err
        stage.server.permissions.clear()
        if stage.server.model.state is not stage.before:
            assert stage.finish() in (0, 1)
            resumed += 1
    assert resumed > 30


class TestExpected:
    def test_a_push_of_a_reviewed_plan_that_died_is_resumed_with_the_same_digest(self, stage: Stage) -> None:
        """Killed after each write that changes the store."""
        digest = json.loads(stage.cli("plan", "--to", "prod", "--format", "json").out)["digest"]
        for at in (each for each in boundaries(stage.calls) if each.after_commit):
            stage.restart()
            assert stage.killed(at, *PUSH, "--expect", digest).code == -9
            stage.server.faults.clear()
            assert stage.finish("--expect", digest) in (0, 1)
            assert stage.push("--expect", digest).code == 0, "and once more, when nothing is left"

    @pytest.mark.parametrize("form", ["digest", "plan"])
    def test_any_other_plan_is_refused_with_the_difference(self, stage: Stage, form: str) -> None:
        plan = stage.cli("plan", "--to", "prod", "--format", "json").out
        (reviewed := stage.cli.folder / "plan.json").write_text(plan)
        expected = json.loads(plan)["digest"] if form == "digest" else str(reviewed)
        stage.server.put("a0_llm_policy", b"{}")  # someone else adds a version after the review
        state = stage.server.model.state
        said = stage.push("--expect", expected)
        assert (said.code, stage.server.model.state is state) == (4, True)
        assert "this is not the plan that was reviewed; nothing was written" in said.err
        assert "a0_llm_policy: change at version 2" in said.err
        assert "review the plan as it is now: llmcompile plan" in said.err
        lines = [line for line in said.err.splitlines() if "llm_" in line or "openai" in line]
        assert len(lines) == (1 if form == "plan" else len(stage.new)), "what is as it was is not repeated"

    @pytest.mark.parametrize(("generation", "code"), [("nex", 4), ("wen", 0)])
    def test_other_documents_of_the_same_size_are_another_plan(self, stage: Stage, generation: str, code: int) -> None:
        """The first has other limits. The second has the same documents, and other values behind ``ref+env``: a plan is
        not bound to those, for by their digest a weak one could be guessed."""
        other = Fleet(3, 2, generation)
        assert [*map(len, contents(other.payloads(stage.cli.root)).values())] == [*map(len, stage.new.values())]
        NEW.write(stage.cli.root)
        digest = json.loads(stage.cli("plan", "--to", "prod", "--format", "json").out)["digest"]
        other.write(stage.cli.root)
        assert stage.push("--expect", digest, **other.environment).code == code
