"""What is known of a fleet from the last time, by the content of its files: of no consequence but time.

One file for each repository in the user's own cache folder, never in the repository, whose authors must not decide what
a check says. It holds what was said and what the manifest lists, no document and no secret, and may be deleted at any
time. What does not fit is as good as nothing. Imports nothing that takes time.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llmcompile.diagnostics import has_errors
from llmcompile.fleet import codec
from llmcompile.fleet.record import Raw, Record, read, write
from llmcompile.fleet.result import Fleet
from llmcompile.fleet.stamps import Stamp, settled, stamps
from llmcompile.fleet.written import Written, prints
from llmcompile.load.root import PROJECT_FILE

if TYPE_CHECKING:
    from llmcompile.emit.dist import Entry
    from llmcompile.fleet.one import One

Span = tuple[datetime | None, datetime | None]
"""The instants between which a fleet's problems are the same, both exclusive; None: without bound."""


@dataclass(slots=True)
class Cache:
    """What is known of one repository."""

    root: Path
    path: Path
    now: dict[str, Stamp]
    """The files as they are, before any of them is read."""
    record: Record | None
    clock: Callable[[], int]
    said: list[str] = field(default_factory=list)
    """Why it helped or did not, for ``--stats``."""
    _same: dict[str, bool] = field(default_factory=dict)
    _changed: bool = False

    @classmethod
    def of(cls, root: Path, folder: Path | None = None, clock: Callable[[], int] = time.time_ns) -> Cache | None:
        """The repository's cache in a folder, the user's own by default; None where there can be none.

        ``clock`` (nanoseconds) tells whether a stamp is old enough to vouch for its file.
        """
        folder, now = folder or user_folder(), stamps(root)
        if folder is None or now is None or not _is_private(folder):
            return None
        path = folder / hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        record, why = read(path)
        return cls(root, path, now, record, clock, [why] if why else [])

    def unchanged(self, as_of: datetime) -> Fleet | None:
        """What was said the last time, where every file is what it was and no date has passed."""
        if self.record is None or not self._all_same(""):
            return None
        fleet = self._at(as_of)
        if fleet:
            self.said.append("nothing has changed")
        return fleet

    def _at(self, as_of: datetime) -> Fleet | None:
        """What was said the last time, where no date has passed."""
        if self.record is None or self.record.result is None:
            return None
        scope, at, span, said = self.record.result
        after, before = (codec.instant_in(each) if each else None for each in span)
        between = (after is None or after < as_of) and (before is None or as_of < before)
        if not between and codec.instant_out(as_of) != at:
            self.said.append("a date that counts lies between the last time and this one")
            return None
        return Fleet(scope, tuple(map(codec.diagnostic_in, said)))

    def edited(self) -> list[str] | None:
        """The files of accounts that have changed; None where any other has, or where one has come or gone."""
        if self.record is None or list(self.now) != list(self.record.files) or not self._shared_same():
            return None
        return [file for file in self.now if not self.same(file)]

    def alike(self, fresh: Sequence[One], as_of: datetime) -> Fleet | None:
        """What was said the last time, where these accounts alone have changed, and nobody else can tell.

        All that is said of a fleet follows from its shared files and from what is left of each account: from its
        facts, its findings and what is said of it. Where these are the same, so is the rest. Learns the accounts.
        """
        fleet = self._at(as_of)
        if self.record is None or fleet is None:
            return None
        parts, files = dict(self.record.parts), dict(self.record.files)
        for one in fresh:
            data = one.out()
            if one.file not in parts or marshal.loads(parts[one.file])[2:5] != data[2:5]:  # noqa: S302
                return None
            parts[one.file], files[one.file] = marshal.dumps(data), (None, one.digest)
        # Nobody has looked at the documents of all: the next build finds them changed.
        self.record = replace(self.record, files=files, made=("", 0), parts=parts)
        self._changed = True
        differ = f"{len(fresh):,} of {len(parts):,} accounts differ, in nothing that is said of them or others"
        self.said.append(differ if fresh else f"{len(parts):,} of {len(parts):,} accounts are as they were")
        return fleet

    def known(self) -> dict[str, One]:
        """The accounts that come to what they came to the last time: their files are the same, and what they share."""
        if self.record is None:
            return {}
        if not self._shared_same():
            self.said.append(f"{PROJECT_FILE}, a model or a region has changed, and with it any account")
            return {}
        from llmcompile.fleet.one import One

        parts = self.record.parts
        there = {file: data for file, data in parts.items() if file in self.now and self.same(file)}
        found = {file: One.back(marshal.loads(data)) for file, data in there.items()}  # noqa: S302 - our own
        accounts = sum(file.startswith("accounts/") for file in self.now)
        self.said.append(f"{len(found):,} of {accounts:,} accounts are as they were")
        return found

    def entries(self) -> dict[str, tuple[Entry, ...]]:
        """What the manifest lists of each account that is known, by its file."""
        from llmcompile.emit.dist import Entry

        parts = self.record.parts if self.record else {}
        return {file: tuple(map(Entry._make, marshal.loads(data)[5])) for file, data in parts.items()}  # noqa: S302 - our own

    @property
    def spare(self) -> Path:
        """Where the folder of the build before the last lies, if there is one."""
        return self.path.parent / "spare" / self.path.name

    @property
    def documents(self) -> int:
        """How many documents the files come to."""
        return self.record.made[1] if self.record else 0

    def shared_digests(self) -> dict[str, str]:
        """The digest of each file that accounts share, as it is: what decides for all of them goes by no stamp."""
        found = {file: digest_of(self.root / file) for file in self.now if not file.startswith("accounts/")}
        if self.record is not None:
            known = self.record.files
            self._same |= {file: bool(each) and known.get(file, (None, ""))[1] == each for file, each in found.items()}
        return found

    def _shared_same(self) -> bool:
        return self._all_same("models/", "regions/", PROJECT_FILE)

    def _all_same(self, *starts: str) -> bool:
        assert self.record is not None  # noqa: S101 - the caller asked
        names = [each for each in self.now if each.startswith(starts)]
        return names == [each for each in self.record.files if each.startswith(starts)] and all(map(self.same, names))

    def same(self, file: str) -> bool:
        """Whether a file holds what it held: by its stamp, else by what is in it."""
        if file not in self._same:
            stamp, digest = self.record.files.get(file, (None, "")) if self.record else (None, "")
            self._same[file] = stamp == self.now[file]
            if not self._same[file]:
                self._same[file] = bool(digest) and digest_of(self.root / file) == digest
                self._changed = True
        return self._same[file]

    def keep(
        self,
        shared: dict[str, str],
        accounts: Sequence[One],
        fleet: Fleet,
        as_of: datetime,
        span: Span,
    ) -> None:
        """Learn what was found; ``shared`` are the digests of the shared files, ``span`` how long the problems hold."""
        files = shared | {each.file: each.digest for each in accounts}
        bounds = tuple([codec.instant_out(each) if each else None for each in span])
        said = tuple(map(codec.diagnostic_out, fleet.diagnostics))
        result = None if fleet.failed else (fleet.scope, codec.instant_out(as_of), bounds, said)
        fine = [each for each in accounts if each.facts and not has_errors(each.diagnostics)]
        parts: dict[str, Raw] = {each.file: marshal.dumps(each.out()) for each in fine}
        stamped: dict[str, tuple[Stamp | None, str]] = {file: (None, files.get(file, "")) for file in self.now}
        entries = () if fleet.failed else fleet.entries
        before = (self.record.written, self.record.inside, self.record.spare) if self.record else (None, b"", b"")
        made = _of_all(entries), len(entries)
        self.record, self._changed = Record(stamped, result, made, *before, parts), True

    def wrote(self, out: Path, entries: Sequence[Entry], written: Written) -> None:
        """Learn that these documents are in this folder now, and that what was there before lies aside."""
        if self.record is not None:
            every = _of_all(entries)
            spare = self.record.inside if self._wrote_to(out) else b""
            written_to, inside = (str(out), every), written.out()
            made = every, len(entries)
            self.record = replace(self.record, made=made, written=written_to, inside=inside, spare=spare)
            self._changed = True

    def is_written(self, out: Path) -> bool:
        """Whether no file has changed, and the folder holds the documents, nothing else, as they were written."""
        if self.record is None or self.record.written != (str(out), self.record.made[0]) or not self._all_same(""):
            return False  # nobody walks through a folder that is to be replaced anyway
        return prints(out) == self.written_to(out).prints

    def written_to(self, out: Path) -> Written:
        """What was written to the folder the last time; nothing where it was another one."""
        return Written.back(self.record.inside) if self.record and self._wrote_to(out) else Written()

    def set_aside(self) -> Written:
        """What was written to the spare."""
        return Written.back(self.record.spare) if self.record else Written()

    def _wrote_to(self, out: Path) -> bool:
        return self.record is not None and self.record.written is not None and self.record.written[0] == str(out)

    def save(self) -> None:
        """Replace the cache file. A disk that is full or read-only costs time later, and no more."""
        if self.record is None or not self._changed:
            return
        record, instant = self.record, self.clock()
        files = {
            file: (stamp if settled(stamp, instant) else None, record.files[file][1])
            for file, stamp in self.now.items()
            if file in record.files
        }
        with suppress(OSError):
            write(self.path, replace(record, files=files))


def digest_of(file: Path) -> str:
    """SHA-256 of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def user_folder() -> Path | None:
    """Where the user's programs keep what they can do without."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - Path.home raises
    return Path(base) / "llmcompile" if Path(base).is_absolute() else None  # "~" where there is no home


def _is_private(folder: Path) -> bool:
    """Whether the folder is there, and nobody else writes to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _of_all(entries: Sequence[Entry]) -> str:
    """One digest of all documents, with their paths."""
    return hashlib.sha256("\n".join([f"{each.path} {each.digest}" for each in entries]).encode()).hexdigest()
