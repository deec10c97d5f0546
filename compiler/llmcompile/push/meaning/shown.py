"""How what stands in a document is shown in a fact. Fields that hold secrets have no function here.

Documents in a store may have been edited by hand: a key may stand where a name belongs. So URLs lose user and query,
what looks like a key is masked, and no name is longer than a line.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from llmcompile.literals import is_secret_field, mask

LONGEST = 120
"""Characters of a name."""
MOST = 20
"""Names of a list."""

_STEP = re.compile(r"[A-Za-z0-9_@/:-]+(\.[A-Za-z0-9_@/:-]+)*")


class Unclear(Exception):  # noqa: N818 - not an error: someone else may know what to say
    """A value of another type than the field has."""


class Name(str):
    """Text out of a document, as it may be shown."""

    __slots__ = ()


class Missing:
    """What stands for a key that a document does not have."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


def name(value: Any) -> Name:
    """A text. Raises ``Unclear`` for anything else."""
    return _name(text(value))


@lru_cache(maxsize=4096)
def _name(value: str) -> Name:
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in mask(value))
    return Name(f"{shown[: LONGEST - 1]}…" if len(shown) > LONGEST else shown)


def names(values: Any) -> Name:
    """A list of texts, the first twenty of them."""
    shown = [name(each) for each in texts(values)]
    more = f" and {len(shown) - MOST} more" if len(shown) > MOST else ""
    return Name(", ".join(shown[:MOST]) + more or "none")


def text(value: Any) -> str:
    """A text, unmasked: for comparisons. Raises ``Unclear``."""
    if not isinstance(value, str):
        raise Unclear
    return value


def texts(value: Any) -> list[str]:
    """A list of texts, unmasked: for comparisons. Raises ``Unclear``."""
    if not isinstance(value, list):
        raise Unclear
    return [text(each) for each in value]


def number(value: Any) -> str:
    """A number as it is written. Raises ``Unclear``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unclear
    return json.dumps(value)


def flag(value: Any) -> str:
    """True or false, as yes or no. Raises ``Unclear``."""
    if not isinstance(value, bool):
        raise Unclear
    return "yes" if value else "no"


def url(value: Any) -> Name:
    """A URL without what may be a secret in it: user, password, query and fragment."""
    try:
        parts = urlsplit(text(value))
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return Name("no URL")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return Name("no URL")
    hidden = "…" if parts.username is not None or parts.query or parts.fragment else ""
    return name(f"{parts.scheme}://{parts.hostname}{port}{parts.path}{hidden}")


def setting(key: str, value: Any) -> Name | None:
    """A value that may be anything; None where it is not shown: a structure, or what a secret may stand in."""
    if isinstance(value, dict | list) or is_secret_field(key):
        return None
    return name(json.dumps(value, ensure_ascii=False))


def route(steps: tuple[str, ...]) -> Name:
    """Where something stands in a document."""
    return name(".".join(each if _STEP.fullmatch(each) else f'"{each}"' for each in steps) or "the document")
