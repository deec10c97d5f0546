"""Which git commit is pushed, and whether it comes after another. Asks git, and nothing else here does."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from llmcompile.load.root import FOLDERS, PROJECT_FILE

_YAML = (PROJECT_FILE, *FOLDERS)
_DIRTY = "-dirty"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Revision:
    """The commit of a repository's folder."""

    root: Path
    commit: str
    """Empty where the folder is in no git repository, or where there is no git."""
    clean: bool
    """Whether the YAML in the folder is that of the commit."""

    def __str__(self) -> str:
        return self.commit + ("" if self.clean or not self.commit else _DIRTY)

    def follows(self, pushed: str) -> bool:
        """Whether what was pushed is this commit or an ancestor of it; no where that is not known here."""
        other = pushed.removesuffix(_DIRTY)
        if not (self.commit and _COMMIT.fullmatch(other)):
            return False
        return _git(self.root, "merge-base", "--is-ancestor", other, self.commit) is not None


def revision_of(root: Path) -> Revision:
    """The commit that is checked out at ``root``."""
    commit = _git(root, "rev-parse", "--verify", "HEAD^{commit}") or ""
    status = _git(root, "status", "--porcelain", "--", *_YAML) if commit else None
    return Revision(root, commit, status == "")


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails or is not there."""
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments of ours
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the caller's git
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
