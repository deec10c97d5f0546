"""The real command line against a local server, and the search for secrets in everything that it says.

``Cli`` starts it as users do, or (much faster) in a fork of a process that has imported it already.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.forks import KEPT, forks
from tests.push.fleet import CANARY
from tests.push.leaks import leaked

from llmcompile_secretmanager_emulator import Emulator

TALKATIVE = {"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google", "LLMCOMPILE_DEBUG": "1"}
"""What makes the client log payloads, and ours show tracebacks."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and everything that it said."""

    code: int
    out: str
    err: str
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Cli:
    """Commands in a repository, against a server."""

    server: Emulator
    root: Path
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
        variables = KEPT | TALKATIVE | {"SECRET_MANAGER_EMULATOR_HOST": self.server.address}
        variables |= self.environment | environment
        streams = (files["stdout"], files["stderr"])
        if real:
            code = _start(words, self.root, variables, streams, started)
        else:
            code = forks().run(words, self.root, variables, streams, virtual_clock=True, started=started)
        said = {name: path.read_text() if path.exists() else "" for name, path in files.items()}
        if not self.may_leak:
            found = {name: list(leaked(CANARY, text)) for name, text in said.items()}
            assert not any(found.values()), (words, found)
        return Said(code, said["stdout"], said["stderr"], json.loads(said["report"] or "{}"))


def _start(
    words: list[str],
    cwd: Path,
    environment: dict[str, str],
    streams: tuple[Path, Path],
    started: Callable[[int], object],
) -> int:
    with streams[0].open("wb") as out, streams[1].open("wb") as err:
        command = [sys.executable, "-m", "llmcompile", *words]
        with subprocess.Popen(command, cwd=cwd, env=environment, stdout=out, stderr=err) as process:
            started(process.pid)
            return process.wait(60)
