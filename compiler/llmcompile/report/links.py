"""Links to lines: by a template that somebody gave, else to the file beside the page. Nothing is guessed."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlsplit

from llmcompile.errors import UsageError
from llmcompile.report.data import Spot


def checked(base: str) -> str:
    """A template such as ``https://git.example.com/x/blob/main/{path}#L{line}``; ``UsageError`` for anything else."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or "{path}" not in parts.path + parts.query:
        hint = "write it as https://git.example.com/team/config/blob/main/{path}#L{line}"
        raise UsageError("--link-base is no web address with {path} in it", hint)
    return base


def beside(root: Path, out: Path) -> str:
    """The way from the page's folder to the files, where the folder lies among them; else none.

    A page elsewhere may be read elsewhere, and must not tell where somebody's files are.
    """
    root, out = root.resolve(), out.resolve()
    return f"{os.path.relpath(root, out)}/{{path}}" if out.is_relative_to(root) else ""


def href(base: str, spot: Spot) -> str:
    """The link to a line; empty where there is none."""
    return base.replace("{path}", quote(spot.file)).replace("{line}", str(spot.line))
