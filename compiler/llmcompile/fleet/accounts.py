"""One account, from its file to its proven documents and to what the proofs find, given the shared files.

What a build does for each of ten thousand accounts, in any order and in any process: nothing here knows of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from llmcompile import check
from llmcompile.diagnostics import Diagnostic, has_errors
from llmcompile.emit import contract
from llmcompile.emit.documents import Document, Made, account_documents
from llmcompile.emit.policy import PolicyEmitter
from llmcompile.fleet.looking import Findings, Looking
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.link.linker import link_account
from llmcompile.load import source
from llmcompile.load.repository import load_account
from llmcompile.load.root import stem
from llmcompile.load.tree import Root


@dataclass(frozen=True, slots=True)
class Compiled:
    """What an account's file comes to."""

    stem: str
    digest: str
    """SHA-256 of the file's text; empty where it has none."""
    account: Account | None
    """None where the file could not be loaded."""
    diagnostics: tuple[Diagnostic, ...]
    made: tuple[Made, ...]
    """Empty where the account or the shared files have errors."""
    findings: Findings
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

    def compile(self, file: str) -> Compiled:
        """Everything about the account in a file below the root."""
        name, read = stem(file), source.read(self.root, file)
        if isinstance(read, Diagnostic):
            return Compiled(name, "", None, (read,), (), {})
        digest = sha256(read.text.encode()).hexdigest()
        written, diagnostics = load_account(read)
        if written is None:
            return Compiled(name, digest, None, tuple(diagnostics), (), {})
        account, linking = link_account(self.catalogue, file, written)
        diagnostics += [*linking, *check.account(self.catalogue, account)]
        made: tuple[Made, ...] = ()
        if self.emits and not has_errors(diagnostics):
            made = tuple([render(each, diagnostics) for each in account_documents(account, self.emitter)])
        return Compiled(name, digest, account, tuple(diagnostics), made, self.looking.at(account, made))


def render(document: Document, diagnostics: list[Diagnostic]) -> Made:
    """The document, proven by its schema. Says so among the ``diagnostics`` where it is too large for a secret."""
    made = Made.of(document)
    contract.prove(document, made.data)
    diagnostics.extend(contract.too_large(document, made.data, made.encoded))
    return made
