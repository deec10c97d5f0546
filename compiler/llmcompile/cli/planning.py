"""What ``plan``, ``push``, ``drift`` and ``adopt`` start from: the store opened, refs resolved, both compared."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import progress_bar

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
    for note in unpinned(result.linked, opener.root):
        click.echo(f"note: {note}", err=True)
    return payloads


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
