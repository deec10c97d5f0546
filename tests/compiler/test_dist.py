"""``dist/`` is replaced as a whole or not at all, nothing of anybody else's is touched, and nothing is left over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.compiler.example import AS_OF, ROOT, copy_example
from tests.compiler.repo import run_cli, write_documents

from llmcompile.emit.canonical import digest as digest_of
from llmcompile.emit.documents import Document
from llmcompile.errors import OutsideError, RefusedError
from llmcompile.pipeline import compile_repository


@pytest.fixture(scope="module")
def documents() -> tuple[Document, ...]:
    return compile_repository(ROOT, AS_OF).documents


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> tuple[Document, ...]:
    """The same documents of a changed repository: every policy and every region's document differs."""
    root = copy_example(tmp_path_factory.mktemp("others") / "repo")
    for file in (root / "regions").glob("*.yaml"):
        file.write_text(file.read_text(encoding="utf-8").replace(".azure.example", ".other.example"), encoding="utf-8")
    for file in (root / "accounts").glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("source: platform", "source: auto")
        file.write_text(text, encoding="utf-8")
    (root / "accounts/stark.yaml").unlink()
    return compile_repository(root, AS_OF).documents


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def _left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_what_is_written_is_what_the_manifest_says(tmp_path: Path, documents: tuple[Document, ...]) -> None:
    out = tmp_path / "dist"
    assert write_documents(out, documents) == len(documents)
    written = _contents(out)
    manifest = json.loads(written.pop("manifest.json"))
    assert {each["path"] for each in manifest["documents"]} == set(written)
    for each in manifest["documents"]:
        compact = json.dumps(json.loads(written[each["path"]]), ensure_ascii=False, separators=(",", ":")).encode()
        assert each["digest"] == digest_of(compact)
        assert each["size"] == len(compact)
    assert _left(tmp_path) == ["dist"]


def test_a_document_that_is_gone_leaves_no_file(
    tmp_path: Path, documents: tuple[Document, ...], others: tuple[Document, ...]
) -> None:
    out = tmp_path / "dist"
    write_documents(out, documents)
    assert (out / "accounts/stark/ROUTER_POLICY.json").is_file()
    write_documents(out, others)
    assert not (out / "accounts/stark").exists()
    assert _left(tmp_path) == ["dist"]


class Failed(Exception):  # noqa: N818 - stands for anything
    """What goes wrong in the middle."""


def _failing(documents: tuple[Document, ...], error: BaseException) -> Iterator[Document]:
    yield from documents[:4]
    raise error


