"""``llmcompile init``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Start a new repository of YAML in DIR, with workflows, schemas and an example that passes the check."""
    from llmcompile.emit import scaffold

    for name in scaffold.write(folder):
        click.echo(f"written: {folder / name}")
    click.echo(f"next: llmcompile check --root {folder}", err=True)
