"""The stages in order: load, link, check, emit. What every command starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from llmcompile import check
from llmcompile.diagnostics import Diagnostic, Place, has_errors
from llmcompile.emit import contract
from llmcompile.emit.canonical import compact
from llmcompile.emit.documents import Document, compile_documents
from llmcompile.link.catalogue import Catalogue
from llmcompile.link.linker import link
from llmcompile.load.repository import load_repository
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
        if self.catalogue is None:
            return ""
        held = self.catalogue
        counts = {"account": len(held.accounts), "region": len(held.regions), "model": len(held.models)}
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
    repository, loading = load_repository(root, lambda done, total: progress("load", done, total))
    if repository.project is None or not (repository.models.listed and repository.regions.listed):
        return Compiled(None, tuple(_distinct(loading)), ())
    catalogue, linking = link(repository, repository.project)
    checking = check.run(catalogue, as_of)
    diagnostics = [*loading, *linking, *checking]
    if against is not None:
        from llmcompile.history.immutable import changed

        diagnostics += changed(against, catalogue, as_of)
    documents: list[Document] = []
    sizes: list[int] = []
    if not has_errors(diagnostics):
        for document in compile_documents(catalogue, lambda done, total: progress("compile", done, total)):
            data = document.plain()
            contract.prove(document, data)
            encoded = compact(data)
            diagnostics.extend(contract.too_large(document, data, encoded))
            documents.append(document)
            if proofs:
                sizes.append(contract.size(document, encoded))
    proven: list[Proven] = []
    if proofs:
        from llmcompile import prove  # with it comes the router's half, which most checks do without

        proven = prove.run(proofs, catalogue, as_of, documents, sizes, diagnostics)
        diagnostics += [each for one in proven for each in one.counter_examples]
    elif documents and catalogue.demands_proof:
        from llmcompile import prove

        diagnostics += prove.gates(catalogue, as_of, documents)
    found = tuple(_distinct(diagnostics))
    return Compiled(catalogue, found, () if has_errors(found) else tuple(documents), tuple(proven))


def _distinct(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """One diagnostic per code and place: two checks may meet at one mistake."""
    seen: dict[tuple[str, Place], Diagnostic] = {}
    for each in diagnostics:
        seen.setdefault((each.code, each.place), each)
    return list(seen.values())
