"""The part of the list filters that is modelled: `name:sub`, `labels.K=V`, `labels.K:*`, `state:S`, joined by AND.

Anything else is refused with INVALID_ARGUMENT; the real language knows more (OR, NOT, times, replication).
(?: the case of `state` values does not matter; `name:` looks at the whole resource name.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from llmcompile_secretmanager_emulator.errors import invalid
from llmcompile_secretmanager_emulator.model import Secret, Version

T = TypeVar("T")
_TERM = re.compile(r"(?P<field>[\w.-]+)\s*(?P<operator>[:=])\s*(?P<value>\"[^\"]*\"|[^\s\"():=]+)")
_AND = re.compile(r"\s+AND\s+")


def secret_filter(text: str) -> Callable[[Secret], bool]:
    return _all(text, _secret_term)


def version_filter(text: str) -> Callable[[Version], bool]:
    return _all(text, _version_term)


def _all(text: str, term: Callable[[str, str, str], Callable[[T], bool] | None]) -> Callable[[T], bool]:
    tests: list[Callable[[T], bool]] = []
    for part in _AND.split(text.strip()) if text.strip() else []:
        match = _TERM.fullmatch(part)
        test = term(match["field"], match["operator"], match["value"].strip('"')) if match else None
        if test is None:
            raise invalid(f"Filter [{text}] is not valid, or more than this local server models.")
        tests.append(test)
    return lambda item: all(test(item) for test in tests)


def _secret_term(field: str, operator: str, value: str) -> Callable[[Secret], bool] | None:
    head, _, key = field.partition(".")
    if head == "labels" and key and (operator, value) == (":", "*"):
        return lambda secret: key in secret.labels
    if head == "labels" and key and operator == "=":
        return lambda secret: secret.labels.get(key) == value
    if (field, operator) == ("name", ":"):
        return lambda secret: value in secret.name
    return None


def _version_term(field: str, operator: str, value: str) -> Callable[[Version], bool] | None:
    if field == "state" and value.upper() in {"ENABLED", "DISABLED", "DESTROYED"}:
        return lambda version: version.state == value.upper()
    return None
