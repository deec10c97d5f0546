"""The stages in order: load, link, check, emit. What every command starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from llmcompile import check
from llmcompile.check.context import Whole
from llmcompile.check.facts import Facts, facts
from llmcompile.diagnostics import Diagnostic, Place, has_errors
from llmcompile.emit.documents import Document, Made, region_document
from llmcompile.emit.policy import PolicyEmitter
from llmcompile.fleet.accounts import AccountCompiler, in_groups, prove
from llmcompile.fleet.looking import Findings, Looking
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.link.linker import link_shared
from llmcompile.load.repository import load_shared
from llmcompile.load.root import PROJECT_FILE, stem
from llmcompile.load.tree import Root

if TYPE_CHECKING:
    from llmcompile.load.repository import Repository
    from llmcompile.prove.outcome import Proof, Proven

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, what is done, and what there is to do."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a repository comes to."""

    catalogue: Catalogue | None
    """None where ``llmcompile.yaml`` could not be loaded, or where there are no models or no regions at all."""
    diagnostics: tuple[Diagnostic, ...]
    documents: tuple[Document, ...]
    """Empty where there are errors."""
    proofs: tuple[Proven, ...] = ()
    """Empty unless they were asked for."""

    @property
    def failed(self) -> bool:
        """Whether anything stops the build."""
        return has_errors(self.diagnostics)

    @property
    def linked(self) -> Catalogue:
        """The catalogue of a repository without errors."""
        assert self.catalogue is not None  # noqa: S101 - without errors there is one
        return self.catalogue

    @property
    def scope(self) -> str:
        """What was looked at, as the start of a sentence."""
        return scope(self.catalogue, len(self.catalogue.accounts)) if self.catalogue else ""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that was looked at and could be loaded."""
        held = self.catalogue
        return loaded(held, (each.file for each in held.accounts.values())) if held else ()


def loaded(catalogue: Catalogue, accounts: Iterable[str]) -> tuple[str, ...]:
    """Every file that could be loaded, given those of accounts."""
    models, regions = catalogue.models.values(), catalogue.regions.values()
    return (PROJECT_FILE, *(each.file for each in models), *(each.file for each in regions), *accounts)


def scope(catalogue: Catalogue, accounts: int) -> str:
    """What was looked at, as the start of a sentence."""
    counts = {"account": accounts, "region": len(catalogue.regions), "model": len(catalogue.models)}
    return ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in counts.items()) + ": "


def compile_repository(
    root: Root,
    as_of: datetime,
    progress: Progress = lambda stage, done, total: None,
    *,
    proofs: Sequence[Proof] = (),
    against: Repository | None = None,
) -> Compiled:
    """Everything about the repository below ``root``: all diagnostics, and the documents where none is an error.

    ``as_of`` (UTC) is now for the checks; the documents do not depend on it. Without ``proofs``
    only what the YAML demands is proven. ``against`` is what was written before, where that must not change.
    """
    shared, diagnostics = read_shared(root, as_of, proofs)
    if shared is None:
        return Compiled(None, tuple(distinct(diagnostics)), ())
    made, accounts, told, findings = list(shared.made), dict[str, Account](), list[Facts](), list[Findings]()
    broken = set(shared.catalogue.broken_accounts)
    for group in in_groups(shared.files):
        for one in shared.compiler.compile(group):
            diagnostics += one.diagnostics
            made += one.made
            findings.append(one.findings)
            if one.account is None:
                broken.add(stem(one.file))
            else:
                accounts[stem(one.file)] = one.account
                told.append(facts(one.account))
            progress("compile", len(findings), len(shared.files))
    catalogue = replace(shared.catalogue, accounts=accounts, broken_accounts=frozenset(broken))
    proven = conclude(shared, Whole(catalogue, tuple(told), as_of), findings, diagnostics, against)
    found = tuple(distinct(diagnostics))
    documents = () if has_errors(found) else tuple(each.document for each in made)
    return Compiled(catalogue, found, documents, proven)


def conclude(
    shared: Shared,
    whole: Whole,
    findings: Sequence[Findings],
    diagnostics: list[Diagnostic],
    against: Repository | None,
) -> tuple[Proven, ...]:
    """What is said once all accounts were looked at: adds to the ``diagnostics``, and gives the proofs asked for."""
    diagnostics += check.whole(whole)
    if against is not None:
        from llmcompile.history.immutable import changed

        diagnostics += changed(against, whole)
    return shared.compiler.looking.tell(findings, diagnostics)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all accounts share, compiled, and how each of them is."""

    catalogue: Catalogue
    """Without accounts."""
    files: tuple[str, ...]
    """The accounts' files below the root, sorted."""
    made: tuple[Made, ...]
    """The regions' documents; empty where there are errors."""
    compiler: AccountCompiler


def read_shared(root: Root, as_of: datetime, proofs: Sequence[Proof] = ()) -> tuple[Shared | None, list[Diagnostic]]:
    """Load, link, check and compile the shared files; None where without them nothing else can be.

    ``as_of`` is now for the ``proofs``, for which its accounts are looked at.
    """
    loaded, diagnostics = load_shared(root)
    repository = loaded.repository
    if repository.project is None or not (repository.models.listed and repository.regions.listed):
        return None, diagnostics
    catalogue, linking = link_shared(repository, repository.project)
    diagnostics += [*linking, *check.shared(catalogue)]
    emits, made = not has_errors(diagnostics), []
    if emits:
        made = [Made.of(region_document(each)) for each in catalogue.regions.values()]
        prove(made, diagnostics)
    looking = Looking(catalogue, as_of, tuple(made), proofs)
    compiler = AccountCompiler(root, catalogue, PolicyEmitter(catalogue), emits, looking)
    return Shared(catalogue, loaded.accounts.files, tuple(made), compiler), diagnostics


def distinct(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """One diagnostic per code and place: two checks may meet at one mistake."""
    seen: dict[tuple[str, Place], Diagnostic] = {}
    for each in diagnostics:
        seen.setdefault((each.code, each.place), each)
    return list(seen.values())
