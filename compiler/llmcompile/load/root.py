"""Where a repository begins: the nearest folder with its project file. Imports nothing that takes time."""

from __future__ import annotations

from pathlib import Path

from llmcompile.literals import quote
from llmcompile.suggest import nearest

PROJECT_FILE = "llmcompile.yaml"
FOLDERS = ("accounts", "models", "regions")
"""Beside it: all that is read besides it."""


def stem(file: str) -> str:
    """What a YAML file is named after, as ``pathlib`` has it: asked of each file of a fleet."""
    return file.rpartition("/")[2].removesuffix(".yaml")


def find_root(start: Path) -> Path | None:
    """The nearest folder upward that holds ``llmcompile.yaml``."""
    return next((each for each in (start, *start.parents) if (each / PROJECT_FILE).is_file()), None)


def describe_missing_root(start: Path) -> str:
    """Why there is no root here, with what may have been meant."""
    names = [each.name for each in start.iterdir() if each.suffix in (".yaml", ".yml")] if start.is_dir() else []
    near = nearest(PROJECT_FILE, names)
    return f"no {PROJECT_FILE} here or above" + (f"; there is {quote(near)}" if near else "")
