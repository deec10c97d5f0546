"""Adoption from end to end: documents read, drafted, proven, and only if all are proven, put into their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from llmcompile.adopt import translate, yaml_text
from llmcompile.adopt.leaks import say_leaks
from llmcompile.adopt.place import move, staged
from llmcompile.adopt.prove import Linked, Proof, prove, say_errors, say_too_large, say_unresolved, with_staged
from llmcompile.adopt.reading import Existing, Subject, read
from llmcompile.adopt.reasons import Reason, Reasons
from llmcompile.adopt.translate import Draft, Unsaid
from llmcompile.diagnostics import Diagnostic
from llmcompile.errors import RefusedError, UsageError
from llmcompile.inputs.project import Project
from llmcompile.load.repository import Repository
from llmcompile.push.look import WORKERS
from llmcompile.push.ownership import is_ours
from llmcompile.push.resolve import Payload, Resolver, SecretSource, resolve_all
from llmcompile.push.store import StoreReader, Version
from llmcompile.refs import Ref, parse
from llmcompile.secret_ids import SUBJECTS, owner_of
from llmcompile.store_uri import StoreUri


class NotAdoptedError(RefusedError):
    """Documents that cannot be adopted, with every reason. Nothing was written."""

    def __init__(self, reasons: Iterable[Reason], next_step: str) -> None:
        self.reasons = tuple(reasons)
        count = len(self.reasons)
        super().__init__(f"{count} reason{'s' if count != 1 else ''} against it; nothing was written", next_step)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A repository as it was loaded."""

    root: Path
    project: Project
    repository: Repository
    problems: tuple[Diagnostic, ...]

    def has(self, subject: Subject) -> bool:
        """Whether there is YAML of it, right or wrong."""
        folder = self.repository.accounts if subject.kind == "account" else self.repository.regions
        return subject.file in folder.files or subject.owner in folder.broken


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was done."""

    proofs: tuple[Proof, ...]
    written: tuple[str, ...]
    """Files of accounts and regions."""
    models: tuple[str, ...]
    """Files of models that still lack what no document says."""
    refs: int
    """How many secrets the new files point to."""


def of_others(store: StoreReader) -> list[Subject]:
    """Every account and region whose secret is there without our label, by the secret's name.

    Raises ``UsageError`` where one has an id that no file could have.
    """
    found = ((each, owner_of(each.secret)) for each in sorted(store.secrets(), key=lambda each: each.secret))
    return [
        Subject.of(f"{kind}/{owner[1]}")
        for held, owner in found
        for kind, kinds in SUBJECTS.items()
        if owner and owner[0] == kinds[0] and not is_ours(held)
    ]


def read_all(subjects: Iterable[Subject], store: StoreReader) -> list[Existing]:
    """The documents that the store holds. Raises ``NotAdoptedError`` where one of them cannot be read."""
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda each: read(each, store), subjects))
    reasons = [reason for each in found if isinstance(each, Reasons) for reason in each]
    if reasons:
        raise NotAdoptedError(reasons, "put them right in the store, or name only the others")
    return [each for each in found if isinstance(each, Existing)]


@dataclass(frozen=True, slots=True)
class Remembering:
    """Answers refs into the versions that were just read; any other is read as always."""

    versions: Mapping[tuple[str, int | None], Version] = field(repr=False)
    otherwise: Callable[[], SecretSource]

    @classmethod
    def of(cls, existing: Iterable[Existing], uri: StoreUri, otherwise: Callable[[], SecretSource]) -> Remembering:
        """Of the documents of a store."""
        held = {(f"{uri.target}/{each.subject.secret}", each.number): each for each in existing}
        return cls({key: Version(each.number, each.payload) for key, each in held.items()}, otherwise)

    def access(self, target: str, version: int | None) -> Version:
        """A version of ``PROJECT/SECRET``."""
        return self.versions.get((target, version)) or self.otherwise().access(target, version)


def ref_into(existing: Existing, uri: StoreUri, root: Path) -> Callable[[str], Ref]:
    """Refs into a version, by JSON pointer. Raises ``UsageError`` for a folder that no ref can name."""
    secret = existing.subject.secret
    if uri.kind == "gcpsecrets":
        return lambda pointer: Ref("gcpsecrets", f"{uri.target}/{secret}", existing.number, pointer)
    path = root / Path(uri.target).expanduser() / secret / str(existing.number)
    for target in (str(path.relative_to(root)) if path.is_relative_to(root) else "~", str(path)):
        # A ref's path that begins with ~ is somebody's home.
        if not target.startswith("~") and parse(str(Ref("file", target))) == Ref("file", target):
            return lambda pointer: Ref("file", target, pointer=pointer)
    raise UsageError(f"no ref can name files in {uri.target}", "move the store to a folder with a plainer name")


def adopt(
    loaded: Loaded, existing: Sequence[Existing], uri: StoreUri, unsaid: Unsaid, resolver: Resolver, as_of: datetime
) -> Adopted:
    """Write what is not written yet, if all of it is proven. ``as_of`` (UTC) is now for the checks.

    Raises ``NotAdoptedError``, ``UsageError`` or ``OutsideError``; nothing was written then.
    """
    drafts = [
        _drafted(each, unsaid, ref_into(each, uri, loaded.root)) for each in existing if not loaded.has(each.subject)
    ]
    documents = {each.existing.subject.file: yaml_text.document_text(each) for each in drafts}
    models = dict(_models(drafts, loaded.repository))
    for draft in drafts:
        yaml_text.say_unwritable(draft, documents[draft.existing.subject.file])
        say_unresolved(draft, resolver)
    files = documents | models
    with staged(loaded.root, files) as staging:
        linked = with_staged(loaded.repository, loaded.problems, staging, loaded.project, as_of)
        proofs = _proven(existing, {each.existing.subject: each for each in drafts}, linked, resolver)
        move(staging, loaded.root, files)
    return Adopted(proofs, tuple(documents), tuple(models), sum(len(each.refs) for each in drafts))


def _drafted(existing: Existing, unsaid: Unsaid, ref_to: Callable[[str], Ref]) -> Draft:
    draft = Draft(existing, Reasons(existing.name, existing.telling), ref_to)
    say_leaks(existing, draft.reasons)
    if existing.subject.kind == "account":
        translate.account(draft, unsaid)
    else:
        translate.region(draft)
    return draft


def _models(drafts: Iterable[Draft], repository: Repository) -> Iterator[tuple[str, str]]:
    """Files of the models that the catalogue does not know, each once."""
    known = {Path(file).stem for file in repository.models.files} | repository.models.broken
    for draft in drafts:
        for code in draft.codes:
            if code not in known:
                known |= {code}
                yield f"models/{code}.yaml", yaml_text.model_text(code, draft.existing.subject.file)


def _proven(
    existing: Iterable[Existing], drafts: Mapping[Subject, Draft], linked: Linked, resolver: Resolver
) -> tuple[Proof, ...]:
    proofs, reasons = [], list[Reason]()
    for each in existing:
        of_one = drafts[each.subject].reasons if each.subject in drafts else Reasons(each.subject.file, each.telling)
        proof = _proof(each, drafts.get(each.subject), of_one, linked, resolver)
        proofs += [proof] if proof else []
        reasons += of_one
    if reasons:
        raise NotAdoptedError(reasons, "put them right in the store, or write their YAML by hand; see docs/adopt.md")
    return tuple(proofs)


def prove_all(existing: Sequence[Existing], payloads: Sequence[Payload]) -> list[Proof]:
    """The proofs of documents that the YAML compiles to already. Raises ``NotAdoptedError`` where one differs."""
    reasons = [Reasons(each.name, each.telling) for each in existing]
    proofs = [prove(*each) for each in zip(existing, payloads, reasons, strict=True)]
    if said := [reason for each in reasons for reason in each]:
        raise NotAdoptedError(said, "bring the YAML to what the store holds; see docs/adopt.md")
    return [each for each in proofs if each]


def _proof(
    existing: Existing, draft: Draft | None, reasons: Reasons, linked: Linked, resolver: Resolver
) -> Proof | None:
    """The proof of one document; each step only where the one before it left no doubt."""
    if draft:
        say_errors(draft, linked)
    elif any(linked.concerning(existing.subject.file)):
        reasons.say((), "it is there and has errors: llmcompile check")
    if reasons:
        return None
    document = linked.document(existing.subject)
    if draft:
        say_too_large(draft, document)
    if reasons:
        return None
    [payload] = resolve_all([document], linked.catalogue, resolver)
    return prove(existing, payload, reasons)
