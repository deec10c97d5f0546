"""The compiler's figures: cold builds of generated fleets, peak memory, and the start of ``--help``.

Every build is the real command in a process of its own. Ratios are against controls measured in the same run.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fleet import generate

RUNS = 11
# The control reads the same files with libyaml and does nothing else.
CONTROL = """
import sys, pathlib, yaml
for path in pathlib.Path(sys.argv[1]).rglob("*.yaml"):
    yaml.load(path.read_bytes(), yaml.CSafeLoader)
"""


def measured(*command: str) -> tuple[float, float]:
    """Wall seconds and peak MiB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} failed")
    return seconds, usage.ru_maxrss / 1024


def best(*command: str, runs: int = 3, fresh: Path | None = None) -> tuple[float, float]:
    """The fastest of some runs, and the highest peak; the folder ``fresh`` is gone before each of them."""
    results = []
    for _ in range(runs):
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        results.append(measured(*command))
    return min(seconds for seconds, _ in results), max(peak for _, peak in results)


def builds(accounts: int) -> str:
    """A row of the table: a fleet checked and built, against reading its files alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "fleet"
        generate(root, accounts)
        control, _ = best(sys.executable, "-c", CONTROL, str(root))
        out = Path(folder) / "dist"
        command = (sys.executable, "-m", "llmcompile", "build", "--root", str(root), "--out", str(out))
        build, peak = best(*command, fresh=out)
        check, _ = best(sys.executable, "-m", "llmcompile", "check", "--root", str(root))
        size = sum(path.stat().st_size for path in out.rglob("*.json")) / 2**20
    return (
        f"| {accounts:,} | {check:.2f} s | {build:.2f} s | {peak:.0f} MiB | {size:.1f} MiB |"
        f" {control:.2f} s | {build / control:.1f} |"
    )


def start() -> str:
    """The median start of ``--help`` against an import of click, interleaved."""
    plain, full = [], []
    for _ in range(RUNS):
        plain.append(measured(sys.executable, "-c", "import click")[0])
        full.append(measured(sys.executable, "-m", "llmcompile", "--help")[0])
    one, other = statistics.median(plain), statistics.median(full)
    plain_words = f"`python -c 'import click'` {one * 1000:.0f} ms"
    return f"`llmcompile --help` {other * 1000:.0f} ms, {plain_words}: {other / one:.2f} times"


def main() -> None:
    """Print everything as Markdown."""
    print("| accounts | check | check + build | peak memory | dist/ | libyaml alone | build / libyaml |")
    print("|---|---|---|---|---|---|---|")
    for accounts in (1_000, 10_000):
        print(builds(accounts), flush=True)
    print(f"\n{start()}")


if __name__ == "__main__":
    main()