@pytest.mark.parametrize("error", [Failed(), KeyboardInterrupt(), MemoryError()], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("before", [True, False], ids=["over", "fresh"])
def test_a_failure_in_the_middle_changes_nothing(
    tmp_path: Path, documents: tuple[Document, ...], others: tuple[Document, ...], error: BaseException, before: bool
) -> None:
    out = tmp_path / "dist"
    if before:
        write_documents(out, others)
    old = _contents(out)
    with pytest.raises(type(error)):
        write_documents(out, _failing(documents, error))
    assert _contents(out) == old
    assert _left(tmp_path) == (["dist"] if before else [])


_FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from llmcompile.__main__ import main
sys.argv[0] = "llmcompile"
main()
"""


@pytest.mark.parametrize("limit", [0, 1000])
def test_a_full_disk_changes_nothing(tmp_path: Path, others: tuple[Document, ...], limit: int) -> None:
    root = copy_example(tmp_path / "repo")
    write_documents(root / "dist", others)
    old, left = _contents(root / "dist"), _left(root)
    result = _limited(root, limit)
    assert result.returncode == 5, result.stderr
    assert "nothing was changed" in result.stderr
    assert "Traceback" not in result.stderr
    assert _contents(root / "dist") == old
    assert _left(root) == left


def test_control_with_room_on_the_disk_it_changes(tmp_path: Path, others: tuple[Document, ...]) -> None:
    root = copy_example(tmp_path / "repo")
    write_documents(root / "dist", others)
    old = _contents(root / "dist")
    assert _limited(root, 1_000_000).returncode == 0
    assert _contents(root / "dist") != old


def _limited(root: Path, limit: int) -> subprocess.CompletedProcess[str]:
    # Coverage would want to write its own data on the full disk.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return subprocess.run(
        [sys.executable, "-B", "-c", _FULL, str(limit), "build"],
        cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


FOREIGN = {
    "a photograph": {"photo.jpg": "x"},
    "another manifest": {"manifest.json": '{"manifest_version": 3, "name": "an extension"}', "background.js": "x"},
    "a manifest that is no JSON": {"manifest.json": "{", "a": "b"},
    "a manifest that is a list": {"manifest.json": "[]"},
    "a manifest below": {"sub/manifest.json": '{"format": 1, "documents": []}'},
    "a hidden file": {".git/config": "x"},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_of_somebody_else_is_refused_untouched(tmp_path: Path, name: str) -> None:
    root = copy_example(tmp_path / "repo")
    out = tmp_path / "out"
    for file, text in FOREIGN[name].items():
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        (out / file).write_text(text, encoding="utf-8")
    old = _contents(out)
    result = run_cli("build", "--out", out, cwd=root)
    assert result.returncode == 4, result.stderr
    assert _contents(out) == old
    assert _left(tmp_path) == ["out", "repo"]


@pytest.mark.parametrize("kind", ["file", "link", "broken link", "root"])
def test_what_is_no_folder_of_ours_is_refused(tmp_path: Path, kind: str, documents: tuple[Document, ...]) -> None:
    root = copy_example(tmp_path / "repo")
    out = root if kind == "root" else tmp_path / "out"
    if kind == "file":
        out.write_text("mine", encoding="utf-8")
    elif kind != "root":
        if kind == "link":
            write_documents(tmp_path / "target", documents)
        out.symlink_to(tmp_path / "target")
    old, before = _left(tmp_path), out.is_symlink()
    with pytest.raises(RefusedError):
        write_documents(out, documents)
    assert _left(tmp_path) == old
    assert out.is_symlink() is before


def test_control_an_empty_folder_and_our_own_are_taken(tmp_path: Path, documents: tuple[Document, ...]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_documents(out, documents)
    write_documents(out, documents)
    write_documents(tmp_path / "deep/er/out", documents)
    assert _left(tmp_path) == ["deep", "out"]
    assert (out.stat().st_mode & 0o777) == 0o755


def test_a_place_that_cannot_be_written_is_the_world_outside(tmp_path: Path, documents: tuple[Document, ...]) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutsideError):
        write_documents(tmp_path / "file/out", documents)


class Reader(threading.Thread):
    """Opens the folder over and over; notes where it is missing, and where what it holds does not belong together."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self.out, self.stop = out, threading.Event()
        self.seen: set[str] = set()
        self.faults: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                folder = os.open(self.out, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                self.faults.append("missing")
                continue
            try:
                self._read(folder)
            finally:
                os.close(folder)

    def _read(self, folder: int) -> None:
        """One generation through its descriptor: it never changes, but for going away once it is replaced."""
        try:
            manifest = json.loads(_through(folder, "manifest.json"))
            for each in manifest["documents"]:
                data = json.loads(_through(folder, each["path"]))
                compact = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
                if digest_of(compact) != each["digest"]:
                    self.faults.append(f"mixed: {each['path']}")
            self.seen.add(digest_of(json.dumps(manifest).encode()))
        except ValueError:
            self.faults.append("half a file")
        except FileNotFoundError:
            # Allowed only of a folder that was replaced before: the name leads to another one by now.
            if os.fstat(folder).st_ino == self._inode():
                self.faults.append("incomplete")

    def _inode(self) -> int | None:
        try:
            return self.out.stat().st_ino
        except FileNotFoundError:
            self.faults.append("missing")
            return None


def _through(folder: int, path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY, dir_fd=folder)
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        return stream.read()


def _watched(out: Path, write: Callable[[int], object], *, enough: bool = True) -> Reader:
    """Write over and over until the reader has seen a fault, or ``enough``: both generations in a hundred rounds."""
    write(0)
    reader = Reader(out)
    reader.start()
    try:
        for index in range(1, 5000):
            write(index)
            if reader.faults or (index > 100 and len(reader.seen) > 1 and enough):
                break
    finally:
        reader.stop.set()
        reader.join()
    return reader


needs_exchange = pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two folders in one step")


@needs_exchange
def test_readers_see_the_old_or_the_new_folder(
    tmp_path: Path, documents: tuple[Document, ...], others: tuple[Document, ...]
) -> None:
    out = tmp_path / "dist"
    reader = _watched(out, lambda index: write_documents(out, (documents, others)[index % 2]))
    assert reader.faults == []
    assert len(reader.seen) == 2
    assert _left(tmp_path) == ["dist"]


@pytest.mark.parametrize("kind", ["in place", "removed first"])
def test_control_readers_notice_what_is_not_whole(
    tmp_path: Path, documents: tuple[Document, ...], others: tuple[Document, ...], kind: str
) -> None:
    out = tmp_path / "dist"
    sets = tmp_path / "0", tmp_path / "1"
    write_documents(sets[0], documents)
    write_documents(sets[1], others)

    def write(index: int) -> None:
        if kind == "removed first":
            shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(sets[index % 2], out, dirs_exist_ok=True)

    assert _watched(out, write, enough=False).faults


def test_builds_at_once_end_with_one_of_them(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    command = [sys.executable, "-m", "llmcompile", "build", "--out", str(tmp_path / "out")]
    running = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ends = [(each.communicate(timeout=60)[1], each.returncode) for each in running]
    assert all(code in (0, 5) for _, code in ends), ends
    assert any(code == 0 for _, code in ends)
    assert run_cli("build", "--out", tmp_path / "out", cwd=root).returncode == 0
    assert _left(tmp_path) == ["out", "repo"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from llmcompile.emit import dist

def documents():
    os.kill(os.getpid(), int(sys.argv[2]))
    yield

dist.replace(Path(sys.argv[1]), "documents", lambda folder: list(documents()))
"""


def test_what_a_killed_build_left_is_gone_after_the_next(tmp_path: Path, others: tuple[Document, ...]) -> None:
    out = tmp_path / "dist"
    write_documents(out, others)
    old = _contents(out)
    killed = subprocess.run([sys.executable, "-c", _KILLED, out, str(int(signal.SIGKILL))], check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert _contents(out) == old
    assert len(list(tmp_path.iterdir())) == 2  # the control: something was left
    write_documents(out, others)
    assert list(tmp_path.iterdir()) == [out]


def test_a_living_build_is_not_swept_away(tmp_path: Path, others: tuple[Document, ...]) -> None:
    out = tmp_path / "dist"

    def slow() -> Iterator[Document]:
        yield others[0]
        write_documents(out, others)  # another build, from start to end, in the middle of this one
        yield from others[1:]

    assert write_documents(out, slow()) == len(others)
    assert list(tmp_path.iterdir()) == [out]


def test_a_build_that_is_told_to_stop_leaves_nothing(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    for number in range(1000):
        path = root / "accounts" / f"more-{number}.yaml"
        path.write_text(f"account: more-{number}\nregion: europe-west6\n")
    before = _left(root)
    process = subprocess.Popen([sys.executable, "-m", "llmcompile", "build"], cwd=root, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(root.glob(".dist.*/*")):
        pass
    process.terminate()
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert _left(root) == before
    assert not (root / "dist").exists()
