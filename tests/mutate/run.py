"""Applies every kind at every place, or at some of them."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutate.edits import KINDS
from tests.mutate.example import load
from tests.mutate.judge import Judge, Judgement
from tests.mutate.kinds import (
    access,
    characters,
    choices,
    endpoints,
    files,
    pricing,
    references,
    secrets,
    spelling,
    syntax,
    types,
)

ROOT = Path(__file__).parents[2]
FAMILIES = (spelling, characters, syntax, types, references, pricing, access, endpoints, secrets, files, choices)


def run(
    root: Path, scratch: Path, *, places: int | None = None, only: Collection[str] | None = None
) -> list[Judgement]:
    """What comes of each mutation of the repository below ``root``, tried in the folder ``scratch``.

    ``places`` bounds how many places of a kind are tried, spread evenly; ``only`` names the kinds.
    """
    example = load(root)
    judge = Judge(example, scratch)
    judged = []
    for each in KINDS.values():
        if not only or each.name in only:
            edits = list(each.places(example))
            chosen = edits if places is None else edits[:: max(1, -(-len(edits) // places))]
            judged += [judge.judge(each.name, edit) for edit in chosen]
    return judged


def run_on(processes: int, root: Path, *, places: int | None, only: Collection[str] | None) -> list[Judgement]:
    """The same on several processes, each with a folder of its own; the order is that of one process."""
    names = [each for each in KINDS if not only or each in only]
    with ProcessPoolExecutor(processes) as pool:
        parts = pool.map(_one_kind, names, repeat(root), repeat(places))
        return [each for part in parts for each in part]


def _one_kind(name: str, root: Path, places: int | None) -> list[Judgement]:
    with TemporaryDirectory() as folder:
        return run(root, Path(folder), places=places, only=[name])
