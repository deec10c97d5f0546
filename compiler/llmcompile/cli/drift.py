"""``llmcompile drift``."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, root_option, to_option
from llmcompile.errors import PENDING


@click.command("drift")
@root_option
@as_of_option
@to_option
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def command(root: Path | None, as_of: datetime | None, to: str, form: str) -> None:
    """Show where a store is not what the YAML says, and why: hand edits, versions of others, what is missing.

    Only reads. Exits with 3 where anything drifted. markdown is for an issue.
    """
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.cli.planning import looked
    from llmcompile.push.drift import drifts
    from llmcompile.show import drift

    found = looked(where, result, to)
    drifted = drifts(found.seen)
    click.echo(drift.RENDERERS[form](drifted, found.uri, len(found.seen)))
    sys.exit(PENDING if drifted else 0)
