"""The whole fleet checked, and written as it is compiled: all that ``check`` and ``build`` need of it.

Accounts are read, checked, compiled, written and forgotten, by as many processes as pay. ``pipeline`` says the same of
the same files, and keeps everything for commands that ask more of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llmcompile import check
from llmcompile.check.context import Whole
from llmcompile.check.facts import facts
from llmcompile.diagnostics import has_errors
from llmcompile.emit import dist
from llmcompile.errors import OutsideError
from llmcompile.fleet.accounts import AccountCompiler, in_groups
from llmcompile.fleet.cache import Cache
from llmcompile.fleet.codec import Plain
from llmcompile.fleet.folder import Folder
from llmcompile.fleet.one import One
from llmcompile.fleet.result import Fleet
from llmcompile.fleet.spread import processes, spread
from llmcompile.load.root import stem
from llmcompile.pipeline import Progress, Shared, conclude, distinct, loaded, read_shared, scope

if TYPE_CHECKING:
    from llmcompile.emit.dist import Entry
    from llmcompile.load.repository import Repository
    from llmcompile.prove.outcome import Proof


_FEW = 50
"""Accounts that are compiled twice without a second thought."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with the files of accounts."""

    compiler: AccountCompiler
    folder: Folder | None
    lists: bool = True
    """Whether anybody asks what a manifest lists."""

    def __call__(self, files: Sequence[str]) -> list[Plain]:
        every = self.compiler.compile(files)
        entries = [tuple([dist.entry(made) for made in one.made]) if self.lists else () for one in every]
        if self.folder:
            for one, listed in zip(every, entries, strict=True):
                self.folder.put(one.made, listed)
        known = [facts(one.account) if one.account else None for one in every]
        return [
            One(one.file, one.digest, told, one.findings, tuple(one.diagnostics), listed).out()
            for one, told, listed in zip(every, known, entries, strict=True)
        ]


def compile_fleet(
    root: Path,
    as_of: datetime,
    progress: Progress = lambda stage, done, total: None,
    *,
    folder: Folder | None = None,
    jobs: int = 0,
    cache: Cache | None = None,
    proofs: Sequence[Proof] = (),
    against: Repository | None = None,
) -> Fleet:
    """Everything about the repository below ``root``, with its documents put into the ``folder`` if given.

    ``as_of`` (UTC) is now for the checks; the documents do not depend on it. ``jobs`` is how many processes may work;
    0: as many as there are cores for. What the ``cache`` knows is not compiled again, unless the folder lacks its
    documents, and it learns what is found. Neither ``proofs`` nor ``against`` go with a cache: what they say depends on
    more than it knows. Raises as ``spread`` does, and ``OSError`` where the folder cannot be written.
    """
    assert not (cache and (proofs or against))  # noqa: S101 - the caller knows
    before = cache.shared_digests() if cache else {}
    shared, diagnostics = read_shared(root, as_of, proofs)
    if shared is None:
        return Fleet("", tuple(distinct(diagnostics)))
    platform = tuple(map(dist.entry, shared.made))
    if folder:
        folder.put(shared.made, platform)
    if cache and cache.shared_digests() == before and (same := _as_before(shared, cache, folder, as_of)):
        return replace(same, entries=platform + _refilled(shared, cache, folder, jobs)) if folder else same
    known = cache.known() if cache and not has_errors(diagnostics) else {}
    if folder and known:
        known = {file: one for file, one in known.items() if all(map(folder.takes, one.entries))}
    work = _Work(shared.compiler, folder, lists=bool(folder or cache))
    accounts = list(_compiled(shared.files, known, work, jobs, progress))
    diagnostics += [said for one in accounts for said in one.diagnostics]
    told = tuple([each.facts for each in accounts if each.facts])
    broken = shared.catalogue.broken_accounts | {stem(each.file) for each in accounts if each.facts is None}
    catalogue = replace(shared.catalogue, broken_accounts=broken)
    whole = Whole(catalogue, told, as_of)
    proven = conclude(shared, whole, [each.findings for each in accounts], diagnostics, against)
    entries = (*platform, *(entry for one in accounts for entry in one.entries))
    found = tuple(distinct(diagnostics))
    fleet = Fleet(scope(catalogue, len(told)), found, entries, proven, loaded(catalogue, (each.file for each in told)))
    if cache and cache.shared_digests() == before:
        cache.keep(before, accounts, fleet, as_of, check.span(whole))
    return fleet


def _as_before(shared: Shared, cache: Cache, folder: Folder | None, as_of: datetime) -> Fleet | None:
    """What was said the last time, where some accounts were edited and come to the same for everybody else.

    What these come to is in the folder then, if one is given.
    """
    edited = cache.edited()
    if edited is None or len(edited) > _FEW or not set(edited) <= set(shared.files):
        return None
    work = _Work(shared.compiler, folder)
    return cache.alike(list(map(One.back, work(edited))), as_of)


def _refilled(shared: Shared, cache: Cache, folder: Folder, jobs: int) -> tuple[Entry, ...]:
    """Every account's entries as the cache knows them, and in the folder what they list."""
    entries = cache.entries()
    lacking = [file for file, each in entries.items() if not all(map(folder.takes, each))]
    with closing(spread(_Work(shared.compiler, folder), in_groups(lacking), processes(len(lacking), jobs))) as put:
        for file, each in zip(lacking, put, strict=True):
            if One.back(each).entries != entries[file]:
                raise OutsideError(f"{file} was written to while it was compiled", "nothing was changed; run it again")
    return tuple([each for of_one in entries.values() for each in of_one])


def _compiled(
    files: Sequence[str], known: Mapping[str, One], work: _Work, jobs: int, progress: Progress
) -> Iterator[One]:
    """Every account, in order: compiled, or as it is known."""
    todo = [file for file in files if file not in known]
    # Closed, not dropped: when this returns, however it does, no process writes any more.
    with closing(spread(work, in_groups(todo), processes(len(todo), jobs))) as fresh:
        for done, file in enumerate(files, 1):
            yield known[file] if file in known else One.back(next(fresh))
            progress("compile", done, len(files))
