"""Where the files of a repository lie: below a folder on the disk, or anywhere else that can list and read them.

The port that lets a commit, or a test's dictionary, be loaded like a folder. Nothing is parsed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from llmcompile.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder."""

    name: str
    folder: bool


class Tree(Protocol):
    """Files by their path below the root, with forward slashes."""

    def listed(self, folder: str) -> Sequence[Entry] | Diagnostic | None:
        """What a folder holds; None: there is no such folder; or why it cannot be listed."""

    def raw(self, file: str) -> bytes | Diagnostic:
        """The bytes of a file, or why it cannot be a configuration file."""


Root = Path | Tree
"""A folder on the disk, or a tree."""
