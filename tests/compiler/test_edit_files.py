"""A file is written whole or not at all, whatever fails, and nothing is left beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmcompile.edit.files import create, replace
from llmcompile.errors import OutsideError, RefusedError


def test_what_is_written_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    create(tmp_path, "a/new.yaml", "für\r\n")
    assert (tmp_path / "a/new.yaml").read_bytes() == "für\r\n".encode()
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a/new.yaml").stat().st_mode & 0o777 == 0o666 & ~mask
    (tmp_path / "a/new.yaml").chmod(0o604)
    replace(tmp_path, "a/new.yaml", "other\n")
    assert (tmp_path / "a/new.yaml").read_bytes() == b"other\n"
    assert (tmp_path / "a/new.yaml").stat().st_mode & 0o777 == 0o604
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["new.yaml"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("a: 1\n")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    replace(tmp_path, "link.yaml", "a: 2\n")
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == "a: 2\n"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text("a: 1\n")
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    for name in ("there.yaml", "dangling.yaml"):
        with pytest.raises(RefusedError, match="exists; nothing was written"):
            create(tmp_path, name, "a: 2\n")
    assert (tmp_path / "there.yaml").read_text() == "a: 1\n"


def test_a_disk_that_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match=r"cannot write file/new\.yaml: "):
        create(tmp_path, "file/new.yaml", "a: 1\n")
    with pytest.raises(OutsideError, match=r"cannot write gone\.yaml: No such file or directory; it was not changed"):
        replace(tmp_path, "gone.yaml", "a: 1\n")


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    with pytest.raises(UnicodeEncodeError):
        replace(tmp_path, "a.yaml", "a: \ud800\n")
    assert (tmp_path / "a.yaml").read_text() == "a: 1\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]
