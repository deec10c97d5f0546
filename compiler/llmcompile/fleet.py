"""The whole fleet checked, and written as it is compiled: all that ``check`` and ``build`` need of it.

Accounts are read, checked, compiled, written and forgotten, by as many processes as pay. ``pipeline`` says the same of
the same files, and keeps everything for commands that ask more of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from llmcompile import check
from llmcompile.accounts import AccountCompiler
from llmcompile.check.facts import Facts, facts
from llmcompile.diagnostics import Diagnostic, has_errors
from llmcompile.emit import dist
from llmcompile.pipeline import Progress, Shared, distinct, read_shared, scope
from llmcompile.spread import processes, spread


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a repository comes to, without what it consists of."""

    scope: str
    """What was looked at, as the start of a sentence."""
    diagnostics: tuple[Diagnostic, ...]
    entries: tuple[dict[str, Any], ...]
    """The manifest's, of what was written; of no use where there are errors."""
    proofs: tuple[()] = ()
    """Nothing is proven here but what the YAML demands."""

    @property
    def failed(self) -> bool:
        """Whether anything stops the build."""
        return has_errors(self.diagnostics)


@dataclass(frozen=True, slots=True)
class _One:
    """What is left of an account."""

    file: str
    stem: str
    facts: Facts | None
    demanding: bool
    """Whether it must survive something or keep its data somewhere; only the whole fleet's documents tell."""
    diagnostics: tuple[Diagnostic, ...]
    entries: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with each account's file."""

    compiler: AccountCompiler
    out: Path | None

    def __call__(self, file: str) -> _One:
        one = self.compiler.compile(file)
        entries = tuple([dist.put(self.out, made) for made in one.made]) if self.out else ()
        account = one.account
        if account is None:
            return _One(file, one.stem, None, False, one.diagnostics, entries)
        demanding = self.compiler.catalogue.demands_proof(account)
        return _One(file, one.stem, facts(account), demanding, one.diagnostics, entries)


def compile_fleet(
    root: Path,
    as_of: datetime,
    progress: Progress = lambda stage, done, total: None,
    *,
    out: Path | None = None,
    jobs: int = 0,
) -> Fleet:
    """Everything about the repository below ``root``, with its documents written below the folder ``out`` if given.

    ``as_of`` (UTC) is now for the checks; the documents do not depend on it. ``jobs`` is how many processes may work;
    0: as many as there are cores for. Raises as ``spread`` does, and ``OSError`` where ``out`` cannot be written.
    """
    shared, diagnostics = read_shared(root)
    if shared is None:
        return Fleet("", tuple(distinct(diagnostics)), ())
    entries = [dist.put(out, made) for made in shared.made] if out else []
    accounts = []
    work = _Work(shared.compiler, out)
    for done, one in enumerate(spread(work, shared.files, processes(len(shared.files), jobs)), 1):
        accounts.append(one)
        diagnostics += one.diagnostics
        entries += one.entries
        progress("compile", done, len(shared.files))
    known = [each.facts for each in accounts if each.facts]
    broken = shared.catalogue.broken_accounts | {each.stem for each in accounts if each.facts is None}
    catalogue = replace(shared.catalogue, broken_accounts=broken)
    diagnostics += check.whole(catalogue, known, as_of)
    if not has_errors(diagnostics):
        diagnostics += _gates(shared, [each.file for each in accounts if each.demanding], as_of)
    return Fleet(scope(catalogue, len(known)), tuple(distinct(diagnostics)), tuple(entries))


def _gates(shared: Shared, files: Sequence[str], as_of: datetime) -> list[Diagnostic]:
    """What the YAML demands of some accounts; they are compiled again, to be looked at with all that they have."""
    if not files:
        return []
    from llmcompile import prove  # with it comes the router's half, which most checks do without

    again = [shared.compiler.compile(each) for each in files]
    accounts = {each.stem: each.account for each in again if each.account}
    documents = [made.document for made in (*shared.made, *(made for each in again for made in each.made))]
    return prove.gates(replace(shared.catalogue, accounts=accounts), as_of, documents)
