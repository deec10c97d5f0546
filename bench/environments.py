"""Where peers are installed: pinned versions, each in an environment of its own in the user's cache folder.

Never in the repository's own environment. One that cannot be had here is left out, with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llmcompile-bench"


class LeftOutError(Exception):
    """A peer that cannot be measured here, and why."""


def installed(name: str, commands: list[list[str]]) -> Path:
    """The folder in which a peer is installed, once for all runs with one Python. Raises LeftOutError."""
    home, done = _HOME / name, _HOME / name / "installed"
    if done.exists() and done.read_text() == sys.base_prefix:
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for command in commands:
        program = shutil.which(command[0]) or shutil.which(home / command[0])
        if program is None:
            raise LeftOutError(f"{command[0]} is not installed")
        print(f"installing {name}: {' '.join(command)}", file=sys.stderr)
        ended = subprocess.run([program, *command[1:]], cwd=home, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise LeftOutError(f"{command[0]} failed: {ended.stderr.strip()[-300:]}")
    done.write_text(sys.base_prefix)
    return home
