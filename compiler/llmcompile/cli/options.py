"""What several commands share: finding the root, reading instants, compiling with progress, showing problems."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from llmcompile.diagnostics import Diagnostic
    from llmcompile.fleet.cache import Cache
    from llmcompile.load.tree import Root
    from llmcompile.pipeline import Compiled, Progress


MOST = 100
"""Problems that a person at a terminal is shown at once."""

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The repository of YAML. Default: walk up from here to llmcompile.yaml.",
)


class InstantType(click.ParamType[datetime]):
    """A date (midnight UTC), a UTC timestamp, or a number of days from now such as +30d."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant, or click's usage error."""
        from llmcompile.inputs.values import parse_days, parse_instant

        if isinstance(value, datetime):
            return value
        try:
            if str(value).startswith("+"):
                return datetime.now(UTC) + parse_days(str(value).removeprefix("+"))
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(f"{error}; write 2026-01-01, 2026-01-01T12:00:00Z or +30d", param, ctx)


as_of_option = click.option(
    "--as-of",
    type=InstantType(),
    metavar="DATE",
    help="What counts as now for the checks: a date, or +30d from now. Default: the clock. Outputs never depend on it.",
)


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Processes that compile accounts. Default: as many as pay, up to the cores that there are.",
)

stats_option = click.option("--stats", is_flag=True, help="Say what was known from the last time, and what was not.")

cache_option = click.option(
    "--cache/--no-cache", "cached", default=True, help="Whether to use what is known from the last time. Default: yes."
)

to_option = click.option(
    "--to", "--store", "to", required=True, metavar="STORE", help="A name from stores:, or a URI such as dir:PATH."
)

region_option = click.option("--region", metavar="REGION", help="Needed where the account has several.")


def find_root(root: Path | None) -> Path:
    """The root, given or found; ``UsageError`` where there is none."""
    from llmcompile.load import root as top

    if root is not None:
        if not (root / top.PROJECT_FILE).is_file():
            raise UsageError(f"no {top.PROJECT_FILE} in {root}", f"start one: llmcompile init {root}")
        return root.resolve()
    found = top.find_root(Path.cwd())
    if found is None:
        message = top.describe_missing_root(Path.cwd())
        raise UsageError(message, "name it with --root DIR, or start one: llmcompile init DIR")
    return found


def now(as_of: datetime | None) -> datetime:
    """The instant that counts as now."""
    return as_of or datetime.now(UTC)


def compiled(root: Path, as_of: datetime | None) -> Compiled:
    """The repository compiled, with a progress bar on long work."""
    from llmcompile.pipeline import compile_repository

    with progress_bar() as progress:
        return compile_repository(root, now(as_of), progress)


def compiled_or_exit(root: Path, as_of: datetime | None) -> Compiled:
    """The same for commands that need documents: problems go to stderr, errors end the command."""
    result = compiled(root, as_of)
    show_problems(root, result.diagnostics)
    if result.failed:
        sys.exit(PROBLEMS)
    return result


def show_problems(root: Root, diagnostics: Iterable[Diagnostic]) -> None:
    """Every error and warning as text on stderr; notes are for ``check``."""
    from llmcompile.diagnostics import Severity
    from llmcompile.load.locate import Locator
    from llmcompile.show.located import located, summary
    from llmcompile.show.text import render_worst

    shown = [each for each in diagnostics if each.severity is not Severity.NOTE]
    if shown:
        click.echo(render_worst(located(shown, Locator(root)), MOST if sys.stderr.isatty() else 0), err=True)
        click.echo(summary(shown), err=True)


def _most(context: click.Context, parameter: click.Parameter, value: int | None) -> int:
    return (MOST if sys.stdout.isatty() else 0) if value is None else value


most_option = click.option(
    "--max",
    "most",
    type=click.IntRange(min=0),
    callback=_most,
    metavar="N",
    help="Problems shown as text, the worst first; 0: all. Default: 100 on a terminal, else all.",
)


@contextmanager
def fleet_cache(root: Path, *, cached: bool, stats: bool) -> Iterator[Cache | None]:
    """What is known of the repository from the last time; what is learned is kept, and said if asked for."""
    from llmcompile.fleet.cache import Cache

    cache = Cache.of(root) if cached else None
    try:
        yield cache
    finally:
        if cache:
            cache.save()
        if stats:
            why = "; ".join(cache.said) if cache else "not used"
            click.echo(f"cache: {why}", err=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on a terminal's stderr, gone when done; silence where there is no terminal."""
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="")
            if done % 50 == 0 or done == total or total < 1_000:
                speed = bar.tasks[tasks[stage]].speed
                bar.update(tasks[stage], completed=done, rate=f"{speed:,.0f}/s" if speed else "")

        yield update
