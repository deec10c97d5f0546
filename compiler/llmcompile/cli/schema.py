"""``llmcompile schema``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from llmcompile.cli.options import find_root, root_option, show_problems
from llmcompile.errors import PROBLEMS


@click.command("schema")
@root_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a schema is not fresh.")
def command(root: Path | None, check: bool) -> None:
    """Write schemas/ for the editor: every field with a description, every name one of the repository's own.

    A new model, region, tier, group or credential makes them stale: write them again.
    """
    from llmcompile.diagnostics import has_errors
    from llmcompile.emit import input_schemas
    from llmcompile.load.vocabulary import read_vocabulary

    where = find_root(root)
    vocabulary, problems = read_vocabulary(where)
    if has_errors(problems):
        show_problems(where, problems)
        click.echo("not written: the words of these files would be missing", err=True)
        sys.exit(PROBLEMS)
    texts = input_schemas.render(vocabulary)
    stale = input_schemas.stale(where / "schemas", texts)
    for name in stale:
        click.echo(f"{'not fresh' if check else 'written'}: schemas/{name}")
    if not check:
        input_schemas.write(where / "schemas", {name: texts[name] for name in stale})
    elif stale:
        click.echo("next: llmcompile schema", err=True)
    sys.exit(PROBLEMS if check and stale else 0)
