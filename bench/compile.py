"""The compiler's figures: cold builds of generated fleets, peak memory, and the start of ``--help``.

Every build is the real command in a process of its own. Ratios are against controls measured in the same run.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import jsonschema_rs
from fleet import generate

from llmcompile.emit.contract import schema_folder
from llmcompile.pipeline import compile_repository

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


def validators() -> str:
    """What it takes to validate a fleet's policies, with the validator in use and with the one in pure Python."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "fleet", 500)
        documents = compile_repository(Path(folder) / "fleet", datetime.now(UTC)).documents
    policies = [each.plain() for each in documents if each.kind == "ROUTER_POLICY"]
    schema = json.loads((schema_folder() / "router_policy.schema.json").read_bytes())
    seconds = []
    for validator in (jsonschema_rs.validator_for(schema), jsonschema.Draft202012Validator(schema)):
        start = time.perf_counter()
        if not all(validator.is_valid(policy) for policy in policies):
            sys.exit("a policy is not valid")
        seconds.append((time.perf_counter() - start) / len(policies))
    fast, plain = seconds
    words = f"jsonschema-rs {fast * 1e6:.0f} µs, jsonschema {plain * 1e6:,.0f} µs"
    return f"Validating one policy: {words}: {plain / fast:.0f} times"


def main() -> None:
    """Print everything as Markdown."""
    print("| accounts | check | check + build | peak memory | dist/ | libyaml alone | build / libyaml |")
    print("|---|---|---|---|---|---|---|")
    for accounts in (1_000, 10_000):
        print(builds(accounts), flush=True)
    print(f"\n{start()}")
    print(f"\n{validators()}")


if __name__ == "__main__":
    main()
