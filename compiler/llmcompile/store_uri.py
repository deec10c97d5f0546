"""Store URIs: which kind, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

STORE_FORMS = "dir:PATH or gcpsecrets://PROJECT"
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class StoreUri:
    """A parsed store URI."""

    kind: Literal["dir", "gcpsecrets"]
    target: str
    """A folder's path, or a project's id."""

    def __str__(self) -> str:
        return f"dir:{self.target}" if self.kind == "dir" else f"gcpsecrets://{self.target}"


def parse_uri(text: str) -> StoreUri | None:
    """The store that the text names; None where it is no store URI."""
    if text.startswith("dir:") and text != "dir:" and text.isprintable():
        return StoreUri("dir", text.removeprefix("dir:"))
    project = text.removeprefix("gcpsecrets://")
    return StoreUri("gcpsecrets", project) if project != text and _PROJECT.fullmatch(project) else None
