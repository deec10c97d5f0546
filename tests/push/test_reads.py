"""What only looks changes nothing: no call of plan, drift or history is one that writes, nor is the right needed.

The same goes for a push with nothing to push.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.push.cli import Cli
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import URI, Pusher
from tests.push.stage import Stage

from llmcompile.push import ledger
from llmcompile.push.apply import Run, writes_of
from llmcompile.push.drift import drifts
from llmcompile.push.history import runs
from llmcompile.push.look import look
from llmcompile.push.plan import make_plan
from llmcompile.push.report import Report
from llmcompile.push.steady import Steady
from llmcompile.push.store import StoreReader
from llmcompile_secretmanager_emulator import Emulator

OLD, NEW = Fleet(2, 1, "old"), Fleet(3, 2, "new")
FORMATS = {"plan": ("text", "json", "markdown"), "drift": ("text", "json", "markdown"), "history": ("text", "json")}
LOOKS = [
    *((command, "--to", "prod", "--format", form) for command, forms in FORMATS.items() for form in forms),
    ("plan", "--to", "prod", "--detailed-exitcode"),
    ("history", "--to", "prod", "a0"),
    ("rollback", "--store", "prod", "a0", "--dry-run"),
    ("prune", "--to", "prod", "--keep", "1", "--min-age", "0h"),
    ("push", "--to", "prod", "--expect", f"sha256:{'0' * 64}"),
]
READS = ("secrets", "held", "read", "versions", "latest")
"""All methods of the type that plans are built over; tests/compiler/test_push.py sees to that."""


@pytest.fixture
def stage(cli: Cli) -> Stage:
    return Stage.of(cli, OLD, NEW)


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_what_only_looks_writes_nothing(stage: Stage, arguments: tuple[str, ...], done: bool) -> None:
    """Before the push of a new fleet, when all is pending, and after it."""
    if done:
        assert stage.push().code == 0
    elif arguments[0] == "rollback":
        stage.server.put("a0_llm_config", b"{}")
        stage.server.put("a0_llm_policy", b"{}")
    stage.server.journal.clear()
    for right in ("*.create", "*.update", "*.add", "*.enable", "*.disable", "*.destroy", "*.delete"):
        stage.server.permissions.deny(f"secretmanager.{right}")
    said = stage.cli(*arguments)
    pending = 3 if arguments[0] == "drift" or "--detailed-exitcode" in arguments else 0
    assert said.code == {"push": 4}.get(arguments[0], 0 if done else pending), said.err
    assert stage.server.journal.calls
    assert not stage.server.journal.writes


def test_a_second_push_writes_nothing_and_a_control_that_the_first_did(stage: Stage) -> None:
    assert stage.push().code == 0
    assert len(stage.server.journal.writes) > 20
    stage.server.journal.clear()
    again = stage.push()
    assert (again.code, again.err) == (0, "0 written, 8 unchanged\n")
    assert stage.server.journal.calls
    assert not stage.server.journal.writes


def test_a_dry_run_does_not_even_enable_what_it_would_bring_back(stage: Stage) -> None:
    assert stage.push().code == 0
    name = f"projects/{PROJECT}/secrets/azure_openai_r0/versions/1"
    stage.server.client().disable_secret_version(name=name)
    stage.server.journal.clear()
    said = stage.cli("rollback", "--store", "prod", "r0", "--dry-run")
    assert (said.code, "version 1 of azure_openai_r0 is disabled" in said.err) == (4, True)
    assert not stage.server.journal.writes
    assert stage.cli("rollback", "--store", "prod", "r0").code == 0, "the control"


def test_an_object_with_nothing_but_those_methods_is_enough(server: Emulator, tmp_path: Path) -> None:
    """The real adapter with all else taken away; the control is that a push needs more."""
    Pusher(server).push(OLD.payloads(tmp_path))
    documents, store = NEW.payloads(tmp_path), Pusher(server).store
    reader = cast(StoreReader, SimpleNamespace(**{name: getattr(store, name) for name in READS}))
    seen = look(documents, reader)
    plan = make_plan(seen, URI)
    assert (len(plan.pending), len(drifts(seen)), len(list(runs(reader, 9)))) == (8, 8, 1)
    run = Run(Steady(cast(Any, reader), server.clock), Report(plan, ""), ledger.last(reader)[0])
    with pytest.raises(AttributeError, match="lacking"):
        run.write(writes_of(plan, seen))
