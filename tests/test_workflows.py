"""The workflows, the action and the hook that users copy: audited by zizmor, and their scripts run for real.

The workflows that ``init`` writes are this project's own, byte for byte; they differ in what they install.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.actions import GH, ROOT, GitHub, Step, serving, workflow
from tests.compiler.repo import FILES, write_repo

from llmcompile import __version__
from llmcompile.cli.main import COMMANDS
from llmcompile.emit import scaffold

OWN = ROOT / ".github" / "workflows"
FOR_USERS = ("check", "push", "drift")
NAMES = (*FOR_USERS, "test")
MARKER = "<!-- llmcompile-plan -->"
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="needs jq, as GitHub's runners have it")


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
    assert len(steps) == 7
    assert [step["with"]["persist-credentials"] for step in steps] == [False] * 7


def test_no_expression_is_inside_a_script() -> None:
    steps = [step for _, job in jobs() for step in job["steps"]]
    steps += yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert len(scripts) >= 15
    assert [script for script in scripts if "${{" in script] == []


def commands(script: str) -> Iterator[list[str]]:
    """The calls of llmcompile in a script, without redirections and what comes after."""
    for line in script.splitlines():
        for found in re.findall(r"(?:^|\s)(?:\.venv/bin/)?llmcompile ([a-z].*)", line.split("#")[0]):
            yield shlex.split(re.split(r"\s(?:>|\|\|)", found)[0])


def test_the_command_line_understands_every_call() -> None:
    calls = [call for _, job in jobs() for step in job["steps"] for call in commands(step.get("run", ""))]
    assert {call[0] for call in calls} == {"check", "schema", "build", "plan", "push", "drift"}
    for call in calls:
        understood(call)
    with pytest.raises(click.UsageError):
        understood(["plan", "--to", "production", "--format", "pdf"])


def understood(call: list[str]) -> None:
    module = importlib.import_module(f"llmcompile.cli.{COMMANDS[call[0]][0]}")
    given = [each for each in call[1:] if each != "${flags[@]}"]
    module.command.make_context(call[0], given)


# The scripts, run

UNUSED = {"inputs.confirm": "", "github.token": "a-token"}


@pytest.fixture(params=["stand-in", "gh"])
def github(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitHub]:
    """GitHub on loopback, spoken to by the real ``gh`` and by the stand-in."""
    if request.param == "gh" and not shutil.which("gh"):
        pytest.skip("gh is not installed; its stand-in was used")
    if not shutil.which("jq"):
        pytest.skip("needs jq, as GitHub's runners have it")
    if request.param == "stand-in":
        Step("", "", "", tmp_path).program("gh", GH)
    with serving(GitHub()) as server:
        yield server


def to(github: GitHub, folder: Path) -> dict[str, str]:
    """What makes gh talk to this GitHub and to no other."""
    return {"http_proxy": github.address, "GH_HOST": "github.localhost", "GH_CONFIG_DIR": str(folder / "gh")}


@pytest.fixture
def comment(tmp_path: Path) -> Step:
    step = Step("check", "comment", "Write the comment, or bring it up to date", tmp_path)
    step.work.mkdir(exist_ok=True)
    return step


def commented(step: Step, github: GitHub, plan: str) -> None:
    (step.work / "plan.md").write_text(plan, "utf-8")
    values = UNUSED | {"github.event.pull_request.number": "7"}
    result = step.run(values, **to(github, step.folder))
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_the_plan_is_one_comment_that_is_kept_up_to_date(comment: Step, github: GitHub) -> None:
    plans = [f'{MARKER}\n{text}\n"quoted" $HOME `id` \\n @file\n' for text in ("first", "second", "third")]
    github.comment(7, f"{MARKER} of somebody else", login="octocat")
    for number in range(130):  # more than a page of any size
        github.comment(7, f"about {MARKER} {number}")
    for plan in plans:
        commented(comment, github, plan)
    ours = [each for each in github.comments[7] if each["body"] in plans]
    assert [each["body"] for each in ours] == [plans[-1]]
    assert len(github.comments[7]) == 132
    assert github.comments[7][0]["body"] == f"{MARKER} of somebody else"
    posted = [call for call in github.calls if not call.startswith("GET")]
    changed = f"PATCH /repos/example/config/issues/comments/{ours[0]['id']}"
    assert posted == ["POST /repos/example/config/issues/7/comments", changed, changed]


def test_control_a_comment_of_another_pull_request_is_not_ours(comment: Step, github: GitHub) -> None:
    github.comment(8, f"{MARKER} elsewhere")
    commented(comment, github, f"{MARKER} here")
    assert [each["body"] for each in github.comments[8]] == [f"{MARKER} elsewhere"]
    assert [each["body"] for each in github.comments[7]] == [f"{MARKER} here"]


def test_a_comment_that_cannot_be_written_fails_the_job(comment: Step, github: GitHub) -> None:
    (comment.work / "plan.md").write_text(MARKER, "utf-8")
    values = {"github.token": "another", "github.event.pull_request.number": "7"}
    assert comment.run(values, **to(github, comment.folder)).returncode != 0
    assert github.comments == {}


@pytest.fixture
def issue(tmp_path: Path) -> Step:
    step = Step("drift", "issue", "Open, update or close the issue", tmp_path)
    step.work.mkdir(exist_ok=True)
    return step


def drifted(step: Step, github: GitHub, found: str) -> None:
    (step.work / "drift.md").write_text(found, "utf-8")
    values = UNUSED | {"needs.drift.outputs.drifted": "true" if found else "false"}
    result = step.run(values, **to(github, step.folder))
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_drift_is_one_issue_from_first_to_last(issue: Step, github: GitHub) -> None:
    stranger = github.open("a pull request", "with the label", ["llmcompile-drift"], pull_request={})
    for found in ("", "one secret", "two secrets", "two secrets", "", "", "again"):
        drifted(issue, github, found)
    ours = [each for each in github.issues.values() if each is not stranger]
    assert [(each["state"], each["body"]) for each in ours] == [("closed", "two secrets"), ("open", "again")]
    assert ours[0]["title"] == "The secret store is not what git says"
    (closing,) = github.comments[ours[0]["number"]]
    assert closing["body"].endswith("https://github.example/example/config/actions/runs/42")
    assert (stranger["state"], stranger["body"]) == ("open", "with the label")


def stand_in(step: Step, code: int, output: str) -> None:
    """A llmcompile that prints this and ends so; it writes down how it was called."""
    calls = shlex.quote(str(step.folder / "calls"))
    step.program("llmcompile", f'#!/bin/sh\necho "$@" >> {calls}\nprintf %s {shlex.quote(output)}\nexit {code}\n')


def called(step: Step) -> list[str]:
    return (step.folder / "calls").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("code", "expected"), [(0, "false"), (3, "true"), (1, None), (4, None), (5, None), (137, None)]
)
def test_drift_is_told_from_failure(tmp_path: Path, code: int, expected: str | None) -> None:
    step = Step("drift", "drift", "Compare", tmp_path)
    stand_in(step, code, "what was found")
    result = step.run(UNUSED)
    assert result.returncode == (0 if expected else code)
    assert step.outputs == ({"drifted": expected} if expected else {})
    assert step.summary == ("what was found" if expected else "")


@needs_jq
@pytest.mark.parametrize(("code", "expected"), [(0, "false"), (3, "true"), (1, None), (2, None), (5, None)])
def test_the_plan_hands_its_digest_over(tmp_path: Path, code: int, expected: str | None) -> None:
    step = Step("push", "plan", "Plan", tmp_path)
    digest = "sha256:" + "a" * 64
    says = f'*json*) echo \'{{"digest": "{digest}"}}\'; exit {code};; *) echo the plan {digest};;'
    step.program("llmcompile", f'#!/bin/sh\ncase "$*" in {says} esac\n')
    result = step.run(UNUSED)
    assert result.returncode == (0 if expected else code)
    assert step.outputs == ({"pending": expected, "digest": digest} if expected else {})
    assert step.summary == (f"the plan {digest}\n" if expected else "")


@needs_jq
@pytest.mark.parametrize(
    ("json_says", "markdown_says"), [('{"digest": "sha256:one"}', "sha256:two"), ("{}", ""), ("", "")]
)
def test_a_plan_that_is_not_the_one_shown_fails(tmp_path: Path, json_says: str, markdown_says: str) -> None:
    step = Step("push", "plan", "Plan", tmp_path)
    says = f"*json*) echo {shlex.quote(json_says)}; exit 3;; *) echo {markdown_says};;"
    step.program("llmcompile", f'#!/bin/sh\ncase "$*" in {says} esac\n')
    assert step.run(UNUSED).returncode != 0
    assert "digest" not in step.outputs


REFUSED = [
    "--to dir:/elsewhere",
    "--confirm-x a; id",
    "--confirm-x $(id)",
    "a",
    "--confirm-x a --to b",
    "--confirm-x a\nb",
]


@needs_jq
@pytest.mark.parametrize(
    "words", ["", "--confirm-changes 12", "--confirm-removed account/a --confirm-emptied region/b"]
)
def test_confirmations_arrive_word_by_word(tmp_path: Path, words: str) -> None:
    plan = Step("push", "plan", "Plan", tmp_path)
    stand_in(plan, 0, '{"digest": "sha256:x"}')
    assert plan.run({"inputs.confirm": words}).returncode == 0
    assert (f"Confirmed by octocat: `{words}`" in plan.summary) == bool(words)
    push = Step("push", "push", "Push what was reviewed", tmp_path)
    assert push.run({"inputs.confirm": words, "needs.plan.outputs.digest": "sha256:x"}).returncode == 0
    flags = f" {words}" if words else ""
    assert called(push)[-1] == f"push --to production --expect sha256:x --report {push.temp('push.json')}{flags}"


@pytest.mark.parametrize("words", REFUSED)
def test_nothing_but_confirmations_can_be_given(tmp_path: Path, words: str) -> None:
    step = Step("push", "plan", "Plan", tmp_path)
    stand_in(step, 0, '{"digest": "sha256:x"}')
    result = step.run({"inputs.confirm": words})
    assert result.returncode == 2
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 0), (2, 1), (5, 1)])
def test_problems_do_not_keep_the_sarif_from_being_written(tmp_path: Path, code: int, expected: int) -> None:
    step = Step("check", "check", "Write every problem as SARIF", tmp_path)
    stand_in(step, code, "{}")
    assert step.run(UNUSED).returncode == expected
    assert step.temp("llmcompile.sarif").read_text("utf-8") == "{}"


# The same scripts with the real command line, against a store in a folder


def real(step: Step) -> None:
    step.program("llmcompile", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m llmcompile "$@"\n')


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)


@needs_jq
def test_from_the_merge_to_drift(tmp_path: Path) -> None:
    plan = Step("push", "plan", "Plan", tmp_path)
    push = Step("push", "push", "Push what was reviewed", tmp_path)
    compare = Step("drift", "drift", "Compare", tmp_path)
    real(plan)
    project = FILES["llmcompile.yaml"].replace("{local: 'dir:.store'}", "{production: 'dir:.store'}")
    write_repo(plan.work, {"llmcompile.yaml": project, ".gitignore": ".store/\n"})
    git(plan.work, "init", "--quiet")
    git(plan.work, "add", ".")
    git(plan.work, "commit", "--quiet", "--message", "first")
    keys = {"PRIMARY_KEY": "canary-7f3a"}

    planned = plan.run(UNUSED, **keys)
    assert planned.returncode == 0, planned.stderr
    assert plan.outputs["pending"] == "true"
    assert plan.summary.startswith(MARKER)
    digest = plan.outputs["digest"]
    other = push.run({"inputs.confirm": "", "needs.plan.outputs.digest": "sha256:" + "0" * 64}, **keys)
    assert other.returncode == 4, other.stderr
    pushed = push.run({"inputs.confirm": "", "needs.plan.outputs.digest": digest}, **keys)
    assert pushed.returncode == 0, pushed.stderr
    assert json.loads(push.temp("push.json").read_text("utf-8"))

    assert plan.run(UNUSED, **keys).returncode == 0
    assert plan.outputs["pending"] == "false"
    assert compare.run(UNUSED, **keys).returncode == 0
    assert compare.outputs == {"drifted": "false"}
    versions = plan.work / ".store" / "acme_llm_config"
    assert versions.is_dir()
    (versions / "2").write_text("{}", "utf-8")
    assert compare.run(UNUSED, **keys).returncode == 0
    assert compare.outputs == {"drifted": "true"}
    assert "acme_llm_config" in compare.summary
    shown = "".join(path.read_text("utf-8") for path in (tmp_path / "temp").iterdir())
    assert "canary" not in shown + plan.summary + compare.summary + planned.stderr + pushed.stdout + pushed.stderr


# The action and the hook


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
