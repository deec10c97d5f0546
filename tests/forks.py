"""Starts the command line as a fork of a process that has imported it already, which takes a fifth of the time.

It behaves as one that is started, but for what an interpreter does at its start: variables that Python itself reads,
imports, and who is ``sys.argv[0]``. Tests of those start a real one.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock

KEPT = {
    name: value for name, value in os.environ.items() if name.startswith(("PATH", "PYTHONPATH", "COVERAGE", "HOME"))
}
"""The environment that the process starts with; a command has its own."""
_ROOT = Path(__file__).parents[1]
_PATIENCE = 120
"""Seconds that a command may take."""


class Forks:
    """The process that forks, for one command at a time."""

    def __init__(self) -> None:
        arguments = [sys.executable, "-c", "from tests.forked import serve; serve()"]
        self._process = subprocess.Popen(
            arguments, cwd=_ROOT, env=KEPT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._free = Lock()

    def run(
        self,
        arguments: list[str],
        cwd: Path,
        environment: Mapping[str, str],
        streams: tuple[Path, Path],
        *,
        virtual_clock: bool = False,
        started: Callable[[int], object] = lambda pid: None,
    ) -> int:
        """The exit code, a signal's below zero; standard output and error go to these files, standard input is empty.

        ``started`` is called with the process's id before it does anything. On a virtual clock no wait takes time, and
        coverage is not measured.
        """
        command = {
            "arguments": arguments,
            "cwd": str(cwd),
            "environment": dict(environment),
            "streams": [*map(str, streams)],
            "virtual_clock": virtual_clock,
        }
        with self._free:
            self._say(json.dumps(command))
            pid = self._heard()
            started(pid)
            self._say("go")
            return self._heard()

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _heard(self) -> int:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        assert ready, "a command has not ended"
        return int(self._process.stdout.readline())

    def stop(self) -> None:
        """End it, with all it has open."""
        with self._process:
            self._process.kill()


@cache
def forks() -> Forks:
    """The one of this process, started when it is first asked for, stopped in the end."""
    started = Forks()
    atexit.register(started.stop)
    return started
