"""The same YAML gives the same bytes: whole folders of the real command line's, byte by byte."""

from __future__ import annotations

import locale
import os
import shutil
from pathlib import Path

import pytest
from tests.compiler.example import ROOT, copy_example
from tests.compiler.repo import run_cli

Folder = dict[str, bytes]


def _build(root: Path, out: Path, *arguments: str, cwd: Path | None = None, **environment: str) -> Folder:
    # The date is a year in which the example's prices hold; the last of two counts.
    built = run_cli("build", "--as-of", "2026-01-15", "--out", out, *arguments, cwd=cwd or root, **environment)
    assert built.returncode == 0, built.stderr
    return _contents(out)


def _contents(folder: Path) -> Folder:
    """Every file with its bytes, and every folder, even an empty one."""
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else b"folder" for each in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_example(tmp_path_factory.mktemp("determinism") / "repo")


@pytest.fixture(scope="module")
def expected(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return _build(root, tmp_path_factory.mktemp("expected") / "out", PYTHONHASHSEED="0")


def test_the_folder_is_what_it_should_be(expected: Folder) -> None:
    accounts = {each.stem for each in (ROOT / "accounts").glob("*.yaml")}
    assert {f"accounts/{each}/ROUTER_POLICY.json" for each in accounts} < set(expected)
    assert "manifest.json" in expected


@pytest.mark.parametrize("seed", ["1", "2", "4294967295"])
def test_hash_seeds(root: Path, tmp_path: Path, expected: Folder, seed: str) -> None:
    assert _build(root, tmp_path / "out", PYTHONHASHSEED=seed) == expected


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "XYZ-13:45"])
def test_time_zones(root: Path, tmp_path: Path, expected: Folder, zone: str) -> None:
    assert _build(root, tmp_path / "out", TZ=zone) == expected


@pytest.mark.parametrize("name", ["C", "C.UTF-8", "POSIX"])
def test_locales(root: Path, tmp_path: Path, expected: Folder, name: str) -> None:
    # Without UTF-8 mode and coercion, C is what it was: ASCII.
    ascii_only = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert _build(root, tmp_path / "out", LC_ALL=name, LANG=name, **ascii_only) == expected


@pytest.mark.parametrize("name", ["tr_TR.UTF-8", "de_DE.UTF-8"])
def test_locales_with_rules_of_their_own(root: Path, tmp_path: Path, expected: Folder, name: str) -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        pytest.skip(f"this machine has no locale {name}")
    finally:
        locale.setlocale(locale.LC_ALL, before)
    assert _build(root, tmp_path / "out", LC_ALL=name, LANG=name) == expected


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_in_which_files_were_made(root: Path, tmp_path: Path, expected: Folder, backwards: bool) -> None:
    other = tmp_path / "repo"
    for file in sorted(root.rglob("*.yaml"), reverse=backwards):
        to = other / file.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
        os.utime(to, (1, 1))
    assert _build(other, tmp_path / "out") == expected


def test_working_folders_and_spellings_of_the_root(root: Path, tmp_path: Path, expected: Folder) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    here = os.path.relpath(root, tmp_path)
    assert _build(root, tmp_path / "1", "--root", str(root), cwd=tmp_path) == expected
    assert _build(root, tmp_path / "2", "--root", here, cwd=tmp_path) == expected
    assert _build(root, tmp_path / "3", "--root", "link/", cwd=tmp_path) == expected
    assert _build(root, tmp_path / "4", "--root", f"{here}/../{root.name}/.", cwd=tmp_path) == expected
    assert _build(root, tmp_path / "5", cwd=root / "accounts") == expected


@pytest.mark.parametrize("date", ["2026-02-01", "2031-07-01T12:00:00Z", "2038-12-31"])
def test_dates(root: Path, tmp_path: Path, expected: Folder, date: str) -> None:
    assert _build(root, tmp_path / "out", "--as-of", date) == expected


def test_building_again_over_the_old_folder(root: Path, tmp_path: Path, expected: Folder) -> None:
    assert _build(root, tmp_path / "out") == expected
    assert _build(root, tmp_path / "out") == expected


def test_comments_and_spaces_say_nothing(root: Path, tmp_path: Path, expected: Folder) -> None:
    other = copy_example(tmp_path / "repo")
    for file in other.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(f"# a comment\n\n{text}\n\n# the end", encoding="utf-8")
    assert _build(other, tmp_path / "out") == expected


def test_control_one_digit_makes_a_difference(root: Path, tmp_path: Path, expected: Folder) -> None:
    other = copy_example(tmp_path / "repo")
    file = other / "models/gpt-4o.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("text_output: 10.00", "text_output: 10.01"), encoding="utf-8")
    changed = _build(other, tmp_path / "out")
    assert changed != expected
    assert set(changed) == set(expected)


def test_control_an_extra_file_makes_a_difference(root: Path, tmp_path: Path, expected: Folder) -> None:
    built = _build(root, tmp_path / "out")
    (tmp_path / "out/accounts/empty").mkdir()
    assert _contents(tmp_path / "out") != built == expected
