"""Writes a fleet's documents, unless they are there already. Imports nothing that takes time before it is needed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmcompile.fleet.cache import Cache
from llmcompile.fleet.result import Fleet

if TYPE_CHECKING:
    from llmcompile.pipeline import Progress


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
) -> tuple[Fleet, int]:
    """Replace the folder ``out`` by the documents of the repository below ``root``; what was said, and their number.

    With errors nothing is written. Otherwise as ``fleet.compiling.compile_fleet``, and raises as ``emit.dist.replace``.
    """
    if cache and cache.is_written(out) and (fleet := cache.unchanged(as_of)):
        return fleet, cache.documents

    from llmcompile.emit import dist
    from llmcompile.fleet.compiling import compile_fleet

    found = []

    def fill(folder: Path) -> list[Any]:
        fleet = compile_fleet(root, as_of, progress, out=folder, old=out, jobs=jobs, cache=cache)
        if fleet.failed:
            raise _Failed(fleet)
        found.append(fleet)
        return [each._asdict() for each in fleet.entries]

    try:
        count = dist.replace(out, "documents", fill)
    except _Failed as stopped:
        return stopped.fleet, 0
    if cache:
        cache.wrote(out, found[0].entries)
    return found[0], count
