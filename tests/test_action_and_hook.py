"""The composite action and the pre-commit hook: `check` as one line of somebody else's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.actions import ROOT, git, understood
from tests.compiler.repo import FILES, write_repo


def action_step(folder: Path, name: str, inputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step of the composite action, in a checkout that is ``folder / "work"``."""
    steps = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"]
    (step,) = [each for each in steps if each["name"] == name]
    env = {key: inputs[re.sub(r"\$\{\{ (?:inputs\.)?(.*?) \}\}", r"\1", value)] for key, value in step["env"].items()}
    runner = {"RUNNER_TEMP": str(folder), "GITHUB_ACTION_PATH": str(ROOT), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder / "work", env=env | runner, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


INPUTS = {"steps.python.outputs.python-path": sys.executable, "version": ""}
INPUTS |= {"root": ".", "format": "github", "as-of": "", "sarif": ""}


@pytest.mark.parametrize("sarif", ["", "a result.sarif"])
def test_the_action_checks(tmp_path: Path, sarif: str) -> None:
    program = tmp_path / "llmcompile" / "bin" / "llmcompile"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m llmcompile "$@"\n', "utf-8")
    program.chmod(0o755)
    broken = {"accounts/acme.yaml": FILES["accounts/acme.yaml"].replace("pro", "por")}
    write_repo(tmp_path / "work" / "sub", broken)
    (tmp_path / "work" / ".git").mkdir()
    inputs = INPUTS | {"root": "sub", "sarif": sarif, "as-of": "2026-01-01"}
    result = action_step(tmp_path, "Check", inputs)
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("::error file=sub/accounts/acme.yaml,line=4,")
    assert [path.name for path in (tmp_path / "work").glob("*.sarif")] == ([sarif] if sarif else [])
    if sarif:
        (found,) = json.loads((tmp_path / "work" / sarif).read_text("utf-8"))["runs"][0]["results"]
        assert found["ruleId"] == "tier-unknown"
    write_repo(tmp_path / "work" / "sub")
    assert action_step(tmp_path, "Check", inputs).returncode == 0
    assert action_step(tmp_path, "Check", inputs | {"root": "elsewhere"}).returncode != 0


@pytest.mark.parametrize(("version", "what"), [("", f"{ROOT}[compiler]"), ("1.2.3", "llmcompile[compiler]==1.2.3")])
def test_the_action_installs_its_own_source_or_a_version(tmp_path: Path, version: str, what: str) -> None:
    # A python that makes an environment whose pip writes down what it was to install.
    python = tmp_path / "python"
    asked = tmp_path / "asked"
    made = '"$3/bin"; cp "$0" "$3/bin/python"'
    python.write_text(f'#!/bin/sh\n[ "$2" = venv ] && {{ mkdir -p {made}; exit; }}\necho "$@" > {asked}\n', "utf-8")
    python.chmod(0o755)
    (tmp_path / "work").mkdir()
    inputs = INPUTS | {"steps.python.outputs.python-path": str(python), "version": version}
    result = action_step(tmp_path, "Install llmcompile", inputs)
    assert result.returncode == 0, result.stderr
    assert asked.read_text("utf-8").strip() == f"-m pip install --quiet --disable-pip-version-check {what}"


def hooks() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return found


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("llmcompile.yaml", True),
        ("config/llmcompile.yaml", True),
        ("accounts/acme.yaml", True),
        ("config/models/gpt-4o.yaml", True),
        ("regions/europe-west6.yml", True),  # a problem: only .yaml is read
        ("docs/yaml.md", False),
        ("myaccounts/acme.yaml", False),
        ("accounts/old/acme.yaml", False),
    ],
)
def test_the_hook_runs_where_yaml_changed(path: str, wanted: bool) -> None:
    (hook,) = hooks()
    assert bool(re.search(hook["files"], path)) == wanted


def test_the_hook_is_the_check_of_the_whole_repository() -> None:
    (hook,) = hooks()
    understood(hook["entry"].split()[1:])
    assert hook["pass_filenames"] is False
    assert hook["language"] == "python"
    assert hook["additional_dependencies"] == [".[compiler]"]  # no half is installed without its extra


PATHS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.mark.skipif(not shutil.which("pre-commit", path=PATHS), reason="pre-commit is not installed")
def test_pre_commit_runs_the_hook(tmp_path: Path) -> None:
    source, theirs = tmp_path / "source", tmp_path / "theirs"
    files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(files, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    for root in (source, write_repo(theirs)):
        git(root, "init", "--quiet")
        git(root, "add", "--force", ".")
        git(root, "commit", "--quiet", "--message", "first")
    commit = subprocess.run(["git", "-C", source, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    config = {"repos": [{"repo": str(source), "rev": commit.stdout.strip(), "hooks": [{"id": "llmcompile-check"}]}]}
    (theirs / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    git(theirs, "add", ".")

    def run() -> subprocess.CompletedProcess[str]:
        command = ["pre-commit", "run", "--all-files", "--color=never"]
        env = {"PATH": PATHS, "HOME": str(tmp_path)}
        env |= {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
        return subprocess.run(command, cwd=theirs, env=env, capture_output=True, text=True, timeout=500, check=False)

    good = run()
    assert good.returncode == 0, good.stdout + good.stderr
    assert "Passed" in good.stdout
    (theirs / "accounts/acme.yaml").write_text(FILES["accounts/acme.yaml"].replace("pro", "por"), "utf-8")
    bad = run()
    assert bad.returncode == 1
    assert "error[tier-unknown]" in bad.stdout
