"""``llmcompile fmt``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import find_root, root_option, show_problems
from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from llmcompile.diagnostics import Diagnostic
    from llmcompile.load.source import Source


@dataclass(frozen=True, slots=True)
class _How:
    root: Path
    check: bool
    diff: bool


@click.command("fmt")
@root_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file is laid out otherwise.")
@click.option("--diff", is_flag=True, help="Show the differences and write nothing.")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
def command(root: Path | None, check: bool, diff: bool, files: tuple[Path, ...]) -> None:
    """Lay out the YAML in one way: all of the repository, or these files.

    Only white space changes. A file that is not YAML is shown with what is wrong, and stays as it is.
    """
    how = _How(find_root(root), check, diff)
    problems: list[Diagnostic] = []
    unlike = 0
    for file in [_below(how.root, each) for each in files] or _all(how.root):
        read = _read(how.root, file)
        if isinstance(read, list):
            problems += read
        else:
            unlike += _lay_out(how, read)
    show_problems(how.root, problems)
    words = "would be laid out anew" if check or diff else "laid out anew"
    click.echo(f"{unlike} file{'s' if unlike != 1 else ''} {words}", err=True)
    sys.exit(PROBLEMS if problems or (check and unlike) else 0)


def _read(root: Path, file: str) -> Source | list[Diagnostic]:
    from llmcompile.load import source, strict_yaml

    read = source.read(root, file)
    if not isinstance(read, source.Source):
        return [read]
    problems = strict_yaml.load(read)[1]
    return problems or read


def _lay_out(how: _How, source: Source) -> bool:
    """Lay out a file, or tell of it; whether there is a difference."""
    from llmcompile.edit import change, files
    from llmcompile.edit.layout.laid_out import laid_out

    text = laid_out(source)
    if text is None:
        click.echo(f"left alone: {source.file} cannot be laid out for certain", err=True)
    if text is None or text == source.text:
        return False
    if how.diff:
        click.echo(change.diff(source.file, source.text, text))
    elif how.check:
        click.echo(source.file)
    else:
        files.replace(how.root, source.file, text)
        click.echo(f"changed: {source.file}")
    return True


def _all(root: Path) -> Iterator[str]:
    from llmcompile.cli.editing import names
    from llmcompile.load.root import PROJECT_FILE

    yield PROJECT_FILE
    for folder in ("models", "regions", "accounts"):
        yield from (f"{folder}/{name}.yaml" for name in names(root, folder))


def _below(root: Path, path: Path) -> str:
    try:
        return path.absolute().relative_to(root.absolute()).as_posix()
    except ValueError:
        raise UsageError(f"{path} is not in {root}", "name files of this repository") from None
