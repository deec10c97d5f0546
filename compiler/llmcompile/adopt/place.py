"""Puts new files into a repository: all of them, each whole, or none. Never over a file that is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from llmcompile.errors import OutsideError, RefusedError
from llmcompile.load.source import leaves


@contextmanager
def staged(root: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """A folder beside the files' places that holds them, as long as it takes to prove them."""
    folder: Path | None = None
    try:
        try:
            folder = Path(tempfile.mkdtemp(prefix=".llmcompile-adopt-", dir=root))
            for name, text in files.items():
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutsideError(f"cannot write below {root}: {error.strerror}", "nothing was written") from error
        yield folder
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def move(staging: Path, root: Path, files: Iterable[str]) -> None:
    """Give staged files their places below the root.

    Raises ``RefusedError`` where one is taken, ``OutsideError`` where the disk fails; then none is in its place.
    """
    names, done = list(files), list[Path]()
    for name in names:
        if (root / name).parent.exists() and leaves(root, (root / name).parent):
            raise RefusedError(f"the folder of {name} leaves the repository; nothing was written")
    try:
        for name in names:
            path = root / name
            path.parent.mkdir(exist_ok=True)
            os.link(staging / name, path)  # whole at once, and never over another file
            done.append(path)
    except BaseException as error:
        for path in done:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise RefusedError(f"{name} exists; nothing was written", "look at it, then run it again") from error
        if isinstance(error, OSError):
            raise OutsideError(f"cannot write {name}: {error.strerror}; nothing was written") from error
        raise
