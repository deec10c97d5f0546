"""The file in which a cache lies: what it holds, read and written as a whole. Imports nothing that takes time.

It says itself whose words it holds, and whether it is damaged.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

import llmcompile
from llmcompile.fleet import codec
from llmcompile.fleet.stamps import Stamp

FORMAT = 1
DAYS_KEPT = 30
"""After which what nobody has asked for is removed."""
_DIGEST, _LENGTH = 32, 8
"""Bytes."""
Raw = bytes | memoryview
"""As ``marshal`` takes it; a view of what was read, since to copy megabytes takes its time."""
_OURS = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Record:
    """What a cache file holds."""

    files: dict[str, tuple[Stamp | None, str]]
    """The stamp and the digest of each file; a stamp of None vouches for nothing."""
    result: codec.Plain
    """What was said of the whole fleet, or None where there were errors."""
    made: tuple[str, int]
    """The digest of all documents that the files come to, and their number; of none where there were errors."""
    written: tuple[str, str] | None
    """The folder that documents were written to, and the digest of them all."""
    inside: Raw
    """What is in that folder: a ``Written``, to be decoded by whoever writes there."""
    spare: Raw
    """The same of the folder that was kept aside; empty where there is none."""
    parts: dict[str, Raw]
    """The accounts without errors, by their files: each to be decoded where it is asked for."""


def read(path: Path) -> tuple[Record | None, str]:
    """The record, or why there is none."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None, "nothing is known of this folder yet"
    if not raw.startswith(_key()):
        return None, "another version of llmcompile was here"
    view = memoryview(raw)[len(_key()) :]
    digest, body = view[:_DIGEST], view[_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None, "its file is damaged"
    head, rest = _cut(body[_LENGTH:], int.from_bytes(body[:_LENGTH]))
    files, result, made, written, sizes, names, each = marshal.loads(head)  # noqa: S302 - our own
    inside, rest = _cut(rest, sizes[0])
    spare, rest = _cut(rest, sizes[1])
    ends = pairwise((0, *accumulate(each)))
    parts: dict[str, Raw] = {name: rest[start:end] for name, (start, end) in zip(names, ends, strict=True)}
    return Record(files, result, made, written, inside, spare, parts), ""


def _cut(view: memoryview, at: int) -> tuple[memoryview, memoryview]:
    return view[:at], view[at:]


def write(path: Path, record: Record) -> None:
    """Replace the file, and remove others that nobody has asked for. Raises ``OSError``."""
    sizes, each = (len(record.inside), len(record.spare)), list(map(len, record.parts.values()))
    known = record.files, record.result, record.made, record.written
    head = marshal.dumps((*known, sizes, list(record.parts), each))
    _replace(path, (len(head).to_bytes(_LENGTH), head, record.inside, record.spare, *record.parts.values()))
    _sweep(path.parent)


def _replace(path: Path, body: Sequence[Raw]) -> None:
    """Write beside and rename: another process reads the old one or the new one."""
    hashed = hashlib.sha256()
    for each in body:
        hashed.update(each)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines((_key(), hashed.digest(), *body))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Remove what nobody has asked for in a month: each clone of a repository has a file of its own."""
    oldest = time.time() - DAYS_KEPT * 86_400
    for each in folder.iterdir():
        with suppress(OSError):
            if _OURS.fullmatch(each.name) and each.stat().st_mtime < oldest:
                each.unlink(missing_ok=True)


@cache
def _key() -> bytes:
    """Whose words these are: this code, with the libraries that decide what it says. 32 bytes."""
    hashed = hashlib.sha256(f"{sys.version}\0{FORMAT}".encode())
    places = [Path(llmcompile.__file__).parent]
    for name in ("pydantic", "pydantic_core", "yaml", "jsonschema_rs"):
        found = importlib.util.find_spec(name)
        if found and found.origin:
            status = Path(found.origin).stat()
            hashed.update(f"{found.origin}\0{status.st_mtime_ns}\0".encode())
    while places:
        with os.scandir(places.pop()) as entries:
            for each in sorted(entries, key=lambda entry: entry.name):
                if each.is_dir(follow_symlinks=False):
                    places += [Path(each.path)] if each.name != "__pycache__" else []
                else:
                    status = each.stat()
                    hashed.update(f"{each.path}\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
    return hashed.digest()
