"""The real command line against a local server, and the search for secrets in everything that it says.

``Cli`` starts it as users do, or (much faster) in a fork of a process that has imported it already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.push.fleet import CANARY
from tests.push.leaks import leaked

from llmcompile_secretmanager_emulator import Emulator

TALKATIVE = {"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google", "LLMCOMPILE_DEBUG": "1"}
"""What makes the client log payloads, and ours show tracebacks."""
_KEPT = {
    name: value for name, value in os.environ.items() if name.startswith(("PATH", "PYTHONPATH", "COVERAGE", "HOME"))
}
_WORKER = "from tests.push.worker import serve; serve()"
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and everything that it said."""

    code: int
    out: str
    err: str
    report: dict[str, Any] = field(default_factory=dict)


class Worker:
    """The process that forks."""

    def __init__(self) -> None:
        arguments = [sys.executable, "-c", _WORKER]
        self._process = subprocess.Popen(
            arguments, cwd=_ROOT, env=_KEPT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, command: Mapping[str, Any], started: Callable[[int], object]) -> int:
        """The exit code; ``started`` is called with the process's id before it does anything."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        started(int(self._process.stdout.readline()))
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def stop(self) -> None:
        """End it, with all it has open."""
        with self._process:
            self._process.kill()


@dataclass(slots=True)
class Cli:
    """Commands in a repository, against a server."""

    server: Emulator
    root: Path
    worker: Worker
    folder: Path
    """Where what is said is kept meanwhile."""
    environment: dict[str, str] = field(default_factory=dict)
    may_leak: bool = False

    def __call__(
        self,
        *arguments: str | Path,
        started: Callable[[int], object] = lambda pid: None,
        report: bool = False,
        real: bool = False,
        **environment: str,
    ) -> Said:
        """Run a command. ``real``: as users do, on the real clock. Fails where anything that it says is a secret."""
        files = {name: self.folder / name for name in ("stdout", "stderr", "report")}
        for each in files.values():
            each.unlink(missing_ok=True)
        words = [*map(str, arguments), *(["--report", str(files["report"])] if report else [])]
        variables = _KEPT | TALKATIVE | {"SECRET_MANAGER_EMULATOR_HOST": self.server.address}
        command = {
            "cwd": str(self.root),
            "arguments": words,
            "environment": variables | self.environment | environment,
            **{name: str(path) for name, path in files.items()},
        }
        code = _start(command, started) if real else self.worker.run(command, started)
        said = {name: path.read_text() if path.exists() else "" for name, path in files.items()}
        if not self.may_leak:
            found = {name: list(leaked(CANARY, text)) for name, text in said.items()}
            assert not any(found.values()), (words, found)
        return Said(code, said["stdout"], said["stderr"], json.loads(said["report"] or "{}"))


def _start(command: Mapping[str, Any], started: Callable[[int], object]) -> int:
    with Path(command["stdout"]).open("wb") as out, Path(command["stderr"]).open("wb") as err:
        arguments = [sys.executable, "-m", "llmcompile", *command["arguments"]]
        with subprocess.Popen(
            arguments, cwd=command["cwd"], env=command["environment"], stdout=out, stderr=err
        ) as process:
            started(process.pid)
            return process.wait(60)


@contextmanager
def working() -> Iterator[Worker]:
    """A worker, ended in the end."""
    worker = Worker()
    try:
        yield worker
    finally:
        worker.stop()
