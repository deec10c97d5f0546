"""The ``dir:`` store: a folder per secret, a file per version, readable by their owner alone.

``FOLDER/SECRET/secret.json`` has the labels and annotations, ``FOLDER/SECRET/N`` is a version, ``N.disabled`` and
``N.destroyed`` are what became of one. What changes something holds the lock of the whole store, for a moment.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from llmcompile.errors import OutsideError
from llmcompile.push.ownership import LABELS
from llmcompile.push.store import ConflictError, Held, State, Version, VersionInfo

_METADATA = "secret.json"
_STATES: tuple[State, ...] = ("enabled", "disabled", "destroyed")


class DirectoryStore:
    """Versions as files 1, 2, 3, ... in ``FOLDER/SECRET/``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def secrets(self) -> Iterable[Held]:
        """All of them."""
        with self._reading():
            names = [each.name for each in self._folder.iterdir() if each.is_dir()] if self._folder.is_dir() else []
        return [held for name in sorted(names) if (held := self.held(name))]

    def held(self, secret: str) -> Held | None:
        """One secret; a folder without metadata is somebody else's."""
        folder = self._folder / secret
        with self._reading():
            try:
                data = json.loads((folder / _METADATA).read_text(encoding="utf-8"))
                return Held(secret, dict(data["labels"]), dict(data["annotations"]), str(data["etag"]))
            except FileNotFoundError:
                return Held(secret, {}, {}, "0") if folder.is_dir() else None
            except (ValueError, KeyError, TypeError) as error:
                raise OutsideError(f"{folder / _METADATA} is broken", "put it right, or delete it and adopt") from error

    def read(self, secret: str, number: int) -> Version | None:
        """A version by its number."""
        path = self._folder / secret / str(number)
        with self._reading():
            try:
                return Version(number, path.read_bytes())
            except FileNotFoundError:
                found = [state for state in _STATES[1:] if path.with_name(f"{number}.{state}").exists()]
                return Version(number, None, found[0]) if found else None

    def versions(self, secret: str) -> Sequence[VersionInfo]:
        """All versions, newest first."""
        with self._reading():
            return [
                VersionInfo(number, state, datetime.fromtimestamp(path.stat().st_mtime, UTC))
                for number, (state, path) in sorted(self._files(secret).items(), reverse=True)
            ]

    def latest(self, secret: str) -> int | None:
        """The newest, where it is enabled."""
        listed = self.versions(secret)
        return listed[0].number if listed and listed[0].state == "enabled" else None

    def lacking(self, secret: str, *, exists: bool) -> Sequence[str]:
        """The one right that a folder has: to be written to."""
        there = self._folder / secret
        while not there.exists():
            there = there.parent
        return () if os.access(there, os.W_OK | os.X_OK) else (f"writing to {there}",)

    def create(self, secret: str, annotations: Mapping[str, str]) -> Held:
        """Make an empty secret."""
        with self._writing(secret) as folder:
            if folder.is_dir():
                raise ConflictError(f"{folder} is there already")
            folder.mkdir(mode=0o700)
            return self._describe(secret, LABELS, annotations, 1)

    def update(self, held: Held, annotations: Mapping[str, str]) -> Held:
        """Change a secret that still has this etag."""
        with self._writing(held.secret):
            now = self.held(held.secret)
            if now is None or now.etag != held.etag:
                raise ConflictError(f"{held.secret} was changed by someone else")
            return self._describe(held.secret, {**now.labels, **LABELS}, annotations, int(now.etag) + 1)

    def add(self, secret: str, payload: bytes) -> int:
        """Write the next version: aside first, then under its number in one step."""
        with self._writing(secret) as folder:
            number = max(self._files(secret), default=0) + 1
            _write(folder / str(number), payload)
            return number

    def enable(self, secret: str, number: int) -> None:
        """Make a version readable."""
        self._change(secret, number, "enabled")

    def disable(self, secret: str, number: int) -> None:
        """Make a version unreadable."""
        self._change(secret, number, "disabled")

    def destroy(self, secret: str, number: int) -> None:
        """Destroy a version."""
        self._change(secret, number, "destroyed")

    def _change(self, secret: str, number: int, state: State) -> None:
        with self._writing(secret) as folder:
            now, path = self._files(secret).get(number, ("destroyed", folder))
            if now == "destroyed":
                raise OutsideError(f"version {number} of {secret} is destroyed")
            if state == "destroyed":
                path.write_bytes(b"")
            path.rename(folder / (str(number) if state == "enabled" else f"{number}.{state}"))

    def _files(self, secret: str) -> dict[int, tuple[State, Path]]:
        folder, found = self._folder / secret, dict[int, tuple[State, Path]]()
        for path in folder.iterdir() if folder.is_dir() else ():
            number, _, state = path.name.partition(".")
            known = next((each for each in _STATES if each == (state or "enabled")), None)
            if known and number.isascii() and number.isdigit():
                found[int(number)] = known, path
        return found

    def _describe(self, secret: str, labels: Mapping[str, str], annotations: Mapping[str, str], etag: int) -> Held:
        data = {"labels": dict(labels), "annotations": dict(annotations), "etag": etag}
        _write(self._folder / secret / _METADATA, json.dumps(data, indent=2).encode())
        return Held(secret, data["labels"], data["annotations"], str(etag))  # type: ignore[arg-type]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutsideError(f"cannot read {error.filename or self._folder}: {error.strerror}") from error

    @contextmanager
    def _writing(self, secret: str) -> Iterator[Path]:
        """The secret's folder, while nobody else writes to the store."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield self._folder / secret
            finally:
                os.close(descriptor)
        except OSError as error:
            raise OutsideError(f"cannot write {self._folder / secret}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    """A file that is whole or not there, on the disk when this returns."""
    descriptor, aside = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # created with 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
