"""A command in a fork does what a started one does: most tests of the command line stand on that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.compiler.repo import run_cli, start_cli, write_repo

from llmcompile.cli.main import COMMANDS

BROKEN = {"accounts/acme.yaml": "account: acme\nregion: nowhere\nsource: platform\n"}
WRONG, ENVIRONMENT = "wrong", "pwd; env | sort; cat; echo problem >&2; exit 7"
SAID = [
    (".", "no-such-command"),
    (".", "check", "--no-such-option"),
    (".", "plan", "--to", "nowhere"),
    (".", "explain", "acme", "gpt-4o", "--at", "2026-01-01T00:00:00Z"),
    (".", "exec", "acme", "--", "sh", "-c", ENVIRONMENT),
    (".", "exec", "acme", "--", "sh", "-c", "kill -KILL $$"),
    (WRONG, "check"),
    (WRONG, "check", "--format", "json"),
]


def _ended(result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_starts_by_itself(tmp_path: Path, name: str) -> None:
    started = start_cli(name, "--help", cwd=tmp_path)
    assert _ended(started) == _ended(run_cli(name, "--help", cwd=tmp_path))
    assert started.returncode == 0
    assert f"llmcompile {name}" in started.stdout


@pytest.mark.parametrize(("folder", "arguments"), [(folder, words) for folder, *words in SAID])
def test_a_fork_ends_and_says_the_same(tmp_path: Path, folder: str, arguments: list[str]) -> None:
    write_repo(tmp_path)
    write_repo(tmp_path / WRONG, BROKEN)
    started, forked = (run(*arguments, cwd=tmp_path / folder, PRIMARY_KEY="k") for run in (start_cli, run_cli))
    assert _ended(started) == _ended(forked)


def test_a_fork_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    right, wrong = write_repo(tmp_path / "right"), write_repo(tmp_path / "wrong", BROKEN)
    first = run_cli("check", cwd=right)
    assert run_cli("check", cwd=wrong, NO_COLOR="1").returncode == 1
    assert _ended(run_cli("check", cwd=right)) == _ended(first)
    shown = run_cli("exec", "acme", "--", "env", cwd=right, PRIMARY_KEY="k").stdout
    assert "NO_COLOR" not in shown
    assert "PRIMARY_KEY=k" in shown


def test_what_python_reads_when_it_starts_is_for_a_real_start(tmp_path: Path) -> None:
    """The control: the variable does what it says, which it could not do in a fork."""
    result = run_cli("--version", cwd=tmp_path, PYTHONVERBOSE="1")
    assert "import 'llmcompile.__main__'" in result.stderr or "import 'llmcompile'" in result.stderr
