"""KCL, Jsonnet and jrsonnet beside the compiler: which versions, how they are called, and that they do no less."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from environments import LeftOutError, installed
from processes import Command, seconds

PEERS = {"KCL": "kcl-lib==0.13.2", "Jsonnet": "jsonnet==0.22.0", "jrsonnet": "rjsonnet==0.5.6"}
ALONE = "in one process"
"""As each of them works by itself; to spread it over several is our addition."""
_DOCUMENT = "CUSTOMER_LLM_CONFIG.json"


def commands(accounts: Path, out: Path) -> tuple[dict[str, Command], dict[str, str]]:
    """How each peer is called to write to ``out``, on all cores and on one; and of each that cannot be had, why."""
    found: dict[str, Command] = {}
    left_out: dict[str, str] = {}
    for name, package in PEERS.items():
        install = [["python3", "-m", "venv", "."], ["bin/python", "-m", "pip", "install", "-q", package]]
        try:
            home = installed(package.replace("==", "-"), install)
        except LeftOutError as reason:
            left_out[name] = str(reason)
            continue
        script = Path(__file__).parent / "transform.py"
        for label, processes in ((name, os.cpu_count() or 1), (f"{name} {ALONE}", 1)):
            found[label] = (str(home / "bin/python"), str(script), name, str(accounts), str(out), str(processes))
    return found, left_out


def refuse_less(command: Command, out: Path, ours: Path) -> None:
    """Run a peer once and end everything unless its documents are ours. The order of keys aside: Jsonnet sorts them."""
    shutil.rmtree(out, ignore_errors=True)
    seconds(command)
    names = sorted(each.name for each in (ours / "accounts").iterdir())
    if names != sorted(each.name for each in out.iterdir()):
        sys.exit(f"{command[2]} wrote other accounts")
    for name in names:
        if _read(out / name / _DOCUMENT) != _read(ours / "accounts" / name / _DOCUMENT):
            sys.exit(f"{command[2]} made something else of {name}")


def _read(path: Path) -> object:
    return json.loads(path.read_bytes())
