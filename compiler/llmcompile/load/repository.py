"""Finds and loads every file of a repository: typed inputs by file, and what could not be loaded.

Knows the layout, not what the files mean together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Generic, TypeVar

from pydantic import BaseModel

from llmcompile.diagnostics import Diagnostic, Place, has_errors
from llmcompile.inputs.account import Account
from llmcompile.inputs.model import Model
from llmcompile.inputs.project import Project
from llmcompile.inputs.region import Region
from llmcompile.load import source
from llmcompile.load.root import PROJECT_FILE
from llmcompile.load.shape import validate
from llmcompile.load.strict_yaml import load
from llmcompile.load.tree import Entry, Root

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Folder(Generic[M]):
    """The loaded files of one folder."""

    files: dict[str, M] = field(default_factory=dict)
    """By file, sorted."""
    broken: frozenset[str] = frozenset()
    """Stems of files that exist and could not be loaded: a reference to one is not reported a second time."""
    listed: bool = True
    """Whether there is a file at all; without any, every reference into the folder would be reported."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything that was written, typed, before any of it is linked."""

    project: Project | None
    """None where ``llmcompile.yaml`` could not be loaded; nothing can be linked then."""
    models: Folder[Model]
    regions: Folder[Region]
    accounts: Folder[Account]


def load_repository(root: Root) -> tuple[Repository, list[Diagnostic]]:
    """Load all files below a root that holds ``llmcompile.yaml``; the problems of all of them at once."""
    shared, diagnostics = load_shared(root)
    accounts = _folder(shared.accounts, root, Account, diagnostics)
    return replace(shared.repository, accounts=accounts), diagnostics


@dataclass(frozen=True, slots=True)
class Shared:
    """The files that all accounts share, loaded, and the accounts that are there to be loaded one by one."""

    repository: Repository
    """Without accounts."""
    accounts: Entries


def load_shared(root: Root) -> tuple[Shared, list[Diagnostic]]:
    """Load the project file, the models and the regions; the problems of all of them at once."""
    diagnostics: list[Diagnostic] = []
    models, regions, accounts = (_entries(root, folder, diagnostics) for folder in ("models", "regions", "accounts"))
    repository = Repository(
        _file(root, PROJECT_FILE, Project, diagnostics),
        _folder(models, root, Model, diagnostics),
        _folder(regions, root, Region, diagnostics),
        Folder({}, accounts.misnamed, accounts.listed),
    )
    return Shared(repository, accounts), diagnostics


def load_account(read: source.Source) -> tuple[Account | None, list[Diagnostic]]:
    """Load one account from its file's text; None where it has errors."""
    diagnostics: list[Diagnostic] = []
    return _typed(read, Account, diagnostics), diagnostics


def load_project(root: Root) -> tuple[Project | None, list[Diagnostic]]:
    """``llmcompile.yaml`` alone: what is done in an emergency must not wait for every file to be right."""
    diagnostics: list[Diagnostic] = []
    return _file(root, PROJECT_FILE, Project, diagnostics), diagnostics


@dataclass(frozen=True, slots=True)
class Entries:
    """What a folder holds, before any of it is read."""

    files: tuple[str, ...] = ()
    """The YAML files below the root, sorted."""
    misnamed: frozenset[str] = frozenset()
    """Stems of files that were probably meant, and are not read."""

    @property
    def listed(self) -> bool:
        """Whether there is a file at all, or was meant to be."""
        return bool(self.files or self.misnamed)


def _entries(root: Root, name: str, diagnostics: list[Diagnostic]) -> Entries:
    """The YAML files of a folder; complains about what would be ignored silently."""
    place = Place(name, span=(0, 0))
    listed = _on_disk(root, name) if isinstance(root, Path) else root.listed(name)
    if listed is None:
        hint = f"create {name}/ with one file in it"
        diagnostics.append(Diagnostic("file-missing", f"there is no folder {name}/", place, hint))
        return Entries()
    if isinstance(listed, Diagnostic):
        diagnostics.append(listed)
        return Entries()
    found = sorted((each for each in listed if not each.name.startswith(".")), key=lambda each: each.name)
    ignored = list(_ignored(name, found))
    diagnostics.extend(ignored)
    files = tuple([f"{name}/{each.name}" for each in found if each.name.endswith(".yaml") and not each.folder])
    if not files and not ignored:
        diagnostics.append(
            Diagnostic(
                "folder-empty",
                f"{name}/ holds no .yaml file; that never means that nothing is wanted",
                place,
                f"add {name}/NAME.yaml, or restore the files that were there",
            )
        )
    return Entries(files, frozenset(PurePath(each.place.file).stem for each in ignored))


def _on_disk(root: Path, name: str) -> list[Entry] | Diagnostic | None:
    path, place = root / name, Place(name, span=(0, 0))
    if not path.is_dir():
        return None
    if not path.resolve().is_relative_to(root.resolve()):
        return folder_outside(name)
    try:
        with os.scandir(path) as entries:
            return [Entry(each.name, _is_folder(each)) for each in entries]
    except OSError as error:
        return Diagnostic("file-unreadable", f"{name}/ cannot be listed: {error.strerror}", place)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads nowhere is said when it is read


def folder_outside(folder: str) -> Diagnostic:
    """That a folder is a symbolic link out of the root."""
    hint = "keep the folder inside the repository, where reviews see its changes"
    message = f"the folder {folder}/ leaves the repository"
    return Diagnostic("file-outside", message, Place(folder, span=(0, 0)), hint)


def _ignored(folder: str, found: list[Entry]) -> Iterator[Diagnostic]:
    for each in found:
        if each.name.endswith(".yaml") and not each.folder:
            continue
        place, path = Place(f"{folder}/{each.name}", span=(0, 0)), PurePath(each.name)
        if each.folder:
            yield Diagnostic("file-unexpected", "folders below this one are not read", place, "move its files up")
        elif path.suffix.lower() in (".yaml", ".yml", ".json"):
            hint = f"rename it to {path.stem}.yaml"
            yield Diagnostic("file-unexpected", "only .yaml files are read here", place, hint)


def _folder(entries: Entries, root: Root, kind: type[M], diagnostics: list[Diagnostic]) -> Folder[M]:
    loaded: dict[str, M] = {}
    broken = set(entries.misnamed)
    for file in entries.files:
        item = _file(root, file, kind, diagnostics)
        if item is None:
            broken.add(Path(file).stem)
        else:
            loaded[file] = item
    return Folder(loaded, frozenset(broken), entries.listed)


def _file(root: Root, file: str, kind: type[M], diagnostics: list[Diagnostic]) -> M | None:
    read = source.read(root, file)
    if isinstance(read, Diagnostic):
        diagnostics.append(read)
        return None
    return _typed(read, kind, diagnostics)


def _typed(read: source.Source, kind: type[M], diagnostics: list[Diagnostic]) -> M | None:
    data, problems = load(read)
    diagnostics.extend(problems)
    if has_errors(problems):
        return None
    item, problems = validate(kind, read.file, data)
    diagnostics.extend(problems)
    return item if not has_errors(problems) else None
