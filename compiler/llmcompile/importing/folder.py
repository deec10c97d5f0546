"""A new folder that appears whole or not at all: written beside its place, checked there, and renamed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from llmcompile.errors import OutsideError, RefusedError

_NEXT = "name a folder that does not exist yet"


def refuse_taken(folder: Path) -> None:
    """Raises ``RefusedError`` where something is in the way."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RefusedError(f"{folder} exists and is no folder; nothing was written", _NEXT)
    if folder.is_dir() and any(folder.iterdir()):
        raise RefusedError(f"{folder} is not empty; nothing was written", _NEXT)


@contextmanager
def staged(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """The files in a folder beside their place, for as long as it takes to look at them.

    Raises ``OutsideError`` where the disk fails.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise OutsideError(f"cannot write {folder}: {error.strerror}", "make room or choose another folder") from error
    try:
        try:
            for name, text in files.items():
                path = staging / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8", newline="\n") as stream:
                    stream.write(text)
        except OSError as error:
            raise OutsideError(f"cannot write {folder}: {error.strerror}", "make room, or choose another") from error
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def place(staging: Path, folder: Path) -> None:
    """Give the staged folder its place. Raises ``RefusedError`` where it was taken meanwhile."""
    refuse_taken(folder)
    try:
        staging.chmod(0o755)  # mkdtemp's folders are for their maker alone
        staging.rename(folder)
    except OSError as error:
        raise OutsideError(f"cannot write {folder}: {error.strerror}", "choose another folder") from error
