"""Refs: pointers to secrets, parsed and never resolved here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

SYNTAX = "ref+gcpsecrets://PROJECT/SECRET[?version=N][#/json/pointer], ref+env://NAME or ref+file://PATH"

_GCP = re.compile(
    r"(?P<project>[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{1,20})/(?P<secret>[A-Za-z0-9_-]{1,255})"
    r"(\?version=(?P<version>[1-9][0-9]{0,9}|latest))?(#(?P<pointer>/[^#\s]*))?"
)
_RESOURCE = re.compile(r"projects/(?P<project>[^/]+)/secrets/(?P<secret>[^/]+)(/versions/(?P<version>[^/]+))?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"[^\s#?\0][^\0#]*?(#(?P<pointer>/[^#\s]*))?")


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to a secret's value."""

    scheme: Literal["gcpsecrets", "env", "file"]
    target: str
    """``PROJECT/SECRET``, a variable's name, or a path."""
    version: int | None = None
    """The pinned version; None: the newest."""
    pointer: str = ""
    """A JSON pointer into the value; empty: the whole value."""

    def __str__(self) -> str:
        version = f"?version={self.version}" if self.version else ""
        return f"ref+{self.scheme}://{self.target}{version}" + (f"#{self.pointer}" if self.pointer else "")


def parse(text: str) -> Ref | None:
    """The ref that the text is, in any of the accepted spellings; None where it is none."""
    for prefix, read in _READERS.items():
        if text.startswith(prefix):
            return read(text.removeprefix(prefix))
    return _gcp(_RESOURCE, text) if text.startswith("projects/") else None


def _gcp(pattern: re.Pattern[str], text: str) -> Ref | None:
    found = pattern.fullmatch(text)
    if not found:
        return None
    parts = found.groupdict()
    version = parts["version"] or "latest"
    target = f"{parts['project']}/{parts['secret']}"
    canonical = target + (f"?version={version}" if version != "latest" else "")
    if pattern is _RESOURCE:
        return _gcp(_GCP, canonical)
    return Ref("gcpsecrets", target, None if version == "latest" else int(version), parts["pointer"] or "")


def _env(text: str) -> Ref | None:
    return Ref("env", text) if _NAME.fullmatch(text) else None


def _file(text: str) -> Ref | None:
    found = _PATH.fullmatch(text)
    if not found:
        return None
    pointer = found["pointer"] or ""
    return Ref("file", text.removesuffix(f"#{pointer}") if pointer else text, pointer=pointer)


def _gcpsecrets(text: str) -> Ref | None:
    return _gcp(_GCP, text)


_READERS: dict[str, Callable[[str], Ref | None]] = {
    "ref+gcpsecrets://": _gcpsecrets,
    "ref+env://": _env,
    "ref+file://": _file,
    "os.environ/": _env,
    "sm://": _gcpsecrets,
}
