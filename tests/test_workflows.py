"""The workflows, the action and the hook that users copy, audited: by zizmor, and for what zizmor does not know.

The workflows that ``init`` writes are this project's own, byte for byte; they differ in what they install.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.actions import ROOT, understood, workflow

from llmcompile import __version__
from llmcompile.emit import scaffold

OWN = ROOT / ".github" / "workflows"
FOR_USERS = ("check", "push", "drift")
NAMES = (*FOR_USERS, "test")


# What zizmor says


def audit(*paths: Path) -> list[dict[str, Any]]:
    """Every finding of the pedantic persona; a file that does not fit GitHub's schema is an error."""
    command = [
        Path(sys.executable).parent / "zizmor",
        "--offline",
        "--no-config",
        "--no-progress",
        "--strict-collection",
    ]
    result = subprocess.run(
        [*command, "--collect=all", "--persona=pedantic", "--no-exit-codes", "--format=json-v1", *paths],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert all(f"completed {path}" in result.stderr for path in paths if path.is_file()), result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    scaffold.write(tmp_path)
    theirs = sorted((tmp_path / ".github" / "workflows").iterdir())
    ours = [ROOT / "action.yml", ROOT / ".pre-commit-hooks.yaml", *sorted(OWN.iterdir())]
    assert [path.stem for path in theirs] == sorted(FOR_USERS)
    assert {path.stem for path in OWN.iterdir()} == set(NAMES)
    assert [(each["ident"], each["desc"]) for each in audit(*ours, *theirs)] == []
    assert [path for path in [*ours, *theirs] if "zizmor: ignore" in path.read_text("utf-8")] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("push", '--expect "$DIGEST"', "--expect ${{ inputs.confirm }}", "template-injection"),
        ("check", "permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("drift", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("check", "  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
    ],
)
def test_control_zizmor_finds_what_is_planted(tmp_path: Path, name: str, old: str, new: str, found: str) -> None:
    text = (OWN / f"{name}.yml").read_text("utf-8")
    assert old in text
    planted = tmp_path / ".github" / "workflows" / f"{name}.yml"
    planted.parent.mkdir(parents=True)
    planted.write_text(text.replace(old, new), "utf-8")
    assert found in {each["ident"] for each in audit(planted)}


# What zizmor does not know


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in NAMES:
        for job, data in workflow(name)["jobs"].items():
            yield f"{name}/{job}", data


def test_init_writes_this_projects_own_workflows() -> None:
    written = scaffold.render()
    for name in FOR_USERS:
        file = f".github/workflows/{name}.yml"
        assert written[file] == (ROOT / file).read_text("utf-8"), f"copy {file} to templates/init"
    assert written[".github/llmcompile.txt"] == f"llmcompile[compiler]=={__version__}\n"
    assert (ROOT / ".github/llmcompile.txt").read_text("utf-8") == ".[compiler]\n"
    assert "gha-creds-*.json" in written[".gitignore"]
    assert "production" in yaml.safe_load(written["llmcompile.yaml"])["stores"]


def test_every_job_says_its_rights_and_its_time() -> None:
    for name in NAMES:
        data = workflow(name)
        assert data["permissions"] == {}
        assert data["defaults"] == {"run": {"shell": "bash"}}
        assert data["concurrency"]
    for name, job in jobs():
        assert job["permissions"], name
        assert 0 < job["timeout-minutes"] <= 60, name


def test_who_may_write_runs_nothing_of_the_pull_request_and_has_no_identity() -> None:
    writing = {name: job for name, job in jobs() if {"write"} & {*job["permissions"].values()}}
    identity = {name for name, job in writing.items() if "id-token" in job["permissions"]}
    assert identity == {"check/plan", "push/plan", "push/push", "drift/drift"}
    assert set(writing) - identity == {"check/code-scanning", "check/comment", "drift/issue"}
    for name, job in writing.items():
        uses = [each.get("uses", "").partition("@")[0] for each in job["steps"]]
        scripts = "\n".join(each.get("run", "") for each in job["steps"])
        if name in identity:
            assert job["permissions"] == {"contents": "read", "id-token": "write"}, name
            assert uses[0] == "actions/checkout"
            assert job["steps"][0]["with"]["fetch-depth"] == 0
        else:
            assert "contents" not in job["permissions"], name
            assert uses[0] == "actions/download-artifact"
            assert not re.search(r"checkout|pip|llmcompile check|llmcompile plan", f"{uses} {scripts}"), name


def test_only_the_reviewed_environment_has_the_identity_that_writes() -> None:
    having = {name for name, job in jobs() if "GCP_PUSH" in json.dumps(job)}
    assert having == {"push/push"}
    assert {name for name, job in jobs() if "environment" in job} == having
    push = workflow("push")
    assert push["concurrency"] == {"group": "llmcompile-push", "cancel-in-progress": False}
    assert push["jobs"]["push"]["environment"] == "production"
    assert push["jobs"]["push"]["needs"] == "plan"


def test_forks_get_no_identity() -> None:
    plan = workflow("check")["jobs"]["plan"]["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in plan
    assert set(workflow("check")[True]) == {"pull_request", "push"}  # YAML 1.1 reads `on` as true


def test_actions_are_pinned_by_one_commit_each() -> None:
    pins: dict[str, set[str]] = {}
    texts = [*(path.read_text("utf-8") for path in OWN.iterdir()), (ROOT / "action.yml").read_text("utf-8")]
    for text in texts:
        for line in re.findall(r"uses: (.*)", text):
            if "OWNER/llmcompile" in line:
                continue
            found = re.fullmatch(r"([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert found, line
            pins.setdefault(found[1], set()).add(f"{found[2]} {found[3]}")
    assert {name: len(each) for name, each in pins.items()} == dict.fromkeys(pins, 1)
    assert len(pins) == 6


def test_no_checkout_leaves_a_token_behind() -> None:
    steps = [step for _, job in jobs() for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert len(steps) == 8
    assert [step["with"]["persist-credentials"] for step in steps] == [False] * 8


def test_no_expression_is_inside_a_script() -> None:
    steps = [step for _, job in jobs() for step in job["steps"]]
    steps += yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert len(scripts) >= 15
    assert [script for script in scripts if "${{" in script] == []


def commands(script: str) -> Iterator[list[str]]:
    """The calls of llmcompile in a script, without redirections and what comes after."""
    given = re.sub(r"\$\{\w+:\+([^}]*)\}", r"\1", script)  # what is passed where a variable is set
    for line in given.splitlines():
        for found in re.findall(r"(?:^|\s)(?:\.venv/bin/)?llmcompile ([a-z].*)", line.split("#")[0]):
            yield shlex.split(re.split(r"\s(?:>|\|\|)", found)[0])


def test_the_command_line_understands_every_call() -> None:
    calls = [call for _, job in jobs() for step in job["steps"] for call in commands(step.get("run", ""))]
    assert {call[0] for call in calls} == {"check", "schema", "build", "diff", "plan", "push", "drift"}
    for call in calls:
        understood(call)
    with pytest.raises(click.UsageError):
        understood(["plan", "--to", "production", "--format", "pdf"])
