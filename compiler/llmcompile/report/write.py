"""Writes the page into a folder of its own, as a whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

from llmcompile.emit import dist

PAGE = "index.html"


def write(out: Path, text: str) -> int:
    """Replace the folder ``out`` by the page and a manifest; the page's bytes.

    Raises ``RefusedError`` where the folder holds something else, ``OutsideError`` where the disk fails.
    """
    data = text.encode()

    def fill(fresh: Path) -> list[bytes]:
        (fresh / PAGE).write_bytes(data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return [dist.listed({"path": PAGE, "digest": digest, "size": len(data)})]

    dist.replace(out, "pages", fill)
    return len(data)
