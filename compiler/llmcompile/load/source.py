"""One file as text: bounded, inside the root, UTF-8 and free of what editors and merges leave behind.

Nothing is parsed here.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.load.tree import Root

MAX_FILE_BYTES = 1024 * 1024
"""Far above any file that people review; a larger one is refused before it is read."""

_USUAL_BYTES = 32 * 1024
_CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7})( .*)?$|^={7}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """A file's path below the root and its text."""

    file: str
    text: str


def read(root: Root, file: str) -> Source | Diagnostic:
    """Read a file below the root, or say why it cannot be a configuration file."""
    raw = _on_disk(root, file) if isinstance(root, Path) else root.raw(file)
    return raw if isinstance(raw, Diagnostic) else _decode(file, raw)


def outside(file: str) -> Diagnostic:
    """That a file is a symbolic link out of the root."""
    hint = "keep the file inside the repository, where reviews see its changes"
    return Diagnostic("file-outside", "this symbolic link leaves the repository", Place(file, span=(0, 0)), hint)


def unreadable(file: str, why: str, *, link: bool) -> Diagnostic:
    """That a file cannot be read."""
    hint = "let the link lead to a file, or remove it" if link else ""
    return Diagnostic("file-unreadable", f"cannot be read: {why}", Place(file, span=(0, 0)), hint)


def too_large(file: str) -> Diagnostic:
    """That a file has more than ``MAX_FILE_BYTES``."""
    message = f"larger than {MAX_FILE_BYTES:,} bytes; it was not read"
    hint = "one file describes one account, region or model"
    return Diagnostic("file-too-large", message, Place(file, span=(0, 0)), hint)


def _on_disk(root: Path, file: str) -> bytes | Diagnostic:
    try:
        raw = _read_bounded(f"{root}/{file}", os.O_NOFOLLOW)
    except OSError:
        return _linked(root, file)
    return too_large(file) if raw is None else raw


def _linked(root: Path, file: str) -> bytes | Diagnostic:
    """What a link leads to, or why a file cannot be read."""
    path = root / file
    try:
        if leaves(root, path):
            return outside(file)
        raw = _read_bounded(str(path))
    except OSError as error:
        return unreadable(file, str(error.strerror), link=path.is_symlink())
    return too_large(file) if raw is None else raw


def leaves(root: Path, path: Path) -> bool:
    """Whether a path is a symbolic link out of the root. ``OSError`` where it leads nowhere."""
    if not path.is_symlink():
        return False
    path.stat()  # Path.resolve answers a loop of links with a RuntimeError before Python 3.13
    return not path.resolve().is_relative_to(root.resolve())


def _read_bounded(path: str, flags: int = 0) -> bytes | None:
    """What is in a file; None where it is too much. Not with ``open``, whose buffers take longer than most files."""
    # O_NONBLOCK: a FIFO in place of a file must not hang the check.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        raw = os.read(descriptor, _USUAL_BYTES)
        while len(raw) <= MAX_FILE_BYTES and (more := os.read(descriptor, MAX_FILE_BYTES)):
            raw += more
    finally:
        os.close(descriptor)
    return None if len(raw) > MAX_FILE_BYTES else raw


def _decode(file: str, raw: bytes) -> Source | Diagnostic:
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return Diagnostic(
            "file-bom",
            "starts with a byte order mark",
            Place(file, span=(0, 0)),
            "save it as UTF-8 without one",
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        at = len(raw[: error.start].decode("utf-8"))
        message = f"not UTF-8: byte 0x{raw[error.start]:02x}"
        # What follows cannot be shown; the text up to there can, so that the line is right.
        return Diagnostic("file-encoding", message, Place(file, span=(at, at)), "save it as UTF-8")
    return _left_behind(file, text) or Source(file, text)


def _left_behind(file: str, text: str) -> Diagnostic | None:
    if (at := text.find("\0")) >= 0:
        return Diagnostic("file-nul", "holds a NUL byte", Place(file, span=(at, at + 1)), "remove it")
    # The plain search first: a regular expression over every line of a fleet would cost as much as the parse.
    if any(each in text for each in ("<<<<<<<", "\n=======", ">>>>>>>")) and (found := _CONFLICT.search(text)):
        return Diagnostic(
            "file-conflict",
            "holds an unresolved merge conflict",
            Place(file, span=(found.start(), found.start() + 7)),
            "choose one side and remove the markers",
        )
    if (at := text.find("\t")) >= 0:
        return Diagnostic(
            "file-tab",
            "holds a tab",
            Place(file, span=(at, at + 1)),
            'indent with spaces; inside a value, write "\\t" in double quotes',
        )
    return None
