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
from llmcompile.fleet.accounts import AccountCompiler
from llmcompile.fleet.cache import Cache
from llmcompile.fleet.codec import Plain
from llmcompile.fleet.one import One
from llmcompile.fleet.result import Fleet
from llmcompile.fleet.spread import processes, spread
from llmcompile.load.root import stem
from llmcompile.pipeline import Progress, Shared, conclude, distinct, loaded, read_shared, scope

if TYPE_CHECKING:
    from llmcompile.load.repository import Repository
    from llmcompile.prove.outcome import Proof


_FEW = 50
"""Accounts that are compiled twice without a second thought."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with each account's file."""

    compiler: AccountCompiler
    out: Path | None

    def __call__(self, file: str) -> Plain:
        one = self.compiler.compile(file)
        if self.out:
            for made in one.made:
                dist.put(self.out, made)
        entries = tuple([dist.entry(made) for made in one.made])
        known = facts(one.account) if one.account else None
        return One(file, one.digest, known, one.findings, one.diagnostics, entries).out()


def compile_fleet(
    root: Path,
    as_of: datetime,
    progress: Progress = lambda stage, done, total: None,
    *,
    out: Path | None = None,
    old: Path | None = None,
    jobs: int = 0,
    cache: Cache | None = None,
    proofs: Sequence[Proof] = (),
    against: Repository | None = None,
) -> Fleet:
    """Everything about the repository below ``root``, with its documents written below the folder ``out`` if given.

    ``as_of`` (UTC) is now for the checks; the documents do not depend on it. ``jobs`` is how many processes may work;
    0: as many as there are cores for. What the ``cache`` knows is not compiled again, and it learns what is found;
    documents that are the same are linked from the folder ``old``, which ``out`` is to replace. Neither ``proofs``
    nor ``against`` go with a cache: what they say depends on more than it knows.
    Raises as ``spread`` does, and ``OSError`` where ``out`` cannot be written.
    """
    assert not (cache and (proofs or against))  # noqa: S101 - the caller knows
    before = cache.shared_digests() if cache else {}
    shared, diagnostics = read_shared(root, as_of, proofs)
    if shared is None:
        return Fleet("", tuple(distinct(diagnostics)))
    if cache and out is None and (same := _as_before(shared, cache, as_of)):
        return same
    if out:
        for made in shared.made:
            dist.put(out, made)
    known = cache.known() if cache and not has_errors(diagnostics) else {}
    if cache and out and known:
        known = {file: one for file, one in known.items() if old and cache.linked(old, out, one.entries)}
    accounts = list(_compiled(shared, known, out, jobs, progress))
    diagnostics += [said for one in accounts for said in one.diagnostics]
    told = tuple([each.facts for each in accounts if each.facts])
    broken = shared.catalogue.broken_accounts | {stem(each.file) for each in accounts if each.facts is None}
    catalogue = replace(shared.catalogue, broken_accounts=broken)
    whole = Whole(catalogue, told, as_of)
    proven = conclude(shared, whole, [each.findings for each in accounts], diagnostics, against)
    entries = (*map(dist.entry, shared.made), *(entry for one in accounts for entry in one.entries))
    found = tuple(distinct(diagnostics))
    fleet = Fleet(scope(catalogue, len(told)), found, entries, proven, loaded(catalogue, (each.file for each in told)))
    if cache and cache.shared_digests() == before:
        cache.keep(before, accounts, fleet, as_of, check.span(whole))
    return fleet


def _as_before(shared: Shared, cache: Cache, as_of: datetime) -> Fleet | None:
    """What was said the last time, where some accounts were edited and come to the same for everybody else."""
    edited = cache.edited()
    if not edited or len(edited) > _FEW or not set(edited) <= set(shared.files):
        return None
    work = _Work(shared.compiler, None)
    return cache.alike([One.back(work(each)) for each in edited], as_of)


def _compiled(
    shared: Shared, known: Mapping[str, One], out: Path | None, jobs: int, progress: Progress
) -> Iterator[One]:
    """Every account, in order: compiled, or as it is known."""
    todo = [file for file in shared.files if file not in known]
    # Closed, not dropped: when this returns, however it does, no process writes any more.
    with closing(spread(_Work(shared.compiler, out), todo, processes(len(todo), jobs))) as fresh:
        for done, file in enumerate(shared.files, 1):
            yield known[file] if file in known else One.back(next(fresh))
            progress("compile", done, len(shared.files))
