"""Where the documents come from: a variable, or the file that ``VARIABLE_FILE`` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llmrouter.documents import CUSTOMER, POLICY, PROVISIONED, Documents, parse
from llmrouter.reader import DocumentError


def load(environment: Mapping[str, str]) -> Documents:
    """Read and check all documents. Raises DocumentError."""
    return parse(*(_source(environment, name) for name in (CUSTOMER, PROVISIONED, POLICY)))


def _source(environment: Mapping[str, str], name: str) -> bytes | None:
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
