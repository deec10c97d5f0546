"""The scripts of the workflows run: against a GitHub of our own, and with the real command line from merge to drift."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.actions import GH, GitHub, Step, git, serving
from tests.compiler.repo import FILES, write_repo

MARKER = "<!-- llmcompile-plan -->"
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="needs jq, as GitHub's runners have it")

UNUSED = {"inputs.confirm": "", "github.token": "a-token", "steps.base.outputs.against": ""}


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


@pytest.mark.parametrize(("days", "code"), [(20, 1), (40, 0), (None, 0)])
def test_what_expires_within_a_month_breaks_the_morning(tmp_path: Path, days: int | None, code: int) -> None:
    step = Step("drift", "calendar", "Check as of a month from now", tmp_path)
    real(step)
    file = "regions/europe-west6.yaml"
    day = (datetime.now(UTC) + timedelta(days=days or 0)).strftime("%Y-%m-%d")
    dated = FILES[file].replace("ref+env://PRIMARY_KEY", f"ref+env://PRIMARY_KEY, expires: {day}")
    write_repo(step.work, {file: dated if days else FILES[file]})
    result = step.run(UNUSED)
    assert result.returncode == code, result.stderr
    assert ("::error file=regions/europe-west6.yaml" in result.stdout) is bool(code)
    assert ("`secret-expired`" in step.summary) is bool(code)
    # The control: today, nothing is wrong.
    today = [sys.executable, "-m", "llmcompile", "check"]
    assert subprocess.run(today, cwd=step.work, capture_output=True, check=False).returncode == 0


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
