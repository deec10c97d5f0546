"""What may import what, and that the page on the server says what is so."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from llmcompile_secretmanager_emulator.control import read_rules

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "emulator" / "llmcompile_secretmanager_emulator"
PAGE = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
PURE = {
    "clock",
    "errors",
    "faults",
    "filters",
    "journal",
    "lag",
    "model",
    "names",
    "permissions",
    "quotas",
    "reads",
    "rules",
}


def imported(file: Path) -> set[str]:
    """Names of modules; those of the package without its name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name.removeprefix(f"{PACKAGE.name}.") for name in found}


def test_it_stands_on_its_own() -> None:
    roots = {name.partition(".")[0] for file in PACKAGE.glob("*.py") for name in imported(file)}
    assert not roots & {"llmcompile", "llmrouter"}
    assert {"grpc", "google"} <= roots, "the control: imports are seen"


def test_the_core_knows_no_grpc_and_no_messages() -> None:
    edge = {file.stem for file in PACKAGE.glob("*.py")} - PURE
    assert edge == {"__init__", "__main__", "control", "messages", "methods", "server", "service"}
    for name in PURE:
        seen = {each.partition(".")[0] for each in imported(PACKAGE / f"{name}.py")}
        assert not seen & {"grpc", "google", "proto", *edge}, name


def test_the_pages_faults_are_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "faults.json"
    file.write_text(text)
    rules = read_rules(file)
    assert (len(rules.faults), len(rules.deny), rules.expire) == (3, 1, (("ci", 40),))
    file.write_text(json.dumps({**json.loads(text), "typo": []}))
    with pytest.raises(ValueError, match="must be an object"):
        read_rules(file)


def test_the_pages_flags_are_the_commands() -> None:
    command = [sys.executable, "-m", PACKAGE.name, "--help"]
    offered = set(re.findall(r"--[a-z-]+", subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    table = PAGE.partition("| flag |")[2].partition("\n\n")[0]
    assert set(re.findall(r"--[a-z-]+", table.replace("| --- |", ""))) - {"---"} == offered - {"--help"}
