"""Files written whole or not at all: aside, then renamed into place with the mode that was there."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from llmcompile.errors import OutsideError, RefusedError


def replace(path: Path, text: str) -> None:
    """Give an existing file new text. Raises ``OutsideError`` where it cannot be written, and leaves it as it was."""
    try:
        target = path.resolve(strict=True)  # a link stays one
        mode = stat.S_IMODE(target.stat().st_mode)
        if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            # The rename would not ask; whoever made it read-only meant it.
            raise OutsideError(f"{path} is read-only; it was not changed", f"chmod u+w {path}")
        _write(target, text, mode)
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {error.strerror}; it was not changed") from error


def create(path: Path, text: str) -> None:
    """Write a new file. Raises ``RefusedError`` where there is one, ``OutsideError`` where the disk fails."""
    if path.exists() or path.is_symlink():
        raise RefusedError(f"{path} exists; nothing was written", "edit it, or choose another name")
    try:
        path.parent.mkdir(exist_ok=True)
        _write(path, text, 0o666 & ~_umask())
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {error.strerror}") from error


def _write(path: Path, text: str, mode: int) -> None:
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(aside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(aside).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
