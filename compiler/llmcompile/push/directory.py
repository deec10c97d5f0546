"""The ``dir:`` store: a folder per secret, a file per version, readable by their owner alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from llmcompile.errors import OutsideError
from llmcompile.push.store import Version


class DirectoryStore:
    """Versions as files 1, 2, 3, ... in ``FOLDER/SECRET/``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self, secret: str) -> Version | None:
        """The version with the highest number."""
        try:
            number = self._highest(secret)
            return Version(number, (self._folder / secret / str(number)).read_bytes()) if number else None
        except OSError as error:
            raise OutsideError(f"cannot read {self._folder / secret}: {error.strerror}") from error

    def add(self, secret: str, payload: bytes) -> int:
        """Write the next version: aside first, then under its number in one step that never overwrites."""
        folder = self._folder / secret
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, aside = tempfile.mkstemp(prefix=".new-", dir=folder)  # created with 0600
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(payload)
                    stream.flush()
                    os.fsync(stream.fileno())
                number = self._highest(secret) + 1
                self._claim(Path(aside), folder / str(number))
            finally:
                Path(aside).unlink()
            _sync(folder)
        except OSError as error:
            raise OutsideError(f"cannot write {folder}: {error.strerror}") from error
        return number

    @staticmethod
    def _claim(aside: Path, version: Path) -> None:
        try:
            os.link(aside, version)
        except FileExistsError as error:
            message = f"someone else added a version to {version.parent} at the same time"
            raise OutsideError(message, "look at the plan, then run it again") from error

    def _highest(self, secret: str) -> int:
        folder = self._folder / secret
        names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
        return max((int(name) for name in names if name.isascii() and name.isdigit()), default=0)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
