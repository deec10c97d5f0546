"""Rules from a JSON file, for servers that run as a process of their own: what tests in-process add in Python.

{"faults": [{"do": "error", "method": "AddSecretVersion", "nth": 3, "status": "ABORTED"}],
 "deny": [{"permission": "secretmanager.versions.add", "secret": "acme_*", "caller": "ci"}],
 "expire": {"ci": 5}}
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from llmcompile_secretmanager_emulator.errors import Status
from llmcompile_secretmanager_emulator.faults import Action, Fault
from llmcompile_secretmanager_emulator.permissions import Deny
from llmcompile_secretmanager_emulator.server import Emulator

T = TypeVar("T", Fault, Deny)
_CLOSED = {"do": get_args(Action), "status": get_args(Status)}


@dataclass(frozen=True, slots=True)
class Rules:
    faults: tuple[Fault, ...] = ()
    deny: tuple[Deny, ...] = ()
    expire: tuple[tuple[str, int], ...] = ()


def read_rules(file: Path) -> Rules:
    """Raises OSError, and ValueError where the file says what it cannot."""
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.keys() - {"faults", "deny", "expire"}:
        raise ValueError("must be an object of faults, deny and expire")
    faults = tuple(_made(Fault, item) for item in content.get("faults", []))
    deny = tuple(_made(Deny, item) for item in content.get("deny", []))
    return Rules(faults, deny, tuple(content.get("expire", {}).items()))


def apply_rules(rules: Rules, server: Emulator) -> None:
    """Replaces the rules of before; counts begin anew."""
    server.faults.clear()
    server.faults.add(*rules.faults)
    server.permissions.clear()
    server.permissions.rules.extend(rules.deny)
    for caller, after in rules.expire:
        server.permissions.expire(caller, after)


def _made(kind: type[T], item: Any) -> T:
    """``run`` is a function, so no file can give it."""
    known = {field.name for field in fields(kind)} - {"run"}
    if not isinstance(item, dict) or item.keys() - known:
        raise ValueError(f"{item!r} must be an object of {', '.join(sorted(known))}")
    for key, allowed in _CLOSED.items():
        if key in item and item[key] not in allowed:
            raise ValueError(f"{key} {item[key]!r} must be one of {', '.join(allowed)}")
    try:
        return kind(**item)
    except TypeError as error:
        raise ValueError(f"{item!r}: {error}") from None
