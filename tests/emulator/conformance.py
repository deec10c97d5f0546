"""What the conformance suite runs against: the local server, and the live project that LLMCOMPILE_LIVE_PROJECT names.

A live run creates secrets under a prefix of its own, deletes them after, and waits where the service is eventually
consistent. It needs application default credentials with roles/secretmanager.admin.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from google.api_core.exceptions import NotFound
from google.cloud.secretmanager_v1 import Secret, SecretManagerServiceClient, SecretVersion

from llmcompile_secretmanager_emulator import Emulator

T = TypeVar("T")
LIVE_PROJECT = "LLMCOMPILE_LIVE_PROJECT"
_PATIENCE = 120.0  # seconds until a live read must show a write


@dataclass
class Target:
    """A project to call. ``eventually`` reads once where ``patience`` is 0, until it fits or time is up elsewhere."""

    client: SecretManagerServiceClient
    project: str
    prefix: str
    patience: float
    pause: float = 2.0
    names: list[str] = field(default_factory=list)

    @property
    def parent(self) -> str:
        return f"projects/{self.project}"

    def name(self, secret_id: str) -> str:
        return f"{self.parent}/secrets/{secret_id}"

    def create(self, secret_id: str | None = None, **fields: Any) -> Secret:
        """A new secret, replicated automatically unless said otherwise."""
        secret_id = secret_id or f"{self.prefix}{uuid.uuid4().hex[:12]}"
        secret = {"replication": {"automatic": {}}, **fields}
        self.names.append(self.name(secret_id))
        return self.client.create_secret(parent=self.parent, secret_id=secret_id, secret=secret)

    def add(self, name: str, data: bytes, **checksum: int) -> SecretVersion:
        return self.client.add_secret_version(request={"parent": name, "payload": {"data": data, **checksum}})

    def filled(self, *payloads: bytes, **fields: Any) -> str:
        """The name of a new secret with a version for each payload."""
        name = self.create(**fields).name
        for data in payloads:
            self.add(name, data)
        return name

    def read(self, name: str, version: int | str) -> bytes:
        return self.client.access_secret_version(name=f"{name}/versions/{version}").payload.data

    def get(self, name: str) -> Secret:
        return self.eventually(lambda: self.client.get_secret(name=name), lambda _: True)

    def update(self, name: str, *paths: str, **fields: Any) -> Secret:
        request = {"secret": {"name": name, **fields}, "update_mask": {"paths": paths or list(fields)}}
        return self.client.update_secret(request=request)

    def eventually(self, read: Callable[[], T], fits: Callable[[T], bool]) -> T:
        end = time.monotonic() + self.patience
        while True:
            last = time.monotonic() >= end
            try:
                if fits(seen := read()):
                    return seen
                assert not last, seen
            except NotFound:  # a lagging read does not know it yet
                if last:
                    raise
            time.sleep(self.pause)

    def clean(self) -> None:
        for name in self.names:
            with suppress(NotFound):
                self.client.delete_secret(name=name)


@contextmanager
def local() -> Iterator[Target]:
    with Emulator() as server:
        yield Target(server.client(), server.project, "conformance-", 0)


@contextmanager
def lagging() -> Iterator[Target]:
    """As inconsistent as a live project may be: whatever holds here waits where it must."""
    with Emulator() as server:
        server.lag.set(calls=6, seed=1)
        yield Target(server.client(), server.project, "conformance-", patience=5, pause=0)


@contextmanager
def live() -> Iterator[Target]:
    project = os.environ.get(LIVE_PROJECT)
    if not project:
        pytest.skip(f"{LIVE_PROJECT} is not set: never run against the live service here")
    target = Target(SecretManagerServiceClient(), project, f"llmcompile-conformance-{uuid.uuid4().hex[:8]}-", _PATIENCE)
    try:
        yield target
    finally:
        target.clean()
