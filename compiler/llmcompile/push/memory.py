"""The fakes of the ports: a store in memory, and secrets that refs point to, for tests of what is built on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from llmcompile.push.ownership import LABELS
from llmcompile.push.resolve import UnresolvedError
from llmcompile.push.store import ConflictError, Held, State, Version, VersionInfo


class MemoryStore:
    """Secrets in memory. ``before`` is called with each call's name and secret, and may raise."""

    def __init__(self, before: Callable[[str, str], None] = lambda call, secret: None) -> None:
        self.kept: dict[str, Held] = {}
        self.payloads: dict[str, list[Version]] = {}
        self.created: datetime = datetime(2026, 1, 1, tzinfo=UTC)
        self._before = before

    def secrets(self) -> Iterable[Held]:
        """All of them."""
        self._before("secrets", "")
        return list(self.kept.values())

    def held(self, secret: str) -> Held | None:
        """One secret."""
        self._before("held", secret)
        return self.kept.get(secret)

    def read(self, secret: str, number: int) -> Version | None:
        """A version by its number."""
        self._before("read", secret)
        versions = self.payloads.get(secret, [])
        if not 1 <= number <= len(versions):
            return None
        found = versions[number - 1]
        return found if found.state == "enabled" else replace(found, payload=None)

    def versions(self, secret: str) -> Sequence[VersionInfo]:
        """All versions, newest first."""
        self._before("versions", secret)
        return [VersionInfo(each.number, each.state, self.created) for each in reversed(self.payloads.get(secret, []))]

    def latest(self, secret: str) -> int | None:
        """The newest created, where it is enabled."""
        self._before("latest", secret)
        versions = self.payloads.get(secret)
        return versions[-1].number if versions and versions[-1].state == "enabled" else None

    def lacking(self, secret: str, *, exists: bool) -> Sequence[str]:
        """Nothing is forbidden here."""
        self._before("lacking", secret)
        return ()

    def create(self, secret: str, annotations: Mapping[str, str]) -> Held:
        """Make an empty secret."""
        self._before("create", secret)
        if secret in self.kept:
            raise ConflictError(f"{secret} is there already")
        self.kept[secret] = Held(secret, LABELS, dict(annotations), '"1"')
        self.payloads[secret] = []
        return self.kept[secret]

    def update(self, held: Held, annotations: Mapping[str, str]) -> Held:
        """Change a secret that still has this etag."""
        self._before("update", held.secret)
        now = self.kept[held.secret]
        if now.etag != held.etag:
            raise ConflictError(f"{held.secret} was changed by someone else")
        etag = f'"{int(now.etag.strip(chr(34))) + 1}"'
        self.kept[held.secret] = replace(now, labels={**now.labels, **LABELS}, annotations=dict(annotations), etag=etag)
        return self.kept[held.secret]

    def add(self, secret: str, payload: bytes) -> int:
        """Add a version."""
        self._before("add", secret)
        versions = self.payloads[secret]
        versions.append(Version(len(versions) + 1, payload))
        return len(versions)

    def enable(self, secret: str, number: int) -> None:
        """Make a version readable."""
        self._set(secret, number, "enabled")

    def disable(self, secret: str, number: int) -> None:
        """Make a version unreadable."""
        self._set(secret, number, "disabled")

    def destroy(self, secret: str, number: int) -> None:
        """Destroy a version."""
        self._set(secret, number, "destroyed")

    def _set(self, secret: str, number: int, state: State) -> None:
        self._before(state, secret)
        self.payloads[secret][number - 1] = replace(self.payloads[secret][number - 1], state=state)


class MemorySource:
    """The fake of what refs to Secret Manager are read from; ``reads`` counts."""

    def __init__(self, payloads: Mapping[str, Sequence[bytes]]) -> None:
        self._payloads = payloads
        self.reads: list[tuple[str, int | None]] = []

    def access(self, target: str, version: int | None) -> Version:
        """A version of ``PROJECT/SECRET``; None: the latest."""
        self.reads.append((target, version))
        held = self._payloads.get(target, ())
        number = version or len(held)
        if not 1 <= number <= len(held):
            raise UnresolvedError(f"no version {version or 'latest'} of secret {target}")
        return Version(number, held[number - 1])
