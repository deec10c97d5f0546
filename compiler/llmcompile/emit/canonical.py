"""Values to bytes: the same input gives the same bytes everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from llmcompile.refs import Ref

# Plain data holds itself nowhere, and to look for that takes a tenth of the time.
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode


class Plain(dict[str, Any]):
    """A mapping that holds what JSON knows and nothing else, so that nobody walks through it again."""


_ATOMS = frozenset({Plain, str, bool, int, type(None)})
"""What is plain already."""


def plain(value: Any, of_ref: Callable[[Ref], str] = str) -> Any:
    """The value as JSON knows it; decimals become numbers, refs what ``of_ref`` says: their canonical text."""
    if type(value) in _ATOMS:  # nearly all of them
        return value
    if isinstance(value, dict):
        return {key: plain(item, of_ref) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, of_ref) for item in value]
    if isinstance(value, Ref):
        return of_ref(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)
    return value


def compact(data: Any) -> bytes:
    """Plain data as compact UTF-8: what stores hold and routers read."""
    return _COMPACT(data).encode()


def indented(data: Any) -> bytes:
    """Plain data for people to read in ``dist/``.

    Not with the standard library: its encoder is pure Python where it indents, and takes eight times as long.
    """
    return to_json(data, indent=2) + b"\n"


def digest(data: bytes) -> str:
    """SHA-256 in the form of the manifest."""
    return f"sha256:{sha256(data).hexdigest()}"


def money(amount: Decimal) -> str:
    """A price as an exact decimal string without an exponent or trailing zeros."""
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def instant(moment: datetime) -> str:
    """An instant as a UTC timestamp."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
