"""``llmcompile report``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import InstantType, compiled_or_exit, find_root, now, root_option


@click.command("report")
@root_option
@click.option(
    "--as-of",
    type=InstantType(),
    metavar="DATE",
    help="What counts as now: a date, or +30d from now. Default: the clock. The page says it, and depends on it.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", required=True, help="A folder of the report's own."
)
@click.option(
    "--link-base",
    metavar="URL",
    help="What links lead to, such as https://git.example.com/team/config/blob/main/{path}#L{line}."
    " Default: the files, where DIR is among them.",
)
def command(root: Path | None, as_of: datetime | None, out: Path, link_base: str | None) -> None:
    """Draw the fleet as one HTML page: who reaches what, what survives, prices, access, sizes, dates.

    The page loads nothing and holds no secret. Like build, it needs YAML without errors; the folder is replaced as a
    whole or not at all. The same YAML, --as-of and links give the same bytes.
    """
    where, instant = find_root(root), now(as_of)

    from llmcompile.report import links

    base = links.checked(link_base) if link_base is not None else links.beside(where, out)
    result = compiled_or_exit(where, instant)

    from llmcompile.report.collect import collect
    from llmcompile.report.render import render
    from llmcompile.report.write import PAGE, write

    size = write(out, render(collect(result, where, instant), base))
    click.echo(f"{size:,} bytes in {out / PAGE}")
