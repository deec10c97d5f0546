"""``llmcompile schema``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from llmcompile.cli.options import find_root, root_option
from llmcompile.errors import PROBLEMS


@click.command("schema")
@root_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a schema is not fresh.")
def command(root: Path | None, check: bool) -> None:
    """Write schemas/ for the editor: generated from the input models, with descriptions and examples."""
    from llmcompile.emit import input_schemas

    folder = find_root(root) / "schemas"
    stale = input_schemas.stale(folder)
    for name in stale:
        click.echo(f"{'not fresh' if check else 'written'}: schemas/{name}")
    if not check:
        input_schemas.write(folder, stale)
    elif stale:
        click.echo("next: llmcompile schema", err=True)
    sys.exit(PROBLEMS if check and stale else 0)
