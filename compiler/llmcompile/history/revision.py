"""A commit as a tree of files, read into memory at once: nothing is checked out, and the work tree is not looked at.

Symbolic links are followed inside the root, as they are on a disk.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.errors import OutsideError, UsageError
from llmcompile.history.git import Git, GitError
from llmcompile.literals import mask
from llmcompile.load import source
from llmcompile.load.repository import folder_outside
from llmcompile.load.root import FOLDERS, PROJECT_FILE
from llmcompile.load.tree import Entry

_LINKS = 40
"""Links that are followed from one path; more are a loop."""
_LONGEST = 4_095
"""Bytes of a path on a disk; a commit may hold longer links, and nothing could follow them."""


@dataclass(frozen=True, slots=True)
class _Object:
    """An entry of a commit."""

    kind: Literal["file", "folder", "link", "submodule"]
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, as the files below a root."""

    name: str
    """As it was asked for."""
    commit: str
    """Its full hash."""
    when: datetime
    """When it was committed, UTC."""
    _objects: dict[str, _Object] = field(repr=False)
    _contents: dict[str, bytes] = field(repr=False)
    """By object id: the files that may be read, and the links."""

    def __str__(self) -> str:
        return self.commit[:12] if self.commit.startswith(self.name) else f"{mask(self.name)} ({self.commit[:12]})"

    def listed(self, folder: str) -> Sequence[Entry] | Diagnostic | None:
        """What a folder holds."""
        path = self._followed(folder)
        if path is None:
            return folder_outside(folder)
        found = self._objects.get(path)
        if found is not None and found.kind == "submodule":
            why = f"{folder}/ is a submodule; its files are not in this repository"
            return Diagnostic("file-unreadable", why, Place(folder, span=(0, 0)))
        if found is None or found.kind != "folder":
            return None
        names = (each for each in self._objects if posixpath.dirname(each) == path)
        return [Entry(posixpath.basename(each), self._is_folder(each)) for each in names]

    def _is_folder(self, path: str) -> bool:
        followed = self._followed(path)
        found = self._objects.get(followed) if followed is not None else None
        return found is not None and found.kind in ("folder", "submodule")

    def raw(self, file: str) -> bytes | Diagnostic:
        """The bytes of a file."""
        path, link = self._followed(file), self._is_link(file)
        if path is None:
            return source.outside(file)
        found = self._objects.get(path)
        if found is None or found.kind == "link":
            return source.unreadable(file, "Too many levels of symbolic links" if found else "No such file", link=link)
        if found.kind != "file":
            return source.unreadable(file, "Is a directory", link=link)
        return self._contents[found.oid] if found.size <= source.MAX_FILE_BYTES else source.too_large(file)

    def _is_link(self, path: str) -> bool:
        return path in self._objects and self._objects[path].kind == "link"

    def _followed(self, path: str) -> str | None:
        """Where a path leads, itself without links; None: out of the root. What leads nowhere stays as it is."""
        for _ in range(_LINKS):
            steps = path.split("/")
            above = ("/".join(steps[:count]) for count in range(1, len(steps) + 1))
            link = next((each for each in above if self._is_link(each)), None)
            if link is None or self._objects[link].size > _LONGEST:
                return path
            target = self._contents[self._objects[link].oid].decode(errors="surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target, path[len(link) + 1 :]))
            if path.startswith(("/", "../")) or path == "..":
                return None
        return path


def read_revision(root: Path, name: str) -> Revision:
    """The files below the root as they are in a revision.

    Raises ``UsageError`` where there is no repository, no such revision or no root in it, ``OutsideError`` where git
    cannot read it.
    """
    git = Git(root)
    prefix, commit = git.prefix(), git.commit(name)
    try:
        when = datetime.fromtimestamp(int(git.ask("log", "-1", "--no-show-signature", "--format=%ct", commit)), UTC)
        objects = _objects(git, commit, prefix)
        if PROJECT_FILE not in objects:
            where = f"{prefix}{PROJECT_FILE}" if prefix else PROJECT_FILE
            raise UsageError(
                f"revision '{mask(name)}' has no {where}", "name a revision that has it in the same folder"
            )
        return Revision(name, commit, when, objects, _contents(git, objects.values()))
    except GitError as error:
        hint = "fetch what is missing (git fetch --refetch), or look with git fsck"
        raise OutsideError(f"git cannot read commit {commit[:12]}: {error}", hint) from error


def _objects(git: Git, commit: str, prefix: str) -> dict[str, _Object]:
    """What lies below the root: the folders that are read, and all of it where links may lead elsewhere."""
    tree = f"{commit}:{prefix.removesuffix('/')}"
    try:
        git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", tree)
    except GitError:
        return {}  # the root is not in this commit
    found = _listing(git, tree, PROJECT_FILE, *FOLDERS)
    return _listing(git, tree) if any(each.kind == "link" for each in found.values()) else found


def _listing(git: Git, tree: str, *paths: str) -> dict[str, _Object]:
    rows = git.ask("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", tree, "--", *paths).split(b"\0")
    found = {}
    for row in filter(None, rows):
        facts, _, path = row.partition(b"\t")
        mode, kind, oid, size = facts.decode().split()
        of: Literal["file", "folder", "link", "submodule"] = "file"
        if kind != "blob":
            of = "folder" if kind == "tree" else "submodule"
        elif mode == "120000":
            of = "link"
        found[path.decode(errors="surrogateescape")] = _Object(of, oid, 0 if size == "-" else int(size))
    return found


def _contents(git: Git, objects: Iterable[_Object]) -> dict[str, bytes]:
    """Everything that may be read, by one call of git."""
    wanted = [each.oid for each in objects if each.kind in ("file", "link") and each.size <= source.MAX_FILE_BYTES]
    wanted = list(dict.fromkeys(wanted))
    answer, at, found = git.ask("cat-file", "--batch", given="\n".join([*wanted, ""]).encode()), 0, {}
    for oid in wanted:
        end = answer.index(b"\n", at)
        head = answer[at:end].split()
        if len(head) != 3:
            raise GitError(f"object {oid[:12]} is {head[-1].decode(errors='replace')}")
        size = int(head[2])
        found[oid] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found
