"""Files written whole or not at all: aside, then renamed into place with the mode that was there."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from llmcompile.errors import OutsideError, RefusedError


def replace(root: Path, file: str, text: str) -> None:
    """Give an existing file new text. Raises ``OutsideError`` where it cannot be written, and leaves it as it was."""
    try:
        target = (root / file).resolve(strict=True)  # a link stays one
        mode = stat.S_IMODE(target.stat().st_mode)
        if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            # The rename would not ask; whoever made it read-only meant it.
            raise OutsideError(f"{file} is read-only; it was not changed", f"chmod u+w {file}")
        _write(target, text, mode)
    except OSError as error:
        raise OutsideError(f"cannot write {file}: {error.strerror}; it was not changed") from error


def create(root: Path, file: str, text: str) -> None:
    """Write a new file. Raises ``RefusedError`` where there is one, ``OutsideError`` where the disk fails."""
    path = root / file
    if path.exists() or path.is_symlink():
        raise RefusedError(f"{file} exists; nothing was written", "edit it, or choose another name")
    try:
        path.parent.mkdir(exist_ok=True)
        _write(path, text, 0o666 & ~_umask())
    except OSError as error:
        raise OutsideError(f"cannot write {file}: {error.strerror}") from error


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
