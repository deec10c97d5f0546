"""Writes a fleet's documents, unless they are there already. Imports nothing that takes time before it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmcompile.fleet.cache import Cache
from llmcompile.fleet.meanwhile import meanwhile
from llmcompile.fleet.result import Fleet

if TYPE_CHECKING:
    from llmcompile.fleet.folder import Folder
    from llmcompile.pipeline import Progress


SPARES_FROM = 2_000
"""Documents from which on to keep a folder aside saves more time than it is worth in room on the disk."""


class _Failed(Exception):  # noqa: N818 - a signal out of the folder that is not to be
    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self.fleet = fleet


def build(
    root: Path,
    as_of: datetime,
    out: Path,
    progress: Progress = lambda stage, done, total: None,
    *,
    jobs: int = 0,
    cache: Cache | None = None,
    spares_from: int = SPARES_FROM,
) -> tuple[Fleet, int]:
    """Replace the folder ``out`` by the documents of the repository below ``root``; what was said, and their number.

    With errors nothing is written. With a ``cache``, the folder that was replaced is kept for the next build, where
    the fleet comes to as many documents as ``spares_from``. Otherwise as ``fleet.compiling.compile_fleet``; raises as
    ``emit.dist.replace`` does.
    """
    if cache and cache.is_written(out) and (fleet := cache.unchanged(as_of)):
        return fleet, cache.documents

    from llmcompile.emit import dist
    from llmcompile.fleet.spare import aside

    found: list[tuple[Fleet, Folder]] = []

    def fill(path: Path) -> list[bytes]:
        with _opened(path, out, cache) as folder:
            from llmcompile.fleet.compiling import compile_fleet

            fleet = compile_fleet(root, as_of, progress, folder=folder, jobs=jobs, cache=cache)
            if fleet.failed:
                raise _Failed(fleet)
            folder.sweep(fleet.entries)
        found.append((fleet, folder))
        return [each.text for each in fleet.entries]

    def large() -> bool:
        return len(found[0][0].entries) >= spares_from

    try:
        count = dist.replace(out, "documents", fill, partial(aside, cache.spare, worth=large) if cache else dist.beside)
    except _Failed as stopped:
        return stopped.fleet, 0
    fleet, folder = found[0]
    if cache:
        cache.wrote(out, fleet.entries, folder.written(out, fleet.entries))
    return fleet, count


@contextmanager
def _opened(path: Path, out: Path, cache: Cache | None) -> Iterator[Folder]:
    """The folder to fill. What lies in a spare is looked at while what compiles is imported."""
    from llmcompile.fleet.folder import Folder

    if cache is None:
        yield Folder(path)
    elif path != cache.spare:
        yield Folder(path, old=out, recall=partial(cache.written_to, out))
    else:
        left = cache.set_aside()
        with meanwhile(partial(left.differs, path)) as differs:
            yield Folder(path, lambda: left.but(differs()), out, partial(cache.written_to, out))
