"""What the commands that talk to a store start from: the store opened, refs resolved, both compared."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import find_root, progress_bar, show_problems
from llmcompile.errors import PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcompile.emit.documents import Document
    from llmcompile.pipeline import Compiled
    from llmcompile.push.directory import DirectoryStore
    from llmcompile.push.google.store import GoogleStore
    from llmcompile.push.ledger import Entry
    from llmcompile.push.look import Seen
    from llmcompile.push.open import Opener
    from llmcompile.push.resolve import Payload


_NOTES = 5
"""How many notes of a kind are shown."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A store as it was compared with the documents."""

    uri: str
    store: DirectoryStore | GoogleStore
    last: int
    """The highest number in the ledger, read before anything else: who came in since is noticed."""
    pushed_last: Entry | None
    seen: Sequence[Seen]


def resolved(result: Compiled, documents: Sequence[Document], opener: Opener) -> list[Payload]:
    """Documents with values, in memory; refs that are not pinned to a version are noted on stderr."""
    from llmcompile.push.resolve import Resolver, resolve_all, unpinned

    payloads = resolve_all(documents, result.linked, Resolver(opener.root, os.environ, opener.source))
    notes = list(unpinned(result.linked, opener.root))
    for note in notes[:_NOTES]:
        click.echo(f"note: {note}", err=True)
    if len(notes) > _NOTES:
        click.echo(f"note: and {len(notes) - _NOTES} more refs that are not pinned", err=True)
    return payloads


def opened(root: Path | None, to: str) -> tuple[str, DirectoryStore | GoogleStore]:
    """A store and its URI, for what must work whatever is wrong with the YAML.

    A name needs ``llmcompile.yaml``, and nothing else of the repository; a URI needs nothing.
    """
    from llmcompile.inputs.project import Project
    from llmcompile.load.repository import load_project
    from llmcompile.push.open import Opener, store_uri
    from llmcompile.store_uri import parse_uri

    if parse_uri(to):
        where, project = root or Path.cwd(), Project(version=1)
    else:
        where = find_root(root)
        loaded, problems = load_project(where)
        if loaded is None:
            show_problems(where, problems)
            sys.exit(PROBLEMS)
        project = loaded
    uri = store_uri(to, project)
    return str(uri), Opener(where).store(uri)


def looked(where: Path, result: Compiled, to: str) -> Looked:
    """The store that ``--to`` names against the documents."""
    from llmcompile.push import ledger
    from llmcompile.push.look import look
    from llmcompile.push.open import Opener, store_uri

    opener, uri = Opener(where), store_uri(to, result.linked.project)
    store = opener.store(uri)
    payloads = resolved(result, result.documents, opener)
    last, entry = ledger.last(store)
    with progress_bar() as progress:
        seen = look(payloads, store, progress=lambda done, total: progress("compare", done, total))
    return Looked(str(uri), store, last, entry, seen)
