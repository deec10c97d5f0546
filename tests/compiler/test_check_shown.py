"""How much ``check`` shows: a terminal is not flooded, and a step on GitHub has a summary with all of it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.terminal import read_terminal
from tests.compiler.test_sarif import CASES, found_in, made_up, mixed

from llmcompile.diagnostics import Severity
from llmcompile.show import step_summary, text
from llmcompile.show.located import worst

ACCOUNT = "accounts/acme.yaml"
HEAD = re.compile(r"^(?:error|warning|note)\[", re.MULTILINE)


def many(root: Path, count: int) -> Path:
    keys = "".join(f"unknown{number}: 1\n" for number in range(count))
    return write_repo(root, {ACCOUNT: FILES[ACCOUNT] + keys})


def at_a_terminal(root: Path, *arguments: str) -> str:
    """What stdout and stderr say where both are a terminal."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "llmcompile", *arguments]
    with subprocess.Popen(command, cwd=root, stdout=there, stderr=there, env=os.environ | {"TERM": "dumb"}):
        os.close(there)
        shown = read_terminal(here)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")


def test_a_terminal_is_shown_the_worst_and_how_many_more_there_are(tmp_path: Path) -> None:
    root = many(tmp_path, 130)
    for command in (["check"], ["build"]):
        shown = at_a_terminal(root, *command)
        assert len(HEAD.findall(shown)) == 100
        assert "\n... and 30 more: 30 errors\n" in shown
        assert "130 errors" in shown
    assert len(HEAD.findall(at_a_terminal(root, "check", "--max", "0"))) == 130


def test_what_is_piped_is_everything_unless_asked(tmp_path: Path) -> None:
    root = many(tmp_path, 130)
    everything, some = run_cli("check", cwd=root), run_cli("check", "--max", "7", cwd=root)
    assert len(HEAD.findall(everything.stdout)) == 130
    assert "more" not in everything.stdout
    assert len(HEAD.findall(some.stdout)) == 7
    assert some.stdout.endswith("\n... and 123 more: 123 errors\n")
    assert (some.returncode, some.stderr) == (everything.returncode, everything.stderr)
    assert run_cli("check", "--max", "-1", cwd=root).returncode == 2


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit"])
def test_machines_are_given_everything(tmp_path: Path, form: str) -> None:
    root = many(tmp_path, 20)
    all_of_it, capped = (run_cli("check", "--format", form, *most, cwd=root) for most in ((), ("--max", "1")))
    assert capped.stdout == all_of_it.stdout
    assert "unknown19" in capped.stdout


@pytest.mark.parametrize("most", [0, 1, 2, 3, 5, 6, 7, 9])
def test_the_worst_are_kept_in_their_order(most: int) -> None:
    found = mixed(2, 2, 2)  # notes first in the file, errors last
    kept = worst(found, most)
    assert [found.index(each) for each in kept] == sorted(found.index(each) for each in kept)
    severities = [each.diagnostic.severity for each in found]
    if most in (0, 6, 7, 9):
        assert kept is found
    else:
        left = [each for at, each in enumerate(severities) if found[at] not in kept]
        order = list(Severity)
        assert len(kept) == most
        assert max(order.index(each.diagnostic.severity) for each in kept) <= min(map(order.index, left))
        assert f"and {6 - most} more: " in text.render_worst(found, most)


# The summary of a step


def test_a_step_has_a_summary_below_what_it_says_already(tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n", "utf-8")
    root = many(tmp_path / "repo", 12)
    (root / ".git").mkdir()
    result = run_cli("check", "--format", "github", "--proofs", cwd=root, GITHUB_STEP_SUMMARY=str(page))
    said = page.read_text("utf-8")
    assert said.startswith("before\n### llmcompile check\n\n")
    assert "**12 errors**" in said
    assert "- access: not proven: errors come first\n" in said
    rows = re.findall(r"^- \*\*error\*\* `accounts/acme\.yaml:(\d+):1` `key-unknown`: .*'unknown\d+'", said, re.M)
    assert len(rows) == 12
    assert result.stdout.count("::error ") == 10  # the control: not all are annotations


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_other_forms_write_none(tmp_path: Path, form: str) -> None:
    page = tmp_path / "summary.md"
    run_cli("check", "--format", form, cwd=write_repo(tmp_path / "repo"), GITHUB_STEP_SUMMARY=str(page))
    assert not page.exists()


def test_a_good_repository_says_so_and_a_full_disk_fails_no_check(tmp_path: Path) -> None:
    root, page = write_repo(tmp_path / "repo"), tmp_path / "summary.md"
    command = ("check", "--format", "github")
    assert run_cli(*command, cwd=root, GITHUB_STEP_SUMMARY=str(page)).stdout == ""
    assert page.read_text("utf-8") == (
        "### llmcompile check\n\n1 account, 1 region, 1 model: **no problems**\n\n"
    )  # fmt: skip
    for nowhere in (tmp_path / "nowhere" / "summary.md", Path("/dev/full")):
        result = run_cli(*command, cwd=root, GITHUB_STEP_SUMMARY=str(nowhere))
        assert result.returncode == 0, result.stderr
        assert "the step's summary cannot be written" in result.stderr


@pytest.mark.parametrize("room", [10, 300, 2_000, 20_000])
def test_a_summary_is_never_longer_than_there_is_room(room: int) -> None:
    found = mixed(30, 30, 30)
    page = step_summary.render(found, "1 account: ", "access: holds\n", room=room)
    assert len(page.encode()) <= room
    rows = re.findall(r"^- \*\*(error|warning|note)\*\* ", page, re.M)
    assert rows == sorted(rows, key=["error", "warning", "note"].index)
    more = re.search(r"… and (\d+) more", page)
    assert len(rows) + (int(more[1]) if more else 0) == (90 if page else 0)
    assert bool(more) is (300 <= room < 20_000)


def test_what_people_wrote_is_no_markup() -> None:
    nasty = made_up("model-unknown", 1, "<img src=x> @all #1 [a](b) **c** | `d`\n# e", "</details>", "a`b.yaml")
    page = step_summary.render([nasty], "")
    (row,) = [each for each in page.splitlines() if each.startswith("- ")]
    assert "`a'b.yaml:1:1`" in row
    for markup in ("<img", "[a](b)", "**c**", " @all", " #1", "</details>"):
        assert markup not in row.replace(r"\<", "")


@pytest.mark.parametrize("case", [each for each in CASES if (each / "secrets").exists()], ids=lambda each: each.name)
def test_no_secret_is_in_the_summary(case: Path) -> None:
    page = step_summary.render(found_in(case), "")
    for secret in (case / "secrets").read_text("utf-8").splitlines():
        assert secret not in page
        assert secret[:12] not in page
