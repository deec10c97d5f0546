"""Growth: ten times the accounts are ten times the work, and little memory each. Counted, not timed."""

from __future__ import annotations

import cProfile
import pstats
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from llmcompile.fleet.compiling import compile_fleet
from llmcompile.fleet.folder import Folder
from llmcompile.pipeline import compile_repository
from llmcompile.prove import PROOFS

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from fleet import generate

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
FEW, MANY = 30, 300
MOST_GROWTH = 1.1
MOST_BYTES = 60 * 1024


def _plain(root: Path, out: Path) -> Any:
    return compile_fleet(root, AS_OF, folder=Folder(out), jobs=1)


def _kept(root: Path, out: Path) -> Any:
    return compile_repository(root, AS_OF)


def _proven(root: Path, out: Path) -> Any:
    return compile_repository(root, AS_OF, proofs=PROOFS)


def _quadratic(root: Path, out: Path) -> Any:
    """The control: somebody looks through all files for each of them."""
    files = [str(each) for each in (root / "accounts").iterdir()]
    return [each for each in files if any(each.endswith(f"/{other}") for other in files)], _plain(root, out)


WAYS: list[Callable[[Path, Path], Any]] = [_plain, _kept, _proven]


@pytest.fixture(scope="module")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A small fleet, and one ten times as large."""
    roots = {}
    for accounts in (FEW, MANY):
        roots[accounts] = tmp_path_factory.mktemp("fleet") / "root"
        generate(roots[accounts], accounts)
        for way in WAYS:
            way(roots[accounts], tmp_path_factory.mktemp("out"))  # what is done once is done
    return roots


def calls(way: Callable[[Path, Path], Any], root: Path, out: Path) -> int:
    """How many functions are called."""
    profile = cProfile.Profile()
    profile.runcall(way, root, out)
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined]


def growth(way: Callable[[Path, Path], Any], fleets: dict[int, Path], out: Path) -> float:
    """The work for each account of the large fleet, as a multiple of that for each of the small one."""
    few, many = (calls(way, fleets[each], out / str(each)) / each for each in (FEW, MANY))
    return many / few


@pytest.mark.parametrize("way", WAYS)
def test_work_grows_no_faster_than_the_fleet(
    way: Callable[[Path, Path], Any], fleets: dict[int, Path], tmp_path: Path
) -> None:
    assert growth(way, fleets, tmp_path) <= MOST_GROWTH


def test_the_count_tells_a_walk_through_all_for_each(fleets: dict[int, Path], tmp_path: Path) -> None:
    assert growth(_quadratic, fleets, tmp_path) > MOST_GROWTH


@pytest.mark.parametrize("way", [_plain, _kept])
def test_an_account_takes_little_memory(
    way: Callable[[Path, Path], Any], fleets: dict[int, Path], tmp_path: Path
) -> None:
    peaks = []
    for accounts in (FEW, MANY):
        tracemalloc.start()
        held = way(fleets[accounts], tmp_path / str(accounts))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        del held
    assert (peaks[1] - peaks[0]) / (MANY - FEW) <= MOST_BYTES
