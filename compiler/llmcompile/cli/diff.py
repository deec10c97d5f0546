"""``llmcompile diff``."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import InstantType, find_root, now, progress_bar, root_option, show_problems
from llmcompile.errors import PENDING, PROBLEMS

if TYPE_CHECKING:
    from llmcompile.diff.bill import Bill
    from llmcompile.diff.sides import Side

_WORK_TREE = "the work tree"


@click.command("diff")
@root_option
@click.option(
    "--as-of",
    type=InstantType(),
    metavar="DATE",
    help="What counts as now for the checks of both. Default: the commit's time, of the work tree the clock.",
)
@click.option(
    "--usage",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Price this usage under both: CSV of account, model, day and tokens by unit.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--exit-code", is_flag=True, help="Exit with 3 where a decision changed.")
@click.argument("old", metavar="REV")
@click.argument("new", metavar="[REV]", required=False)
def command(
    root: Path | None,
    as_of: datetime | None,
    usage: Path | None,
    form: str,
    exit_code: bool,
    old: str,
    new: str | None,
) -> None:
    """Show which of the router's decisions change between two revisions, for whom, and what that costs.

    Without a second REV, the work tree is what the first one is compared with. Both are compiled in memory; nothing is
    checked out.
    """
    where = find_root(root)

    from llmcompile.diff.report import report
    from llmcompile.show import diff_machine, diff_markdown, diff_text

    before, old_side = _compiled(where, old, as_of)
    after, new_side = _compiled(where, new, as_of)
    bill = _bill(usage, old_side, new_side) if usage else None
    found = report((before, after), old_side, new_side, bill)
    render = {
        "text": diff_text.render_text,
        "json": diff_machine.render_json,
        "markdown": diff_markdown.render_markdown,
    }[form]
    click.echo(render(found))
    sys.exit(PENDING if exit_code and found.impact.count else 0)


def _compiled(root: Path, name: str | None, as_of: datetime | None) -> tuple[str, Side]:
    """A revision compiled, or the work tree. Ends the command where it does not compile, and says which it was."""
    from llmcompile.diff.sides import side_of
    from llmcompile.history.revision import read_revision
    from llmcompile.pipeline import compile_repository

    revision = read_revision(root, name) if name is not None else None
    with progress_bar() as progress:
        result = compile_repository(revision or root, as_of or (revision.when if revision else now(None)), progress)
    shown = str(revision) if revision else _WORK_TREE
    if result.failed:
        show_problems(revision or root, result.diagnostics)
        click.echo(f"{shown} does not compile; its problems stand above", err=True)
        sys.exit(PROBLEMS)
    return shown, side_of(result.linked, result.documents)


def _bill(file: Path, old: Side, new: Side) -> Bill:
    """Usage priced under both sides. Ends the command where a row of it is not right."""
    from llmcompile.diff.bill import bill
    from llmcompile.diff.usage import read_usage
    from llmcompile.show.located import summary
    from llmcompile.show.text import render_worst

    rows, problems = read_usage(str(file), file.read_bytes())
    priced, unsure = bill(rows, old, new)
    problems += unsure
    if problems:
        problems.sort(key=lambda each: (each.at.line, each.at.column))
        click.echo(render_worst(problems, 100), err=True)
        click.echo(f"{file}: {summary(each.diagnostic for each in problems)}; nothing was priced", err=True)
        sys.exit(PROBLEMS)
    return priced
