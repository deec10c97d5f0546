"""On a real terminal: colour and carets, a progress bar that is gone when done, and plain text under NO_COLOR."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(*arguments: str, cwd: Path, **environment: str) -> str:
    """What a user sees: everything that the command writes to its terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "llmcompile", *arguments],
        cwd=cwd, env=os.environ | {"TERM": "xterm", "COLUMNS": "100"} | environment,
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    process.wait(timeout=30)
    return seen.decode().replace("\r\n", "\n")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    return write_repo(tmp_path, {"accounts/acme.yaml": FILES["accounts/acme.yaml"].replace("pro\n", "por\n")})


def test_a_problem_is_coloured_on_a_terminal_and_says_the_same(wrong: Path) -> None:
    seen = on_terminal("check", cwd=wrong)
    assert "\x1b[31m\x1b[1merror[tier-unknown]\x1b[0m" in seen
    plain = ANSI.sub("", seen)
    assert plain.count("tier: pro\n") == 0
    assert run_cli("check", cwd=wrong).stdout.strip() in plain


def test_no_color_is_respected(wrong: Path) -> None:
    for arguments in (("check",), ("build",), ("check", "--root", "/nowhere")):
        seen = on_terminal(*arguments, cwd=wrong, NO_COLOR="1")
        assert "\x1b[3" not in seen, arguments
        assert "error" in seen


def test_long_work_shows_a_bar_and_takes_it_away(tmp_path: Path) -> None:
    accounts = {f"accounts/a{number}.yaml": f"account: a{number}\nregion: europe-west6\n" for number in range(60)}
    root = write_repo(tmp_path, {**accounts, "accounts/acme.yaml": None})
    seen = on_terminal("build", cwd=root)
    assert "compile" in seen
    assert "60/60" in seen
    assert "121 documents in" in seen.splitlines()[-1]
    assert "compile" not in run_cli("build", cwd=root).stderr  # the control: no bar where there is no terminal


def test_the_catalogue_is_drawn_as_a_table_on_a_terminal(tmp_path: Path) -> None:
    seen = on_terminal("models", "list", cwd=write_repo(tmp_path))
    assert "┃" in seen
    assert "gpt-4o" in seen
