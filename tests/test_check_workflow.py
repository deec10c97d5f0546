"""The pull request's own job: what was billed does not change unnoticed, and the summary says what the change means."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from tests.actions import Step, git
from tests.compiler.repo import FILES, write_repo

LABELLED = "contains(github.event.pull_request.labels.*.name, 'llmcompile-rewrites-history')"
MODEL = "models/gpt-4o.yaml"
DEARER = FILES[MODEL].replace("text_input: 2.5", "text_input: 3")
FIND, CHECK, MEANS = "Find what a pull request would change", "Check", "Say what it means"


class Job:
    """The job ``check`` on a pull request that is checked out as merged."""

    def __init__(self, folder: Path, *, before: dict[str, str | None] | None, labelled: bool = False) -> None:
        self.folder, self.work = folder, folder / "work"
        self.work.mkdir()
        git(self.work, "init", "--quiet")
        if before is not None:
            write_repo(self.work, before)
            git(self.work, "add", ".")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", "main")
        git(self.work, "checkout", "--quiet", "-b", "change")
        self.labelled = "true" if labelled else "false"

    def merged(self, change: dict[str, str | None]) -> dict[str, str]:
        """Merge the change; what the first step found."""
        write_repo(self.work, change)
        git(self.work, "add", ".")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", "change")
        git(self.work, "checkout", "--quiet", "-B", "main", "HEAD^1")
        git(self.work, "merge", "--quiet", "--no-ff", "--message", "merge", "change")
        find = Step("check", "check", FIND, self.folder)
        assert find.run({LABELLED: self.labelled}).returncode == 0
        return find.outputs

    def step(self, name: str, found: dict[str, str]) -> tuple[int, str, str]:
        """Exit code, output and summary of a step."""
        step = Step("check", "check", name, self.folder)
        step.program("llmcompile", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m llmcompile "$@"\n')
        values = {f"steps.base.outputs.{each}": found.get(each, "") for each in ("rev", "against")}
        result = step.run(values, XDG_CACHE_HOME="/dev/null")
        return result.returncode, result.stdout, step.summary


@pytest.mark.parametrize(("labelled", "code"), [(False, 1), (True, 0)])
def test_a_price_that_was_billed_does_not_change_unless_a_label_says_so(
    tmp_path: Path, labelled: bool, code: int
) -> None:
    job = Job(tmp_path, before={}, labelled=labelled)
    found = job.merged({MODEL: DEARER})
    assert found == {"rev": "HEAD^1"} | ({} if labelled else {"against": "HEAD^1"})
    returned, said, _ = job.step(CHECK, found)
    assert returned == code, said
    assert (f"::error file={MODEL}" in said and "price-history" in said) is not labelled
    returned, _, summary = job.step(MEANS, found)
    assert (returned, "2.5" in summary, "3" in summary) == (0, True, True)


def test_the_first_pull_request_of_all_has_nothing_to_compare_with(tmp_path: Path) -> None:
    job = Job(tmp_path, before=None)
    assert job.merged({}) == {}
    assert job.step(CHECK, {})[0] == 0


def test_a_pull_request_may_repair_what_does_not_compile(tmp_path: Path) -> None:
    broken = FILES["accounts/acme.yaml"].replace("europe-west6", "elsewhere")
    job = Job(tmp_path, before={"accounts/acme.yaml": broken})
    found = job.merged({})
    assert [job.step(name, found)[0] for name in (CHECK, MEANS)] == [0, 0]
    assert job.step(MEANS, found)[2] == ""


def test_a_pull_request_that_does_not_compile_is_told_where(tmp_path: Path) -> None:
    broken = FILES["accounts/acme.yaml"].replace("europe-west6", "elsewhere")
    job = Job(tmp_path, before={})
    found = job.merged({"accounts/acme.yaml": broken})
    returned, said, summary = job.step(CHECK, found)
    assert (returned, "::error file=accounts/acme.yaml" in said, "region-unknown" in summary) == (1, True, True)
