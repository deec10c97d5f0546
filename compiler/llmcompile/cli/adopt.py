"""``llmcompile adopt``."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import (
    as_of_option,
    compiled_or_exit,
    find_root,
    now,
    root_option,
    show_problems,
    to_option,
)
from llmcompile.cli.subjects import SubjectType
from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcompile.adopt.adopting import Adopted, Loaded
    from llmcompile.adopt.prove import Proof
    from llmcompile.adopt.reading import Subject
    from llmcompile.adopt.translate import Unsaid
    from llmcompile.emit.documents import Document
    from llmcompile.pipeline import Compiled
    from llmcompile.push.store import StoreReader

_SOURCES = ("auto", "platform", "tenant", "local")


@click.command("adopt")
@root_option
@as_of_option
@to_option
@click.option("--region", "regions", multiple=True, metavar="REGION", help="The accounts' region. Repeatable.")
@click.option("--source", type=click.Choice(_SOURCES), default="auto", show_default=True, help="The accounts' source.")
@click.option("--claim", is_flag=True, help="Write no YAML; put our label on secrets that hold what the YAML says.")
@click.option("--all", "every", is_flag=True, help="Every secret of such a name that does not carry our label.")
@click.argument("names", metavar="account/ID|region/ID...", nargs=-1, type=SubjectType())
def command(
    root: Path | None,
    as_of: datetime | None,
    to: str,
    regions: tuple[str, ...],
    source: str,
    claim: bool,
    every: bool,
    names: tuple[str, ...],
) -> None:
    """Take over documents that someone else made.

    \b
    llmcompile adopt region/europe-west6 account/acme --to production
    (review, merge)
    llmcompile adopt region/europe-west6 account/acme --to production --claim

    First it turns the JSON of their newest versions into YAML, with refs into those versions in place of secrets, and
    writes it if it compiles to the very same document. YAML that is there is only compared. --claim then lets push and
    plan treat the secrets as ours. What cannot be kept as it is, is refused, with the reason and its place.
    """
    from llmcompile.adopt.adopting import NotAdoptedError
    from llmcompile.adopt.translate import Unsaid

    if every is bool(names):
        raise UsageError("which documents?", "name them as account/ID or region/ID, or write --all")
    where = find_root(root)
    try:
        if claim:
            _claim(where, compiled_or_exit(where, as_of), to, names)
        else:
            _adopt(_loaded(where), to, names, Unsaid(regions, source), now(as_of))
    except NotAdoptedError as error:
        for reason in error.reasons:
            click.echo(reason, err=True)
        raise


def _loaded(where: Path) -> Loaded:
    from llmcompile.adopt.adopting import Loaded
    from llmcompile.load.repository import load_repository

    repository, problems = load_repository(where)
    if repository.project is None:
        show_problems(where, problems)
        sys.exit(PROBLEMS)
    return Loaded(where, repository.project, repository, tuple(problems))


def _subjects(names: Iterable[str], store: StoreReader) -> list[Subject]:
    """Those named; without any, all of others."""
    from llmcompile.adopt.adopting import of_others
    from llmcompile.adopt.reading import Subject

    return [Subject.of(each) for each in dict.fromkeys(names)] or of_others(store)


def _adopt(loaded: Loaded, to: str, names: Sequence[str], unsaid: Unsaid, as_of: datetime) -> None:
    from llmcompile.adopt.adopting import Remembering, adopt, read_all
    from llmcompile.push.open import Opener, store_uri
    from llmcompile.push.resolve import Resolver

    uri, opener = store_uri(to, loaded.project), Opener(loaded.root)
    store = opener.store(uri)
    subjects = _subjects(names, store)
    unsaid = _with_regions(unsaid, loaded, subjects)
    existing = read_all(subjects, store)
    remembering = Remembering.of(existing, uri, opener.source)
    resolver = Resolver(loaded.root, os.environ, lambda: remembering)
    _show(adopt(loaded, existing, uri, unsaid, resolver, as_of), to, names)


def _with_regions(unsaid: Unsaid, loaded: Loaded, subjects: Sequence[Subject]) -> Unsaid:
    """The regions of the accounts that have no YAML: those given, or the only one there is."""
    from llmcompile.adopt.translate import Unsaid
    from llmcompile.literals import quote
    from llmcompile.suggest import did_you_mean

    new = [each for each in subjects if each.kind == "account" and not loaded.has(each)]
    folder = loaded.repository.regions
    known = {Path(file).stem for file in folder.files} | folder.broken
    known |= {each.owner for each in subjects if each.kind == "region"}
    for each in unsaid.regions:
        if each not in known:
            hint = did_you_mean(each, known, f"one of {', '.join(sorted(known))}" if known else "adopt region/ID too")
            raise UsageError(f"no region {quote(each)}", hint)
    if unsaid.regions or not new:
        return unsaid
    if len(known) != 1:
        which = f": {', '.join(sorted(known))}" if known else ", and adopt it too: region/ID"
        raise UsageError(f"no document says which region {new[0]} is in", f"add --region{which}")
    return Unsaid(tuple(known), unsaid.source)


def _show(adopted: Adopted, to: str, names: Sequence[str]) -> None:
    from llmcompile.push.ownership import is_ours

    for proof in adopted.proofs:
        file = proof.existing.subject.file
        done = "written" if file in adopted.written else "there already"
        click.echo(f"{file}: {done}; {_equality(proof)}")
    for file in adopted.models:
        click.echo(f"{file}: written; fill in its type and prices, which no document says")
    if adopted.refs:
        message = f"{adopted.refs} refs point into these versions: keep them until each secret has a place of its own"
        click.echo(f"note: {message}", err=True)
    if not all(is_ours(each.existing.held) for each in adopted.proofs):
        click.echo("next: llmcompile check, review, merge; then let push go on from there:", err=True)
        click.echo(f"  llmcompile adopt --claim --to {to} {' '.join(names) or '--all'}", err=True)


def _equality(proof: Proof) -> str:
    if proof.same_bytes:
        return f"compiles to {proof.existing.name} byte by byte"
    nulls = f", but for {proof.nulls} null{'s' if proof.nulls != 1 else ''} left out on one side" if proof.nulls else ""
    return f"compiles to the data of {proof.existing.name}{nulls}; the next push writes it in its own spelling"


def _claim(where: Path, result: Compiled, to: str, names: Sequence[str]) -> None:
    from llmcompile.adopt.adopting import Remembering, prove_all, read_all
    from llmcompile.adopt.claim import claim
    from llmcompile.push.clock import SystemClock
    from llmcompile.push.open import Opener, store_uri
    from llmcompile.push.ownership import is_ours
    from llmcompile.push.resolve import Resolver, resolve_all
    from llmcompile.push.revision import revision_of
    from llmcompile.push.steady import Steady

    uri, opener = store_uri(to, result.linked.project), Opener(where)
    store = opener.store(uri)
    existing = read_all(_subjects(names, store), store)
    foreign = [each for each in existing if not is_ours(each.held)]
    documents = _documents(result, [each.subject for each in foreign], to)
    remembering = Remembering.of(foreign, uri, opener.source)
    payloads = resolve_all(documents, result.linked, Resolver(where, os.environ, lambda: remembering))
    proofs = prove_all(foreign, payloads)

    def done(proof: Proof) -> None:
        click.echo(f"{proof.existing.subject.secret}: ours from version {proof.existing.number} on; {_equality(proof)}")

    claim(proofs, Steady(store, SystemClock()), str(revision_of(where)), done)
    click.echo(f"{len(proofs)} claimed, {len(existing) - len(proofs)} ours already", err=True)
    click.echo(f"next: llmcompile plan --to {to}", err=True)


def _documents(result: Compiled, subjects: Iterable[Subject], to: str) -> list[Document]:
    """What the YAML compiles to, of each."""
    by_secret = {each.secret: each for each in result.documents}
    for each in subjects:
        if each.secret not in by_secret:
            raise UsageError(f"there is no {each.file} to claim by", f"llmcompile adopt {each} --to {to}")
    return [by_secret[each.secret] for each in subjects]
