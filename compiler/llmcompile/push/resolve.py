"""Refs to values, in memory: each ref is read once, every ref that fails is said, and no value is ever shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from llmcompile.diagnostics import Place
from llmcompile.emit.canonical import compact, plain
from llmcompile.emit.contract import MAX_SECRET_BYTES, prove, refs_in
from llmcompile.emit.documents import Document
from llmcompile.errors import OutsideError
from llmcompile.link.catalogue import Catalogue
from llmcompile.load.locate import Locator
from llmcompile.load.root import PROJECT_FILE
from llmcompile.push.store import Version
from llmcompile.refs import Ref

_WORKERS = 16
"""Refs read at once: a read over the network mostly waits."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret's value. Only ``reveal`` shows it."""

    _value: str

    def reveal(self) -> str:
        """The value itself, for the document alone."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Payload:
    """A document as a store or a router gets it, with its secrets."""

    document: Document
    data: bytes = field(repr=False)
    pinned: tuple[str, ...] = ()
    """The refs to Secret Manager in it, each with the version that it was read from: those never change."""


class UnresolvedError(Exception):
    """Why a ref has no value; never the value."""


class SecretSource(Protocol):
    """Where refs to Secret Manager are read."""

    def access(self, target: str, version: int | None) -> Version:
        """A version of ``PROJECT/SECRET``; None: the latest. Raises ``UnresolvedError`` where there is none to read."""
        ...


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves refs against an environment, the files below a root, and Secret Manager."""

    root: Path
    environment: Mapping[str, str]
    source: Callable[[], SecretSource]
    """Made when the first ref asks for it."""
    read_from: dict[Ref, int] = field(default_factory=dict)
    """The version that each ref to Secret Manager was read from."""
    _seen: dict[tuple[str, int | None], Version] = field(default_factory=dict)

    def resolve(self, ref: Ref) -> Secret:
        """The ref's value, or ``UnresolvedError``."""
        if ref.scheme == "env":
            if ref.target not in self.environment:
                raise UnresolvedError(f"the variable {ref.target} is not set")
            value = self.environment[ref.target]
        elif ref.scheme == "file":
            value = self._file(ref.target)
        else:
            value = self._version(ref)
        if ref.pointer:
            value = _pointed(value, ref.pointer)
        if not value:
            raise UnresolvedError("the value is empty")
        if problem := _unfit(value):
            raise UnresolvedError(problem)
        return Secret(value)

    def attempt(self, ref: Ref) -> Secret | UnresolvedError:
        """The ref's value, or why it has none."""
        try:
            return self.resolve(ref)
        except UnresolvedError as error:
            return error

    def _version(self, ref: Ref) -> str:
        key = ref.target, ref.version
        version = self._seen.get(key) or self._seen.setdefault(key, self.source().access(*key))
        self.read_from[ref] = version.number
        try:
            # The line end that `echo | gcloud secrets versions add` adds is no part of a secret.
            return (version.payload or b"").decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise UnresolvedError("the value is not UTF-8") from error

    def _file(self, target: str) -> str:
        try:
            with (self.root / Path(target).expanduser()).open("rb") as stream:
                raw = stream.read(MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise UnresolvedError(f"cannot read the file: {error.strerror}") from error
        except RuntimeError:
            raise UnresolvedError("there is no such home folder") from None
        if len(raw) > MAX_SECRET_BYTES:
            raise UnresolvedError(f"the file is larger than {MAX_SECRET_BYTES:,} bytes")
        try:
            # The line end that editors and echo add is no part of a secret.
            return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise UnresolvedError("the file is not UTF-8") from error


def _unfit(value: str) -> str:
    """Why a value cannot be sent as a key; a key cut out of a file often ends in a line break or a space."""
    if "\0" in value:
        return "the value holds a NUL byte"
    if not value.isprintable():
        return "the value holds a line break or another character that does not print"
    if not value.isascii():
        return "the value holds a character that no header can carry"
    return "the value begins or ends with a space" if value != value.strip() else ""


def _pointed(value: str, pointer: str) -> str:
    try:
        found = json.loads(value)
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
    except (ValueError, KeyError, IndexError, TypeError):
        raise UnresolvedError(f"nothing at {pointer}") from None  # the cause holds the value
    if not isinstance(found, str):
        raise UnresolvedError(f"no text at {pointer}")
    return found


def resolve_all(documents: Iterable[Document], catalogue: Catalogue, resolver: Resolver) -> list[Payload]:
    """Every document with values in place of refs, each proven again; each ref is read once.

    Raises ``OutsideError`` that names every ref without a value and its place in the YAML.
    """
    documents = list(documents)
    refs = list(dict.fromkeys(each for document in documents for each in refs_in(document.content)))
    # Each version once, however many refs point into it: those that are left find it read.
    first = list({(ref.scheme, ref.target, ref.version): ref for ref in reversed(refs)}.values())
    with ThreadPoolExecutor(_WORKERS) as pool:
        found = dict(zip(first, pool.map(resolver.attempt, first), strict=True))
        left = [ref for ref in refs if ref not in found]
        found |= zip(left, pool.map(resolver.attempt, left), strict=True)
    values = {ref: each for ref, each in found.items() if isinstance(each, Secret)}
    problems = {ref: str(found[ref]) for ref in refs if ref not in values}
    if problems:
        described = "\n".join(_described(problems, catalogue, resolver.root))
        raise OutsideError(described, "nothing was written; run it again")
    return [_payload(document, values, resolver.read_from) for document in documents]


def unpinned(catalogue: Catalogue, root: Path) -> Iterator[str]:
    """Every ref that follows its secret's latest version: it changes without a commit. With its place."""
    locator = Locator(root)
    for ref, place in ref_places(catalogue):
        if ref.scheme == "gcpsecrets" and ref.version is None:
            at = locator.find(place)
            yield f"{at.file}:{at.line}:{at.column}: {ref} is not pinned: add ?version=N"


def _described(problems: dict[Ref, str], catalogue: Catalogue, root: Path) -> Iterator[str]:
    places, locator = dict(reversed(list(ref_places(catalogue)))), Locator(root)
    yield f"{len(problems)} ref{'s' if len(problems) != 1 else ''} without a value"
    for ref, problem in problems.items():
        at = locator.find(places[ref])
        yield f"  {at.file}:{at.line}:{at.column}: {ref}: {problem}"


def ref_places(catalogue: Catalogue) -> Iterator[tuple[Ref, Place]]:
    """Every ref that is written, and where."""
    for name, credential in catalogue.project.credentials.items():
        yield from _written(credential, Place(PROJECT_FILE, ("credentials", name)))
    for owner in catalogue.owners:
        for name, endpoint in owner.input.endpoints.items():
            yield from _written(endpoint, Place(owner.file, ("endpoints", name)))


def _written(written: Any, place: Place) -> Iterator[tuple[Ref, Place]]:
    if written.api_key:
        yield written.api_key, place / "api_key"
    if written.oauth:
        yield written.oauth.client_secret, place / "oauth" / "client_secret"


def _payload(document: Document, values: Mapping[Ref, Secret], read_from: Mapping[Ref, int]) -> Payload:
    data = plain(document.content, lambda ref: values[ref].reveal())
    prove(document, data)
    encoded = compact(data)
    if len(encoded) > MAX_SECRET_BYTES:
        message = f"{document.kind} of {document.owner} has {len(encoded):,} bytes with its secrets"
        raise OutsideError(message, f"a secret holds {MAX_SECRET_BYTES:,}; nothing was written")
    pinned = sorted({f"{ref}@{read_from[ref]}" for ref in refs_in(document.content) if ref in read_from})
    return Payload(document, encoded, tuple(pinned))
