"""Accounts, from their files to their proven documents and to what the proofs find, given the shared files.

What a build does for each of ten thousand, in any order and in any process: none of them knows of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from llmcompile import check
from llmcompile.diagnostics import Diagnostic, has_errors
from llmcompile.emit import contract
from llmcompile.emit.documents import Document, Made, account_documents
from llmcompile.emit.policy import PolicyEmitter
from llmcompile.fleet.looking import Findings, Looking
from llmcompile.inputs.account import Account as Written
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.link.linker import link_account
from llmcompile.load import source
from llmcompile.load.repository import load_account
from llmcompile.load.source import Source
from llmcompile.load.tree import Root

TOGETHER = 64
"""Accounts that are best compiled together."""


@dataclass(slots=True)
class CompiledAccount:
    """What an account's file comes to, as far as it was compiled."""

    file: str
    read: Source | None = None
    digest: str = ""
    """SHA-256 of the file's text; empty where it has none."""
    written: Written | None = None
    """What the file says; None where it could not be loaded."""
    account: Account | None = None
    """The same, linked."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    documents: tuple[Document, ...] = ()
    """Empty where the account or the shared files have errors."""
    made: tuple[Made, ...] = ()
    """The documents in their forms, proven."""
    findings: Findings = field(default_factory=dict)
    """What the proofs found."""


@dataclass(frozen=True, slots=True)
class AccountCompiler:
    """Compiles accounts of one repository."""

    root: Root
    catalogue: Catalogue
    """The shared files; it has no accounts."""
    emitter: PolicyEmitter
    emits: bool
    """Whether there may be documents: what refers to broken files cannot be compiled."""
    looking: Looking

    def compile(self, files: Iterable[str]) -> list[CompiledAccount]:
        """Everything about the accounts in files below the root, in their order.

        Each stage takes all of them before the next begins: a processor that does the same thing again has its code
        at hand, and is done in three quarters of the time.
        """
        drafts = [CompiledAccount(each) for each in files]
        for stage in (self._read, self._load, self._link):
            for each in drafts:
                stage(each)
        self._check(drafts)
        for stage in (self._emit, self._render, self._prove, self._look):
            for each in drafts:
                stage(each)
        return drafts

    def _read(self, draft: CompiledAccount) -> None:
        found = source.read(self.root, draft.file)
        if isinstance(found, Diagnostic):
            draft.diagnostics.append(found)
        else:
            draft.read, draft.digest = found, sha256(found.text.encode()).hexdigest()

    def _load(self, draft: CompiledAccount) -> None:
        if draft.read:
            draft.written, draft.diagnostics = load_account(draft.read)

    def _link(self, draft: CompiledAccount) -> None:
        if draft.written:
            draft.account, linking = link_account(self.catalogue, draft.file, draft.written)
            draft.diagnostics += linking

    def _check(self, drafts: Iterable[CompiledAccount]) -> None:
        linked = [(each, each.account) for each in drafts if each.account]
        found = check.accounts(self.catalogue, [account for _, account in linked])
        for (draft, _), said in zip(linked, found, strict=True):
            draft.diagnostics += said

    def _emit(self, draft: CompiledAccount) -> None:
        if draft.account and self.emits and not has_errors(draft.diagnostics):
            draft.documents = tuple(account_documents(draft.account, self.emitter))

    def _render(self, draft: CompiledAccount) -> None:
        draft.made = tuple(map(Made.of, draft.documents))

    def _prove(self, draft: CompiledAccount) -> None:
        prove(draft.made, draft.diagnostics)

    def _look(self, draft: CompiledAccount) -> None:
        if draft.account:
            draft.findings = self.looking.at(draft.account, draft.made)


def in_groups(files: Sequence[str]) -> list[Sequence[str]]:
    """The files in groups of those to compile ``TOGETHER``."""
    return [files[at : at + TOGETHER] for at in range(0, len(files), TOGETHER)]


def prove(made: Iterable[Made], diagnostics: list[Diagnostic]) -> None:
    """Holds documents to their schemas. Says so among the ``diagnostics`` where one is too large for a secret."""
    for each in made:
        contract.prove(each.document, each.data)
        diagnostics.extend(contract.too_large(each.document, each.data, each.encoded))
