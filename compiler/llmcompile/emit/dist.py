"""Writes ``dist/`` as a whole or not at all, and each folder in it that is a target's. No secret ever gets here."""

from __future__ import annotations

import ctypes
import fcntl
import glob
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llmcompile.emit.canonical import digest, indented
from llmcompile.errors import OutsideError, RefusedError

if TYPE_CHECKING:
    from llmcompile.emit.documents import Made

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
KUBERNETES = "kubernetes"
"""The folder inside of ``dist/`` that ``--target kubernetes`` replaces, alone."""
Holds = Literal["documents", "routers", "pages"]
"""What a folder's manifest lists; a build replaces only what one of its own kind has written."""
Aside = AbstractContextManager[Path]
"""A folder for the time of a build."""
_IN_LIST = b" " * 4
_ASIDE = ".llmcompile-build"
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def replace(
    out: Path, holds: Holds, fill: Callable[[Path], list[bytes]], aside: Callable[[Path], Aside] | None = None
) -> int:
    """Replace the folder ``out`` by what ``fill`` writes and a manifest of what it gives as ``listed``; the number.

    ``aside`` has the folder that is filled, in which afterwards lies what was there before; by default one ``beside``.
    Raises ``RefusedError`` where the folder holds something else, ``OutsideError`` where the disk fails; the folder
    is then as it was.
    """
    if out.is_symlink() or (out.exists() and not _is_ours(out, holds)):
        raise RefusedError(
            f"{out} was not written by this command: it holds no {MANIFEST} of {holds}",
            "choose another --out, or empty it first",
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _sweep(out)
        with (aside or beside)(out) as fresh:
            entries = fill(fresh)
            _create(f"{fresh}/{MANIFEST}", _manifest(holds, entries))
            fresh.chmod(0o755)
            _replace(fresh, out)
    except OSError as error:
        raise OutsideError(f"cannot write {out}: {error.strerror}", "nothing was changed; run it again") from error
    return len(entries)


def listed(said: dict[str, Any]) -> bytes:
    """What a manifest lists, as it stands in it."""
    return _IN_LIST + indented(said)[:-1].replace(b"\n", b"\n" + _IN_LIST)


def _manifest(holds: Holds, entries: list[bytes]) -> bytes:
    head = indented({"format": MANIFEST_FORMAT, holds: []})
    if not entries:
        return head
    start, end = head.split(b"]")
    return b"%b\n%b\n  ]%b" % (start, b",\n".join(entries), end)


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """A new folder beside ``out`` for the time of a build; its lock says that the build lives."""
    made: list[Path] = []
    held: list[int] = []
    try:  # from before it is there: whoever stops a build may do so at any instant
        with _locked(out.parent):  # between its creation and its lock, no other build may take it for a leftover
            made.append(Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=_ASIDE, dir=out.parent)))
            held.append(_lock(made[0], fcntl.LOCK_EX))
        yield made[0]
    finally:
        for fresh in made:
            shutil.rmtree(fresh, ignore_errors=True)
        for lock in held:
            os.close(lock)


def _sweep(out: Path) -> None:
    """Remove what killed builds left: folders aside that no living build holds."""
    with _locked(out.parent):
        for left in out.parent.glob(f".{glob.escape(out.name)}.*{_ASIDE}"):
            with suppress(OSError), _locked(left, fcntl.LOCK_NB):
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    lock = _lock(folder, fcntl.LOCK_EX | how)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, how: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_ours(out: Path, holds: Holds) -> bool:
    """Whether the folder is empty or holds our manifest; other tools have files of that name too."""
    if not out.is_dir():
        return False
    try:
        raw = (out / MANIFEST).read_bytes()
        if raw.startswith(_manifest(holds, []).partition(b"]")[0]):  # to read one of a large fleet takes its time
            return True
        manifest = json.loads(raw)
    except FileNotFoundError:
        return all(holds == "documents" and _is_a_targets(each) for each in out.iterdir())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.keys() == {"format", holds}


def _is_a_targets(inside: Path) -> bool:
    """Whether a target has written this into a ``dist/`` that had no documents yet."""
    return inside.name.endswith(_ASIDE) or (inside.name == KUBERNETES and _is_ours(inside, "routers"))


def put(folder: Path, made: Made) -> None:
    """Write a document below the folder, in place of any that is there."""
    _create(f"{folder}/{made.document.path}", indented(made.data))


def _create(path: str, data: bytes) -> None:
    """Write a new file: what is there may be held by a link, and is not written to."""
    try:
        descriptor = os.open(path, _FRESH, 0o666)
    except FileNotFoundError:  # the first of its folder
        _make_folder(os.path.dirname(path))
        descriptor = os.open(path, _FRESH, 0o666)
    except FileExistsError:
        os.unlink(path)
        descriptor = os.open(path, _FRESH, 0o666)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path)
    except FileNotFoundError:  # the first of all
        os.makedirs(path, exist_ok=True)


class Entry(NamedTuple):
    """What a manifest lists of a document."""

    path: str
    """Below the folder."""
    digest: str
    text: bytes
    """All that is listed, as it stands in the manifest: made where the document is, by as many processes."""


def entry(made: Made) -> Entry:
    """What the manifest says of a document."""
    document, encoded = made.document, made.encoded
    path, hashed = document.path, digest(encoded)
    said = {
        "name": document.kind,
        "secret": document.secret,
        "path": path,
        "digest": hashed,
        "size": len(encoded),  # bytes, as stores hold it
        "sources": document.sources,
    }
    return Entry(path, hashed, listed(said))


def _replace(fresh: Path, out: Path) -> None:
    """Swap the two folders in one step; afterwards ``fresh`` is what was there before, or gone."""
    if not out.exists() or not any(out.iterdir()):
        os.rename(fresh, out)  # rename(2) replaces an empty folder; Path.rename promises less
    elif not _exchange(fresh, out):
        aside = fresh.with_name(fresh.name + ".old")
        os.rename(out, aside)
        try:
            os.rename(fresh, out)
        except OSError:
            os.rename(aside, out)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Linux's atomic exchange of two paths; False where the system or the file system has none."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    done: int = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
