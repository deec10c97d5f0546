"""What a build has written to a folder, and whether that is still in it. Imports nothing that takes time."""

from __future__ import annotations

import marshal
import os
from dataclasses import dataclass, field
from pathlib import Path

Print = tuple[int, int, int]
"""Modified (nanoseconds), size (bytes), inode. Zeros for an empty folder."""
EMPTY: Print = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Written:
    """What is in a folder; by paths below it."""

    prints: dict[str, Print] = field(default_factory=dict)
    """Of every file, and of folders that are empty."""
    digests: dict[str, str] = field(default_factory=dict)
    """Of each document: what the manifest says."""

    def out(self) -> bytes:
        """As a cache keeps it."""
        return marshal.dumps((self.prints, self.digests))

    @classmethod
    def back(cls, raw: bytes | memoryview) -> Written:
        """What was kept; nothing where that is empty."""
        return cls(*marshal.loads(raw)) if raw else cls()  # noqa: S302 - ours, as the whole record

    def differs(self, folder: Path) -> dict[str, Print | None]:
        """What is in the folder, and was not written there so; None for what is gone."""
        found = prints(folder) or {}
        return {path: found.get(path) for path, _ in found.items() ^ self.prints.items()}

    def but(self, different: dict[str, Print | None]) -> Written:
        """What is in the folder, knowing what differs; without the digests of that."""
        if not different:
            return self
        there = self.prints | {path: each for path, each in different.items() if each}
        gone = {path for path, each in different.items() if each is None}
        return Written(
            {path: each for path, each in there.items() if path not in gone},
            {path: each for path, each in self.digests.items() if path not in different},
        )


def prints(folder: Path) -> dict[str, Print] | None:
    """Of every file in a folder, by its path, and of what is empty in it; None where it cannot be told."""
    found: dict[str, Print] = {}
    folders = [""]
    try:
        while folders:
            inside = folders.pop()
            empty = True
            with os.scandir(f"{folder}/{inside}") as entries:
                for each in entries:
                    empty, path = False, f"{inside}{each.name}"
                    if each.is_dir(follow_symlinks=False):
                        folders.append(f"{path}/")
                    else:
                        found[path] = print_of(each.stat(follow_symlinks=False))
            if empty:
                found[inside] = EMPTY
    except OSError:
        return None
    return found


def print_of(status: os.stat_result) -> Print:
    """The print of a file."""
    return status.st_mtime_ns, status.st_size, status.st_ino
