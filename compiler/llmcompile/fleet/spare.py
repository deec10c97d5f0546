"""The folder of the build before the last, kept in the user's cache folder: brought up to date, it is the next one.

To make ten thousand folders anew, with a link for each document that stays, and to remove as many afterwards, takes
several times as long as everything else that a build does after a small edit.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from llmcompile.emit import dist
from llmcompile.fleet.record import DAYS_KEPT


@contextmanager
def aside(spare: Path, out: Path, worth: Callable[[], bool]) -> Iterator[Path]:
    """The spare, where there is one that no other build fills; else a new folder beside ``out``.

    What is in it in the end stays in the spare, where that is possible and ``worth`` it. A spare that a build has
    not finished stays as well: the next one looks at every file.
    """
    _sweep(spare.parent)
    lock = _taken(spare)
    if lock is not None:
        try:
            yield spare
        except OSError:  # whatever it is, the next build shall not meet it again
            shutil.rmtree(spare, ignore_errors=True)
            raise
        finally:
            os.close(lock)
        return
    with dist.beside(out) as fresh:
        yield fresh
        if fresh.exists() and worth():  # where nothing was before, nothing is left
            with suppress(OSError):  # another file system, or another build was faster
                spare.parent.mkdir(mode=0o700, exist_ok=True)
                fresh.rename(spare)


def _taken(spare: Path) -> int | None:
    """Its lock; None where it is not there or another build holds it."""
    try:
        descriptor = os.open(spare, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), spare.stat()):  # another build may just have swapped it
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _sweep(folder: Path) -> None:
    """Remove spares that no build has used in a month."""
    oldest = time.time() - DAYS_KEPT * 86_400
    with suppress(OSError):  # there is none at all
        for each in folder.iterdir():
            if each.stat().st_mtime < oldest:
                shutil.rmtree(each, ignore_errors=True)
