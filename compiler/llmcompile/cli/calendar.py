"""``llmcompile calendar``."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from llmcompile.cli.options import as_of_option, find_root, now, root_option, show_problems
from llmcompile.errors import PROBLEMS


class _DaysType(click.ParamType[timedelta]):
    """A number of days such as 90d."""

    name = "DAYS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The span, or click's usage error."""
        from llmcompile.inputs.values import parse_days

        try:
            return parse_days(str(value))
        except ValueError as error:
            self.fail(f"{error}; write 90d", param, ctx)


@click.command("calendar")
@root_option
@as_of_option
@click.option("--within", type=_DaysType(), metavar="DAYS", help="Only what happens by then, such as 90d.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(root: Path | None, as_of: datetime | None, within: timedelta | None, form: str) -> None:
    """List everything dated: prices, retirements of models, withdrawn API versions, expiring secrets.

    What is past its date and still in use comes first. Exits with 1 where a file could not be read: what it says is
    missing here. To stop a merge by what happens soon, use check --as-of +30d.
    """
    where = find_root(root)

    from llmcompile.link.linker import link
    from llmcompile.load.locate import Locator
    from llmcompile.load.repository import load_repository
    from llmcompile.show import calendar

    repository, problems = load_repository(where)
    show_problems(where, problems)
    if repository.project is not None:
        catalogue, _ = link(repository, repository.project)
        chosen = calendar.choose(catalogue, now(as_of), within)
        found = calendar.entries(chosen, now(as_of), Locator(where))
        click.echo(calendar.render_json(found, now(as_of), within) if form == "json" else calendar.render_text(found))
    sys.exit(PROBLEMS if problems else 0)
