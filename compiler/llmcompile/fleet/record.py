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
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import llmcompile
from llmcompile.fleet import codec
from llmcompile.fleet.stamps import Stamp

FORMAT = 1
_DAYS_KEPT = 30
_OURS = re.compile(r"[0-9a-f]{32}")
Print = dict[str, tuple[int, int, int]]
"""Of each file that was written, by its path: modified (nanoseconds), size (bytes), inode. Zeros for a folder."""
Digests = dict[str, str]
"""Of each document by its path: what the manifest says."""


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
    inside: bytes
    """What is in that folder, to be decoded by whoever writes there: a ``Print | None`` and ``Digests``."""
    parts: bytes
    """The accounts without errors, by their files: each as bytes of its own, to be decoded where it is asked for."""


def read(path: Path) -> tuple[Record | None, str]:
    """The record, or why there is none."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None, "nothing is known of this folder yet"
    if not raw.startswith(_key()):
        return None, "another version of llmcompile was here"
    key, digest, length = len(_key()), 32, 8
    head_at = key + digest + length
    size = int.from_bytes(raw[key + digest : head_at])
    if hashlib.sha256(memoryview(raw)[key + digest :]).digest() != raw[key : key + digest]:
        return None, "its file is damaged"
    files, result, made, written, length = marshal.loads(raw[head_at : head_at + size])  # noqa: S302 - ours, as the parts
    inside_at = head_at + size
    parts_at = inside_at + length
    return Record(files, result, made, written, raw[inside_at:parts_at], raw[parts_at:]), ""


def write(path: Path, record: Record) -> None:
    """Replace the file, and remove others that nobody has asked for. Raises ``OSError``."""
    head = marshal.dumps((record.files, record.result, record.made, record.written, len(record.inside)))
    _replace(path, head, record.inside + record.parts)
    _sweep(path.parent)


def _replace(path: Path, head: bytes, rest: bytes) -> None:
    """Write beside and rename: another process reads the old one or the new one."""
    body = len(head).to_bytes(8) + head + rest
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_key() + hashlib.sha256(body).digest() + body)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Remove what nobody has asked for in a month: each clone of a repository has a file of its own."""
    oldest = time.time() - _DAYS_KEPT * 86_400
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
