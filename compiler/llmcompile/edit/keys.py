"""Router keys: made here, told once by the caller, written as a hash."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Collection

from llmcompile.edit.draft import Draft
from llmcompile.edit.render import Braces
from llmcompile.errors import UsageError
from llmcompile.inputs.account import Account
from llmcompile.literals import quote
from llmcompile.suggest import did_you_mean

# As other services begin their keys: scanners, and `check` itself, know one that landed where it does not belong.
PREFIX = "sk-llmr-"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43
"""256 bits of it."""


def new_key() -> str:
    """A key that nobody has seen yet."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def hashed(key: str) -> str:
    """What the YAML says of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def add_key(draft: Draft, account: Account, name: str, sha256: str, team: str | None, tier: str | None) -> Draft:
    """The account's file with the key, last. ``UsageError`` where the id is taken or there is no such team."""
    if any(each.id == name for each in account.keys):
        raise UsageError(f"there is a key {quote(name)} already", "a key is replaced by one of another id")
    if team is not None:
        known("team", team, account.teams, "declare it under teams:")
    key = {"id": name, "team": team, "tier": tier, "sha256": sha256}
    return draft.put(("keys",), None, Braces({field: value for field, value in key.items() if value is not None}))


def known(what: str, name: str, names: Collection[str], otherwise: str) -> None:
    """Refuse a name that is not declared; nothing is checked after a key was told."""
    if name not in names:
        raise UsageError(f"no {what} {quote(name)}", did_you_mean(name, names, otherwise))
