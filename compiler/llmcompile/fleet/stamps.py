"""Stamps of files: what the system says of one, to see that nobody wrote to it. A hint, never the truth."""

from __future__ import annotations

import os
from pathlib import Path

from llmcompile.load.root import FOLDERS, PROJECT_FILE

Stamp = tuple[int, int, int, int]
"""Modified and changed (nanoseconds), size (bytes), inode."""
_SETTLED = 2_000_000_000
"""Nanoseconds after which a second change of a file is sure to show: the coarsest clock of a file system."""


def stamps(root: Path) -> dict[str, Stamp] | None:
    """Every name that counts below the root, with its stamp; None where one is a symbolic link, which has no stamp."""
    found: dict[str, Stamp] = {}
    try:
        for folder in FOLDERS:
            if (root / folder).is_symlink():
                return None
            with os.scandir(root / folder) as entries:
                for each in entries:
                    if each.name.startswith("."):
                        continue
                    if each.is_symlink():
                        return None
                    found[f"{folder}/{each.name}"] = of(each.stat(follow_symlinks=False))
        if (root / PROJECT_FILE).is_symlink():
            return None
        found[PROJECT_FILE] = of((root / PROJECT_FILE).stat())
    except OSError:
        return None
    return dict(sorted(found.items()))


def of(status: os.stat_result) -> Stamp:
    """The stamp of a file."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def settled(stamp: Stamp, now: int) -> bool:
    """Whether whoever writes to the file from ``now`` (nanoseconds) on changes its stamp."""
    return max(stamp[0], stamp[1]) < now - _SETTLED
