"""Asks git, and nothing else here does: read-only, without hooks, a work tree, replaced objects or a network."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from llmcompile.errors import OutsideError, UsageError
from llmcompile.literals import mask

_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What a hook of git sets for its own folder; here the root decides."""
_QUIETLY = {
    "LC_ALL": "C",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_SECONDS = 120


class GitError(Exception):
    """Git answered no; its words."""


@dataclass(frozen=True, slots=True)
class Git:
    """The repository of git that a folder is in."""

    root: Path

    def ask(self, *arguments: str, given: bytes = b"") -> bytes:
        """What git prints. Raises ``GitError`` where it refuses, ``OutsideError`` where there is none."""
        environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
        try:
            done = subprocess.run(  # noqa: S603 - git, with arguments of ours
                ["git", "-C", str(self.root), *arguments],  # noqa: S607 - the caller's git
                input=given,
                capture_output=True,
                env=environment | _QUIETLY,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise OutsideError("git is not installed, or not on PATH", "install git and run it again") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OutsideError(f"git did not answer: {type(error).__name__}", "it is safe to run again") from error
        if done.returncode:
            raise GitError(_first_line(done.stderr))
        return done.stdout

    def prefix(self) -> str:
        """What leads from the top of the repository to the root, ending in a slash; empty at the top."""
        try:
            return os.fsdecode(self.ask("rev-parse", "--show-prefix")).removesuffix("\n")
        except GitError as error:
            if "not a git repository" in str(error):
                message = f"{self.root} is in no git repository, so there is no revision to compare with"
                raise UsageError(message, "run it in a clone, or name one with --root DIR") from error
            hint = "run git status here, and do what it says"
            if "dubious ownership" in str(error):
                hint = f"if it is to be trusted: git config --global --add safe.directory {self.root}"
            raise OutsideError(f"git cannot read this repository: {error}", hint) from error

    def commit(self, name: str) -> str:
        """The commit that a revision's name means. ``UsageError`` where it means none."""
        try:
            return (
                self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
            )
        except GitError as error:
            raise self._unknown(name) from error

    def _unknown(self, name: str) -> UsageError:
        shown = mask(name)
        if ".." in name:
            return UsageError(f"'{shown}' is a range, not a revision", "write the two as two arguments: OLD NEW")
        if self.ask("rev-parse", "--is-shallow-repository").strip() == b"true":
            message = f"this clone is shallow, and has no revision '{shown}'"
            return UsageError(message, "git fetch --unshallow, or fetch-depth: 0 in the checkout of a workflow")
        try:
            self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        except GitError:
            from llmcompile.suggest import did_you_mean

            names = self.ask("for-each-ref", "--format=%(refname:short)").decode(errors="replace").split()
            return UsageError(f"no revision '{shown}' here", did_you_mean(name, names, "see git log, or git fetch it"))
        return UsageError(f"'{shown}' is no commit", "name a commit, a branch or a tag of one")


def _first_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return mask(lines[0].removeprefix("fatal: ")) if lines else "it says nothing"
