"""Whole processes as they are measured: their time, and what a process and all that it starts hold in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

_EVERY = 0.02
"""Seconds between two looks at the memory."""
Command = tuple[str, ...]


def seconds(command: Command, env: Mapping[str, str] | None = None) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_env(env), check=False)
    spent = time.perf_counter() - start
    _ended(command, ended.returncode, ended.stderr.decode(errors="replace"))
    return spent


def peak_bytes(command: Command, env: Mapping[str, str] | None = None) -> int:
    """What the processes of a command hold together at most, pages that they share counted once (Linux)."""
    quiet = subprocess.DEVNULL
    process, most = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=_env(env)), 0
    while process.poll() is None:
        most = max(most, sum(map(_held, _tree(process.pid))))
        time.sleep(_EVERY)
    _ended(command, process.returncode)
    return most


def _env(more: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(more or {})}


def _ended(command: Command, code: int, said: str = "") -> None:
    if code:
        sys.exit(f"{' '.join(command)[:300]} ended with {code}: {said[-1000:]}")


def _tree(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:  # it ended meanwhile
            continue
    return found


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
