"""Runs the command line many times: one process that has imported everything, and forks for each command.

A line of JSON on stdin is a command; the fork's id goes to stdout, then its exit code. The fork waits for a line of
its own before it begins. Its clock is virtual: what would wait for quotas or before another attempt goes on at once.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.push.fleet import Fleet

import llmcompile


def serve() -> None:
    """Until stdin ends."""
    _warm()
    while line := _line():
        command = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _line()
            os._exit(_run(command))
        _say(pid)
        _say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _warm() -> None:
    """Import all of llmcompile, and compile once: what that leaves in memory, every fork has."""
    for module in pkgutil.walk_packages(llmcompile.__path__, "llmcompile."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as folder:
        Fleet(1, 1).payloads(Path(folder))
    gc.freeze()


def _run(command: dict[str, Any]) -> int:
    from llmcompile.cli.main import run

    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["environment"])
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(command[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    _make_time_virtual()
    sys.argv = ["llmcompile", *command["arguments"]]
    try:
        run()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        return int(ended.code or 0)


def _make_time_virtual() -> None:
    slept, real = [0.0], time.monotonic
    time.sleep = lambda seconds: slept.__setitem__(0, slept[0] + seconds)
    time.monotonic = lambda: real() + slept[0]


def _line() -> str:
    """A line from stdin, and not a byte more: the rest is for the fork, or for its parent."""
    text = b""
    while not text.endswith(b"\n") and (byte := os.read(0, 1)):
        text += byte
    return text.decode()


def _say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    serve()
