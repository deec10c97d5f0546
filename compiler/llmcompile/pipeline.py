"""The stages in order: load, link, check, emit. What every command starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from llmcompile import check
from llmcompile.check.context import Whole
from llmcompile.check.facts import facts
from llmcompile.diagnostics import Diagnostic, Place, has_errors
from llmcompile.emit import contract
from llmcompile.emit.documents import Document, Made, region_document
from llmcompile.emit.policy import PolicyEmitter
from llmcompile.fleet.accounts import AccountCompiler, render
from llmcompile.link.catalogue import Catalogue
from llmcompile.link.linker import link_shared
from llmcompile.load.repository import load_shared
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
    shared, diagnostics = read_shared(root)
    if shared is None:
        return Compiled(None, tuple(distinct(diagnostics)), ())
    made, accounts, broken = list(shared.made), {}, set(shared.catalogue.broken_accounts)
    for done, file in enumerate(shared.files, 1):
        one = shared.compiler.compile(file)
        diagnostics += one.diagnostics
        made += one.made
        if one.account is None:
            broken.add(one.stem)
        else:
            accounts[one.stem] = one.account
        progress("compile", done, len(shared.files))
    catalogue = replace(shared.catalogue, accounts=accounts, broken_accounts=frozenset(broken))
    diagnostics += check.whole(Whole(catalogue, tuple(map(facts, accounts.values())), as_of))
    if against is not None:
        from llmcompile.history.immutable import changed

        diagnostics += changed(against, catalogue, as_of)
    if has_errors(diagnostics):
        made.clear()
    documents = [each.document for each in made]
    proven: list[Proven] = []
    if proofs:
        from llmcompile import prove  # with it comes the router's half, which most checks do without

        sizes = [contract.size(each.document, each.encoded) for each in made]
        proven = prove.run(proofs, catalogue, as_of, documents, sizes, diagnostics)
        diagnostics += [each for one in proven for each in one.counter_examples]
    elif documents and any(map(catalogue.demands_proof, accounts.values())):
        from llmcompile import prove

        diagnostics += prove.gates(catalogue, as_of, documents)
    found = tuple(distinct(diagnostics))
    return Compiled(catalogue, found, () if has_errors(found) else tuple(documents), tuple(proven))


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


def read_shared(root: Root) -> tuple[Shared | None, list[Diagnostic]]:
    """Load, link, check and compile the shared files; None where without them nothing else can be."""
    loaded, diagnostics = load_shared(root)
    repository = loaded.repository
    if repository.project is None or not (repository.models.listed and repository.regions.listed):
        return None, diagnostics
    catalogue, linking = link_shared(repository, repository.project)
    diagnostics += [*linking, *check.shared(catalogue)]
    emits, made = not has_errors(diagnostics), []
    if emits:
        made = [render(region_document(each), diagnostics) for each in catalogue.regions.values()]
    compiler = AccountCompiler(root, catalogue, PolicyEmitter(catalogue), emits)
    return Shared(catalogue, loaded.accounts.files, tuple(made), compiler), diagnostics


def distinct(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """One diagnostic per code and place: two checks may meet at one mistake."""
    seen: dict[tuple[str, Place], Diagnostic] = {}
    for each in diagnostics:
        seen.setdefault((each.code, each.place), each)
    return list(seen.values())
