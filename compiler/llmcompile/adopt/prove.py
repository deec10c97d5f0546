"""The proof: YAML through the real loader, linker, checks and emitter, refs resolved in memory, against the store.

New files are read from where they are staged, as if they were in their places; nothing else of the repository changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from llmcompile import check
from llmcompile.adopt.differences import WORDS, differences
from llmcompile.adopt.reading import Existing, Subject
from llmcompile.adopt.reasons import Reasons
from llmcompile.adopt.translate import Draft, json_route
from llmcompile.codes import CODES
from llmcompile.diagnostics import Diagnostic, Route, Severity
from llmcompile.emit.canonical import compact
from llmcompile.emit.contract import too_large
from llmcompile.emit.documents import Document, account_documents, region_document
from llmcompile.emit.policy import PolicyEmitter
from llmcompile.inputs.account import Account
from llmcompile.inputs.project import Project
from llmcompile.inputs.region import Region
from llmcompile.link.catalogue import Catalogue
from llmcompile.link.linker import link
from llmcompile.load.repository import Folder, Repository, load_repository
from llmcompile.load.shape import validate
from llmcompile.push.resolve import Payload, Resolver, UnresolvedError

M = TypeVar("M", bound=BaseModel)
_OF_MODELS = ("price-", "model-retired")
"""What is wrong with a model and not with the document that lists it; ``check`` goes on to say so."""
_INPUTS: dict[str, type[BaseModel]] = {"account": Account, "region": Region}


@dataclass(frozen=True, slots=True)
class Linked:
    """A repository with the staged files in it, and what is wrong with it."""

    catalogue: Catalogue
    errors: tuple[Diagnostic, ...]

    def concerning(self, file: str) -> Iterator[Diagnostic]:
        """The errors of a file, and those of others that it is a part of."""
        for each in self.errors:
            if file in (each.place.file, *(related.place.file for related in each.related)):
                yield each

    def document(self, subject: Subject) -> Document:
        """The endpoints of an account or region, compiled."""
        if subject.kind == "region":
            return region_document(self.catalogue.regions[subject.owner])
        # The first of an account's documents; its policy can wait until every model has its price.
        return next(account_documents(self.catalogue.accounts[subject.owner], PolicyEmitter(self.catalogue)))


def with_staged(
    base: Repository, problems: Iterable[Diagnostic], staging: Path, project: Project, as_of: datetime
) -> Linked:
    """The repository linked and checked with what is staged. ``problems`` are those of loading it."""
    staged, of_staged = load_repository(staging)
    repository = replace(
        base,
        models=_merged(base.models, staged.models),
        regions=_merged(base.regions, staged.regions),
        accounts=_merged(base.accounts, staged.accounts),
    )
    catalogue, linking = link(repository, project)
    found = chain(problems, of_staged, linking, check.run(catalogue, as_of))
    errors = (each for each in found if each.severity is Severity.ERROR and not each.code.startswith(_OF_MODELS))
    return Linked(catalogue, tuple(errors))


def _merged(base: Folder[M], staged: Folder[M]) -> Folder[M]:
    files = dict(sorted({**base.files, **staged.files}.items()))
    return Folder(files, base.broken | staged.broken, base.listed or staged.listed)


def say_errors(draft: Draft, linked: Linked) -> None:
    """Says what the checks say of a draft, where it stands in the document; by the code's title, which has no value."""
    subject, echoes = draft.existing.subject, draft.reasons.around()
    # What YAML could not even say has no shape in there; it has one all the same.
    _, shape = validate(_INPUTS[subject.kind], subject.file, draft.written)
    for each in chain((each for each in shape if each.severity is Severity.ERROR), linked.concerning(subject.file)):
        ours = each.place.file == subject.file
        route: Route = json_route(subject.kind, each.place.route) if ours else ()
        if route not in echoes:
            draft.reasons.say(route, f"{CODES[each.code].title} [{each.code}]")


def say_too_large(draft: Draft, document: Document) -> None:
    """Says so where no push would take it, with the room that is kept for secrets."""
    data = document.plain()
    for each in too_large(document, data, compact(data)):
        draft.reasons.say((), f"{CODES[each.code].title} [{each.code}]")


def say_unresolved(draft: Draft, resolver: Resolver) -> None:
    """Says which secrets cannot be pointed to, and why."""
    for route, ref in draft.refs.items():
        try:
            resolver.resolve(ref)
        except UnresolvedError as error:
            draft.reasons.say(route, str(error))


@dataclass(frozen=True, slots=True)
class Proof:
    """That YAML compiles to what the store holds."""

    existing: Existing
    payload: Payload
    nulls: int
    """How many keys are null on one side and left out on the other."""

    @property
    def same_bytes(self) -> bool:
        """Whether a push would write nothing."""
        return self.payload.data == self.existing.payload


def prove(existing: Existing, payload: Payload, reasons: Reasons) -> Proof | None:
    """The proof, or None and the places that differ."""
    nulls = 0
    for each in differences(existing.data, json.loads(payload.data), ordered=existing.subject.kind == "account"):
        if each.what == "null":
            nulls += 1
        else:
            reasons.say(each.route, WORDS[each.what])
    return None if reasons else Proof(existing, payload, nulls)
