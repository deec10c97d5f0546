"""A store that holds an old fleet and a repository with a new one: what the tests of stopped pushes start from."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.push.cli import Cli, Said
from tests.push.fleet import Fleet
from tests.push.pushers import contents, counts, newest, restore

from llmcompile_secretmanager_emulator import Call, Emulator, Fault
from llmcompile_secretmanager_emulator.model import Snapshot

PUSH = ("push", "--to", "prod")
_RECORD = ("llmcompile-version", "llmcompile-document", "llmcompile-revision")


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where to kill: at the ``nth`` call, or once the ``nth`` write has changed the store."""

    nth: int
    after_commit: bool = False


def boundaries(calls: Sequence[Call]) -> list[Boundary]:
    """All of these calls."""
    writes = [call for call in calls if call.is_write]
    after = [Boundary(nth, after_commit=True) for nth, call in enumerate(writes, 1) if call.committed]
    return [*(Boundary(nth) for nth in range(1, len(calls) + 1)), *after]


@dataclass(slots=True)
class Stage:
    """Secrets of the old fleet are changed, the others created. ``end`` is how a push ends that nothing stops."""

    cli: Cli
    old: dict[str, bytes]
    new: dict[str, bytes]
    before: Snapshot
    calls: list[Call] = field(default_factory=list)
    """Of the push that nothing stopped."""
    end: dict[str, object] = field(default_factory=dict)
    versions: int = 0
    """How many there are in the end, the ledger's too."""

    @classmethod
    def of(cls, cli: Cli, old: Fleet, new: Fleet) -> Stage:
        """Push the old, then once the new; the store is as before that in the end."""
        before = contents(old.payloads(cli.root)) if old.names else {}
        if before:
            assert cli("push", "--to", "prod", **old.environment).code == 0
        after, cli.environment = contents(new.payloads(cli.root)), new.environment
        assert all(before[each] != after[each] for each in before)
        stage = cls(cli, before, after, cli.server.model.state)
        cli.server.journal.clear()
        assert stage.push().code == 0
        stage.calls, stage.end = cli.server.journal.calls, stage.now()
        stage.versions = sum(counts(cli.server).values())
        assert newest(cli.server, after) == after
        stage.restart()
        return stage

    @property
    def server(self) -> Emulator:
        return self.cli.server

    @property
    def writes(self) -> list[Call]:
        """The calls that write, among them those that only ask and change nothing."""
        return [call for call in self.calls if call.is_write]

    def restart(self) -> None:
        """The store as before, without faults."""
        self.server.faults.clear()
        self.server.permissions.clear()
        restore(self.server, self.before)

    def push(self, *arguments: str, **options: object) -> Said:
        """Push the new fleet."""
        return self.cli(*PUSH, *arguments, **options)  # type: ignore[arg-type]

    def killed(self, at: Boundary, *command: str, real: bool = False) -> Said:
        """A command that is killed at a call."""
        process: list[int] = []

        def kill(_: Call) -> None:
            os.kill(process[0], signal.SIGKILL)

        self.server.faults.add(
            Fault("drop", nth=at.nth, after_commit=at.after_commit, writes_only=at.after_commit, run=kill)
        )
        said = self.cli(*command, started=process.append, real=real)
        self.server.faults.clear()
        return said

    def now(self) -> dict[str, object]:
        """All that matters of every document's secret: what readers get, its number, and what we noted."""
        found: dict[str, object] = {}
        for name in self.new:
            held = self.server.secret(name)
            if held and held.latest:
                noted = [held.annotations[key] for key in _RECORD]
                found[name] = held.latest.number, held.latest.state, held.latest.payload, noted
        return found

    def finish(self, *arguments: str, **options: object) -> int:
        """Push again, which must end as the one that nothing stopped; how many versions more there are."""
        again = self.push(*arguments, **options)
        assert (again.code, "error" in again.err) == (0, False), again.err
        assert self.now() == self.end
        return sum(counts(self.server).values()) - self.versions
