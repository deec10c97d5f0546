"""``llmcompile check``."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import as_of_option, compiled, find_root, root_option
from llmcompile.errors import PROBLEMS

FORMS = ["text", "json", "github", "sarif"]


@click.command("check")
@root_option
@as_of_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
def command(root: Path | None, as_of: datetime | None, form: str) -> None:
    """Report every problem of the whole repository at once.

    Exits with 1 where there is an error; warnings and notes do not count.
    """
    where = find_root(root)
    result = compiled(where, as_of)

    from llmcompile.load.locate import Locator
    from llmcompile.show import machine, sarif, text
    from llmcompile.show.located import located, summary

    found = located(result.diagnostics, Locator(where))
    if form == "json":
        click.echo(machine.render_json(found))
    elif form == "github":
        click.echo(machine.render_github(found, below_git(where)), nl=bool(found))
    elif form == "sarif":
        click.echo(sarif.render(found, below_git(where)))
    elif found:
        click.echo(text.render(found))
    click.echo(f"{result.scope}{summary(result.diagnostics)}", err=True)
    sys.exit(PROBLEMS if result.failed else 0)


def below_git(root: Path) -> str:
    """What leads from the top of the git repository to the root, ending in a slash: GitHub counts paths from there."""
    top = next((each for each in (root, *root.parents) if (each / ".git").exists()), root)
    return "" if top == root else f"{root.relative_to(top).as_posix()}/"
