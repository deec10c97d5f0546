"""The store itself: secrets and versions as values, and the rules by which calls change them. No gRPC, no I/O.

A state is a mapping that is never changed in place: every write makes a new one, so a lagging reader may keep an old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from llmcompile_secretmanager_emulator import rules
from llmcompile_secretmanager_emulator.errors import (
    RefusedError,
    invalid,
    malformed,
    no_secret,
    no_version,
    stale,
    wrong_state,
)
from llmcompile_secretmanager_emulator.names import secret_name, version_name

State = Literal["ENABLED", "DISABLED", "DESTROYED"]


@dataclass(frozen=True, slots=True)
class Version:
    """Times are seconds since the epoch. A destroyed version has no payload."""

    number: int
    state: State
    created: float
    etag: str
    payload: bytes | None = field(repr=False)
    checksum: int
    client_checksum: bool
    destroyed: float | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """``replicas`` are locations, empty for automatic replication; ``order`` counts creations."""

    project: int
    id: str
    order: int
    created: float
    etag: str
    replicas: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()

    @property
    def name(self) -> str:
        return secret_name(self.project, self.id)

    @property
    def latest(self) -> Version | None:
        """The most recently created version, whatever its state."""
        return self.versions[-1] if self.versions else None


Snapshot = Mapping[tuple[int, str], Secret]
"""Secrets by project number and id."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Fields of an update; None leaves a field as it is."""

    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    aliases: Mapping[str, int] | None = None


class Model:
    """The present state and its writes, each strongly consistent. A write that raises RefusedError changes nothing."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.state: Snapshot = {}
        self._now = now
        self._order = 0
        self._etag = 0

    def create(self, project: int, secret_id: str, replicas: tuple[str, ...], changes: Changes) -> Secret:
        rules.check_secret_id(secret_id)
        if (project, secret_id) in self.state:
            raise RefusedError("ALREADY_EXISTS", f"Secret [{secret_name(project, secret_id)}] already exists.")
        self._order += 1
        empty = Secret(project, secret_id, self._order, self._now(), "", replicas)
        return self._put(self._changed(empty, changes))

    def update(self, project: int, secret_id: str, changes: Changes, etag: str) -> Secret:
        secret = self._secret(project, secret_id)
        if etag not in {"", secret.etag}:
            raise stale(secret.name)
        return self._put(self._changed(secret, changes))

    def delete(self, project: int, secret_id: str, etag: str) -> None:
        secret = self._secret(project, secret_id)
        if etag not in {"", secret.etag}:
            raise stale(secret.name)
        self.state = {key: kept for key, kept in self.state.items() if key != (project, secret_id)}

    def add(self, project: int, secret_id: str, payload: bytes | None, checksum: int | None) -> Version:
        """A new version; the secret's own etag stays. ``payload`` is None if the request had none."""
        secret = self._secret(project, secret_id)
        if payload is None:
            raise invalid("Field [payload] is required.")
        rules.check_payload(payload, checksum)
        version = Version(
            number=len(secret.versions) + 1,  # versions are never removed, so a number is never used again
            state="ENABLED",
            created=self._now(),
            etag=self._next_etag(),
            payload=payload,
            checksum=rules.crc32c(payload),
            client_checksum=checksum is not None,
        )
        self._put(replace(secret, versions=(*secret.versions, version)))
        return version

    def set_state(self, project: int, secret_id: str, version: str, state: State, etag: str) -> Version:
        """Even a change to the state it has already gives a new etag. (?: that a second destroy is refused)"""
        secret = self._secret(project, secret_id)
        name = version_name(project, secret_id, version)
        if not version.isascii() or not version.isdigit():
            raise malformed(name)  # aliases, `latest` too, are for reading alone (?)
        old = version_by_number(secret, int(version))
        if old is None:
            raise no_version(name)
        if etag not in {"", old.etag}:
            raise stale(name)
        if old.state == "DESTROYED":
            raise wrong_state(name, old.state)
        new = replace(old, state=state, etag=self._next_etag())
        if state == "DESTROYED":
            new = replace(new, payload=None, destroyed=self._now())
        self._put(replace(secret, versions=tuple(new if v is old else v for v in secret.versions)))
        return new

    def _changed(self, secret: Secret, changes: Changes) -> Secret:
        labels = secret.labels if changes.labels is None else changes.labels
        annotations = secret.annotations if changes.annotations is None else changes.annotations
        aliases = secret.aliases if changes.aliases is None else changes.aliases
        rules.check_labels(labels)
        rules.check_annotations(annotations)
        rules.check_aliases(aliases, len(secret.versions))
        return replace(secret, labels=labels, annotations=annotations, aliases=aliases, etag=self._next_etag())

    def _secret(self, project: int, secret_id: str) -> Secret:
        try:
            return self.state[project, secret_id]
        except KeyError:
            raise no_secret(secret_name(project, secret_id)) from None

    def _put(self, secret: Secret) -> Secret:
        self.state = {**self.state, (secret.project, secret.id): secret}
        return secret

    def _next_etag(self) -> str:
        """Opaque, never given twice; the quotes belong to it. Google's look like microseconds in hexadecimal too."""
        self._etag = max(self._etag + 1, int(self._now() * 1e6))
        return f'"{self._etag:x}"'


def version_by_number(secret: Secret, number: int) -> Version | None:
    return secret.versions[number - 1] if 1 <= number <= len(secret.versions) else None
