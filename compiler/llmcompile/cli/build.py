"""``llmcompile build``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, root_option


@click.command("build")
@root_option
@as_of_option
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Default: dist/ in the repository.")
def command(root: Path | None, as_of: datetime | None, out: Path | None) -> None:
    """Check, then compile everything into dist/ with refs in place of secrets.

    The folder is replaced as a whole or not at all. The same YAML gives the same bytes on any machine.
    """
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.emit import dist

    target = out or where / "dist"
    count = dist.write(target, result.documents)
    click.echo(f"{count} documents in {target}")
