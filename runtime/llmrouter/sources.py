"""Where the documents come from: a variable, or the file that ``VARIABLE_FILE`` names and that may change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from llmrouter.documents import CUSTOMER, POLICY, PROVISIONED, Documents, parse
from llmrouter.reader import DocumentError

Stamp = tuple[tuple[int, int, int] | None, ...]

_NAMES = (CUSTOMER, PROVISIONED, POLICY)


def load(environment: Mapping[str, str]) -> Documents:
    """Read and check all documents. Raises DocumentError."""
    return parse(*(source(environment, name) for name in _NAMES))


def stamp(environment: Mapping[str, str]) -> Stamp:
    """What differs once a file has changed, behind whatever symbolic links; it costs no reading."""
    found: list[tuple[int, int, int] | None] = []
    for path in (environment.get(f"{name}_FILE") for name in _NAMES):
        found.append(None)
        with suppress(OSError, ValueError):
            if path is not None:
                state = os.stat(path)  # noqa: PTH116 - pathlib would add nothing
                found[-1] = state.st_ino, state.st_mtime_ns, state.st_size
    return tuple(found)


def source(environment: Mapping[str, str], name: str) -> bytes | None:
    """What a variable or its file holds; None: neither is set. Raises DocumentError."""
    inline, path = environment.get(name), environment.get(f"{name}_FILE")
    if inline is not None and path is not None:
        raise DocumentError(name, "$", f"{name} and {name}_FILE are both set", f"unset one of {name} and {name}_FILE")
    if inline is not None:
        return inline.encode(errors="surrogateescape")
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no usable path"
        raise DocumentError(
            f"{name}_FILE", "$", f"cannot be read: {reason}", "mount the file, or name another"
        ) from None
