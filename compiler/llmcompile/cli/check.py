"""``llmcompile check``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import (
    as_of_option,
    cache_option,
    find_root,
    fleet_cache,
    jobs_option,
    most_option,
    now,
    progress_bar,
    root_option,
    stats_option,
)
from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from llmcompile.fleet.result import Fleet
    from llmcompile.load.repository import Repository
    from llmcompile.pipeline import Compiled
    from llmcompile.prove.outcome import Proof
    from llmcompile.show.located import Located

FORMS = ["text", "json", "github", "sarif", "junit"]


@click.command("check")
@root_option
@as_of_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@most_option
@click.option("--proofs", is_flag=True, help="Prove things about the whole fleet, and say what was covered.")
@click.option("--witness", type=click.Choice(["genai-prices"]), help="Compare prices with those of a package, offline.")
@click.option("--against", metavar="REV", help="Hold ids, codes and past prices to what they are in a git revision.")
@jobs_option
@cache_option
@stats_option
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]...")
def command(
    root: Path | None,
    as_of: datetime | None,
    form: str,
    most: int,
    proofs: bool,
    witness: str | None,
    against: str | None,
    jobs: int,
    cached: bool,
    stats: bool,
    files: tuple[Path, ...],
) -> None:
    """Report every problem of the whole repository at once.

    With FILEs, those that they and the shared files tell by themselves: for editors and hooks of large fleets.

    Exits with 1 where there is an error; warnings and notes do not count.
    """
    if files and (proofs or witness or against is not None or form == "junit"):
        raise UsageError(
            "what --proofs, --witness, --against and --format junit say looks at the whole fleet", "leave the files out"
        )
    where, instant, asked = find_root(root), now(as_of), _asked(proofs, witness is not None)
    before = _before(where, against) if against is not None else None

    from llmcompile.show.located import summary

    screen = form == "text" and sys.stdout.isatty() and not files
    result: Compiled | Fleet
    whole: Compiled | None = None
    if files:
        from llmcompile.fleet.some import check_some

        result = check_some(where, instant, files)
    elif screen:  # it looks at accounts, not at what was said of them alone
        result = whole = _everything(where, instant, asked, before)
    elif asked or before or form == "junit":  # no cache has all that these say
        result = _anew(where, instant, jobs, asked, before)
    else:
        result = _fleet(where, instant, jobs, cached=cached, stats=stats)
    _show(where, result, form, most, asked=bool(asked))
    if screen and whole:
        from llmcompile.show.summary import render

        click.echo(render(whole, instant))
    click.echo(f"{result.scope}{summary(result.diagnostics)}", err=True)
    sys.exit(PROBLEMS if result.failed else 0)


def _everything(root: Path, as_of: datetime, asked: Sequence[Proof], before: Repository | None) -> Compiled:
    from llmcompile.pipeline import compile_repository

    with progress_bar() as progress:
        return compile_repository(root, as_of, progress, proofs=asked, against=before)


def _anew(root: Path, as_of: datetime, jobs: int, asked: Sequence[Proof], before: Repository | None) -> Fleet:
    from llmcompile.fleet.compiling import compile_fleet

    with progress_bar() as progress:
        return compile_fleet(root, as_of, progress, jobs=jobs, proofs=asked, against=before)


def _fleet(root: Path, as_of: datetime, jobs: int, *, cached: bool, stats: bool) -> Fleet:
    with fleet_cache(root, cached=cached, stats=stats) as cache:
        if cache and (fleet := cache.unchanged(as_of)):
            return fleet
        from llmcompile.fleet.compiling import compile_fleet

        with progress_bar() as progress:
            return compile_fleet(root, as_of, progress, jobs=jobs, cache=cache)


def _before(root: Path, against: str) -> Repository:
    """What a revision says. What of it cannot be loaded is noted: it must not stop whoever repairs it."""
    from llmcompile.history.revision import read_revision
    from llmcompile.load.repository import load_repository

    revision = read_revision(root, against)
    before, _ = load_repository(revision)
    broken = len(before.accounts.broken) + len(before.models.broken)
    if broken:
        files = f"{broken} file{'s' if broken > 1 else ''}"
        click.echo(f"note: {files} of {revision} cannot be read, and nothing in them is compared", err=True)
    return before


def _asked(proofs: bool, witness: bool) -> Sequence[Proof]:
    """The proofs to try. They bring the router's half along, which a plain check does without."""
    asked: list[Proof] = []
    if proofs:
        from llmcompile.prove import PROOFS

        asked += PROOFS
    if witness:
        from llmcompile.prove.genai_prices import GenaiPrices
        from llmcompile.prove.witness import confirmation

        asked.append(confirmation(GenaiPrices.installed()))
    return asked


def _show(root: Path, result: Compiled | Fleet, form: str, most: int, *, asked: bool) -> None:
    """The diagnostics and the proofs on stdout; where a machine reads diagnostics alone, the proofs on stderr."""
    from llmcompile.load.locate import Locator
    from llmcompile.show import junit, machine, proofs, sarif, text
    from llmcompile.show.located import located

    locator = Locator(root)
    found = located(result.diagnostics, locator)
    if form == "json":
        click.echo(machine.render_json(found, {"proofs": proofs.objects(result.proofs)} if asked else None))
    elif form == "github":
        click.echo(machine.render_github(found, below_git(root)), nl=bool(found))
        _write_step_summary(root, result, found)
    elif form == "sarif":
        from llmcompile.edit.replacements import replacements

        click.echo(sarif.render(found, below_git(root), replacements(root, result.diagnostics, locator)))
    elif form == "junit":
        click.echo(junit.render(found, result.files, result.proofs, below_git(root)))
    elif found:
        click.echo(text.render_worst(found, most))
    if result.proofs and form not in ("json", "junit"):
        click.echo(proofs.render_text(result.proofs), err=form != "text")


def _write_step_summary(root: Path, result: Compiled | Fleet, found: Sequence[Located]) -> None:
    """Below what the step's summary says already, where GitHub's runner asks for one; a full disk fails no check."""
    if not (file := os.environ.get("GITHUB_STEP_SUMMARY")):
        return
    from llmcompile.show import proofs, step_summary

    path = Path(file)
    try:
        taken = path.stat().st_size if path.exists() else 0
        proven = proofs.render_text(result.proofs)
        page = step_summary.render(found, result.scope, proven, below_git(root), step_summary.LIMIT - taken)
        with path.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(page)
    except OSError as error:
        click.echo(f"the step's summary cannot be written: {error.strerror}", err=True)


def below_git(root: Path) -> str:
    """What leads from the top of the git repository to the root, ending in a slash: GitHub counts paths from there."""
    top = next((each for each in (root, *root.parents) if (each / ".git").exists()), root)
    return "" if top == root else f"{root.relative_to(top).as_posix()}/"
