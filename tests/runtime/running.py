"""The real router as a process: started, waited for, read from, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Opened = Callable[[Any], Any]
"""The fixture ``opened``: closes a client after the test, and gives it back."""
OURS = ("CUSTOMER_LLM_CONFIG", "PROVISIONED_OPENAI_CONFIG", "ROUTER_POLICY")


def environment(variables: Mapping[str, Any]) -> dict[str, str]:
    """This process's environment with only these of the router's variables; data is written as JSON."""
    kept = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in OURS}
    return kept | {name: value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()}


def refused(variables: Mapping[str, Any], *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a router that is expected not to start."""
    command = [sys.executable, "-m", "llmrouter", "serve", "--port", "0", *arguments]
    done = subprocess.run(command, env=environment(variables), capture_output=True, text=True, timeout=15, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def _nameless_file() -> int:
    handle, path = tempfile.mkstemp()
    Path(path).unlink()
    return handle


class RunningRouter:
    """A router that serves."""

    def __init__(self, variables: Mapping[str, Any], *arguments: str, under: Sequence[str] = ()) -> None:
        """``under`` is a command that ends in running what is put behind it, in the same process."""
        self.stdout, self.stderr = _nameless_file(), _nameless_file()
        self.process = subprocess.Popen(
            [*under, sys.executable, "-m", "llmrouter", "serve", "--port", "0", *arguments],
            env=environment(variables),
            stdout=self.stdout,
            stderr=self.stderr,
        )
        self.url = self._wait()

    def _wait(self) -> str:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            found = re.search(r"listening on (http://\S+)", self.errors())
            if found:
                return found[1]
            assert self.process.poll() is None, self.errors()
            time.sleep(0.02)
        raise AssertionError("the router did not start")

    def __enter__(self) -> RunningRouter:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        os.close(self.stdout)
        os.close(self.stderr)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(15)

    def output(self) -> str:
        """All of stdout so far."""
        return os.pread(self.stdout, 1 << 24, 0).decode()

    def errors(self) -> str:
        """All of stderr so far."""
        return os.pread(self.stderr, 1 << 24, 0).decode()

    def record(self, request_id: str) -> dict[str, Any]:
        """The log line of a request; it is written just after the client got its last byte."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            # A line in the middle of being written may be read in part.
            for line in self.output().split("\n")[:-1]:
                if request_id in line:
                    return json.loads(line)
            time.sleep(0.01)
        raise AssertionError(f"no line for {request_id}")
