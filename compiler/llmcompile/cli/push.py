"""``llmcompile push``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, root_option, to_option


@click.command("push")
@root_option
@as_of_option
@to_option
def command(root: Path | None, as_of: datetime | None, to: str) -> None:
    """Bring a store to what the YAML says.

    Refs are resolved in memory, every document is proven again, and only what changed gets a new version. A second
    push writes nothing; one that died is finished by running it again.
    """
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.push.apply import apply
    from llmcompile.push.open import open_store
    from llmcompile.push.plan import Change, make_plan
    from llmcompile.push.resolve import resolve_all

    store = open_store(to, result.linked.project, where)
    payloads = resolve_all(result.documents, result.linked, where, os.environ)
    plan = make_plan(payloads, store)

    def done(change: Change, version: int) -> None:
        click.echo(f"{change.action} {change.secret} -> version {version} ({change.new_size:,} bytes)")

    written = apply(plan, payloads, store, done)
    click.echo(f"{written} written, {len(plan.changes) - written} unchanged", err=True)
