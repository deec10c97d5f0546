"""``llmcompile fix``."""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import as_of_option, compiled, find_root, root_option, show_problems
from llmcompile.errors import PROBLEMS

if TYPE_CHECKING:
    from llmcompile.diagnostics import Diagnostic
    from llmcompile.pipeline import Compiled

_ROUNDS = 10
"""A fix lets the next check look further; what is not done by then goes in circles."""
_Texts = dict[str, tuple[str, str]]
"""By file, what was there and what is there now."""


@click.command("fix")
@root_option
@as_of_option
@click.option("--dry-run", is_flag=True, help="Show the differences and write nothing.")
def command(root: Path | None, as_of: datetime | None, dry_run: bool) -> None:
    """Fix what has only one answer: mistyped names that can mean one thing alone, and quotes.

    Shows what it changes, and then what is left, with exit code 1 where an error is. A fix may bring to light what
    nobody could see before; that is fixed too, but not shown by --dry-run.
    """
    where = find_root(root)
    texts: _Texts = {}
    fixed: list[Diagnostic] = []
    result = compiled(where, as_of)
    for _ in range(_ROUNDS):
        done = _round(where, result, texts, write=not dry_run)
        fixed += done
        if not done or dry_run:
            break
        result = compiled(where, as_of)
    _show(where, texts, [each for each in result.diagnostics if not (dry_run and each in fixed)])
    plural = "s" if len(fixed) != 1 else ""
    click.echo(f"{len(fixed)} problem{plural} {'would be ' if dry_run else ''}fixed", err=True)
    sys.exit(PROBLEMS if result.failed else 0)


def _round(root: Path, result: Compiled, texts: _Texts, *, write: bool) -> list[Diagnostic]:
    """Fix what one check has found."""
    from llmcompile.edit import files
    from llmcompile.edit.fixes import fixed
    from llmcompile.load import source

    by_file: dict[str, list[Diagnostic]] = defaultdict(list)
    for each in result.diagnostics:
        if each.fix is not None:
            by_file[each.place.file].append(each)
    done: list[Diagnostic] = []
    for file, diagnostics in sorted(by_file.items()):
        read = source.read(root, file)
        if not isinstance(read, source.Source):
            continue  # it was there a moment ago; the next check says what is wrong
        after = fixed(read, diagnostics)
        if after.done and write:
            files.replace(root, file, after.source.text)
        if after.done:
            texts[file] = texts.get(file, (read.text, ""))[0], after.source.text
            done += after.done
    return done


def _show(root: Path, texts: _Texts, left: list[Diagnostic]) -> None:
    from llmcompile.edit import change

    for file, (before, after) in sorted(texts.items()):
        click.echo(change.diff(file, before, after))
    show_problems(root, left)
