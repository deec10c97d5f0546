"""Reading a snapshot, which may be an old one: secrets, versions, pages. Every function raises RefusedError.

Pages are newest first, as the API says; its page on filters has them sorted by name (?), so build on neither.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from llmcompile_secretmanager_emulator import rules
from llmcompile_secretmanager_emulator.errors import invalid, no_secret, no_version, no_versions, wrong_state
from llmcompile_secretmanager_emulator.filters import secret_filter, version_filter
from llmcompile_secretmanager_emulator.model import Secret, Snapshot, Version, version_by_number
from llmcompile_secretmanager_emulator.names import secret_name, version_name

MAX_PAGE = 25_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``total`` is 0 where there is a filter; ``token`` is empty on the last page."""

    items: Sequence[T]
    token: str
    total: int


def get_secret(snapshot: Snapshot, project: int, secret_id: str) -> Secret:
    secret = snapshot.get((project, secret_id))
    if secret is None:
        raise no_secret(secret_name(project, secret_id))
    return secret


def get_version(snapshot: Snapshot, project: int, secret_id: str, version: str) -> Version:
    """``version`` is a number, an alias or `latest`. (?: the text for a number of a secret that does not exist)"""
    secret = snapshot.get((project, secret_id))
    if secret is None or not secret.versions:
        raise no_versions(secret_name(project, secret_id))
    if version == "latest":
        return secret.versions[-1]
    number = int(version) if version.isascii() and version.isdigit() else secret.aliases.get(version, 0)
    found = version_by_number(secret, number)
    if found is None:
        raise no_version(version_name(project, secret_id, version))
    return found


def access(snapshot: Snapshot, project: int, secret_id: str, version: str) -> tuple[Version, bytes]:
    """An enabled version and its payload."""
    found = get_version(snapshot, project, secret_id, version)
    if found.state != "ENABLED" or found.payload is None:
        raise wrong_state(version_name(project, secret_id, found.number), found.state)
    return found, found.payload


def list_secrets(snapshot: Snapshot, project: int, text: str, size: int, token: str) -> Page[Secret]:
    keep = secret_filter(text)
    secrets = sorted((s for s in snapshot.values() if s.project == project), key=_order, reverse=True)
    return _page(secrets, keep, _order, text, size, token)


def list_versions(secret: Secret, text: str, size: int, token: str) -> Page[Version]:
    return _page(secret.versions[::-1], version_filter(text), _number, text, size, token)


def _order(secret: Secret) -> int:
    return secret.order


def _number(version: Version) -> int:
    return version.number


def _page(
    newest_first: Sequence[T], keep: Callable[[T], bool], key: Callable[[T], int], text: str, size: int, token: str
) -> Page[T]:
    """A page goes on after the last item of the one before, so what is new meanwhile moves nothing."""
    if size < 0:
        raise invalid("Field [page_size] must not be negative.")
    size = min(size or MAX_PAGE, MAX_PAGE)
    before = _read_token(token, text) if token else None
    left = [item for item in newest_first if (before is None or key(item) < before) and keep(item)]
    more = _write_token(key(left[size - 1]), text) if len(left) > size else ""
    return Page(left[:size], more, 0 if text else len(newest_first))


def _write_token(last: int, text: str) -> str:
    return base64.urlsafe_b64encode(f"{last}:{rules.crc32c(text.encode())}".encode()).decode()


def _read_token(token: str, text: str) -> int:
    """A token belongs to the filter that it was made for."""
    try:
        last, filtered = base64.urlsafe_b64decode(token).decode().split(":")
        if int(filtered) == rules.crc32c(text.encode()):
            return int(last)
    except (ValueError, binascii.Error):
        pass
    raise invalid("The page token is not valid.")
