"""Runs the command line many times: one process that has imported everything, and forks for each command.

A line of JSON on stdin is a command; the fork's id goes to stdout, then its exit code. The fork waits for a line of
its own before it begins, and ends as ``python -m llmcompile`` does. See ``forks.py`` for what asks it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import sys
import tempfile
import threading
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import coverage
from tests.compiler.repo import write_repo

import llmcompile
from llmcompile.pipeline import compile_repository

MEASURED = ("llmcompile", "llmrouter", "llmcompile_secretmanager_emulator")


def serve() -> None:
    """Until stdin ends."""
    _warm()
    while line := _line():
        command = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _line()
            _become(command)
            os._exit(_run(command))
        _say(pid)
        _say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _warm() -> None:
    """Import all of llmcompile, and compile once: what that leaves in memory, every fork has."""
    for module in pkgutil.walk_packages(llmcompile.__path__, "llmcompile."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as folder:
        compile_repository(write_repo(Path(folder)), datetime(2026, 1, 1, tzinfo=UTC))
    _save_coverage()
    gc.freeze()


def _become(command: dict[str, Any]) -> None:
    """Take over the command's folder, environment and streams."""
    os.chdir(command["cwd"])
    sys.path[0] = command["cwd"]
    locale = {name: os.environ[name] for name in ("LC_CTYPE",) if name in os.environ}  # Python's own, where it has none
    os.environ.clear()
    os.environ.update(locale | command["environment"])
    out, err = command["streams"]
    _take(0, os.devnull, os.O_RDONLY)
    _take(1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _take(2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def _take(descriptor: int, path: str, mode: int) -> None:
    opened = os.open(path, mode, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


def _run(command: dict[str, Any]) -> int:
    """The exit code. The clock may be virtual: what would wait for quotas or before another attempt goes on at once,
    and is not measured."""
    if command["virtual_clock"]:
        sys.settrace(None)
        threading.settrace(None)
        _make_time_virtual()
    sys.argv = ["llmcompile", *command["arguments"]]
    code: object = None
    try:
        runpy.run_module("llmcompile", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # as an interpreter does
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if not command["virtual_clock"]:
        for package in MEASURED:  # of a package that is there, coverage would look for every file
            sys.modules.pop(package, None)
        _save_coverage()
    return int(code or 0)


def _save_coverage() -> None:
    """What was executed until now, where that is measured: ``os._exit`` would lose it."""
    if measured := coverage.Coverage.current():
        measured.save()


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
