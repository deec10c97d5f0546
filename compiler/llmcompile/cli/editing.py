"""What the commands that edit have in common: open a file or say why not, write it once, check what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from llmcompile.cli.options import as_of_option, compiled, find_root, root_option, show_problems
from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from llmcompile.diagnostics import Diagnostic
    from llmcompile.edit.draft import Draft

M = TypeVar("M", bound="BaseModel")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class How:
    """How an edit is carried out: what all of these commands can be told."""

    root: Path
    as_of: datetime | None
    dry_run: bool
    check: bool


def edit_options(command: F) -> F:
    """--root, --as-of, --dry-run and --no-check."""
    dry_run = click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
    no_check = click.option("--no-check", is_flag=True, help="Do not check the repository afterwards.")
    return root_option(as_of_option(dry_run(no_check(command))))


def how(root: Path | None, as_of: datetime | None, dry_run: bool, no_check: bool) -> How:
    """What was told, with the root found."""
    return How(find_root(root), as_of, dry_run, not no_check)


def opened(root: Path, folder: str, name: str, kind: type[M]) -> tuple[Draft, M]:
    """A file to edit and what it means. Ends the command where there is none, or where it is not right."""
    from llmcompile.edit.draft import Draft
    from llmcompile.load import source, strict_yaml
    from llmcompile.load.shape import validate

    file = f"{folder}/{name}.yaml"
    if name not in names(root, folder):
        raise missing(root, folder, name)
    read = source.read(root, file)
    if not isinstance(read, source.Source):
        _not_editable(root, file, [read])
    data, problems = strict_yaml.load(read)
    if problems:
        _not_editable(root, file, problems)
    item, problems = validate(kind, file, data)
    if item is None or problems:
        _not_editable(root, file, problems)
    return Draft(read, data, kind), item


def names(root: Path, folder: str) -> list[str]:
    """The ids that a folder has files for."""
    return sorted(each.stem for each in (root / folder).glob("*.yaml") if not each.name.startswith("."))


def missing(root: Path, folder: str, name: str) -> UsageError:
    """That there is no such file, with the one that was probably meant."""
    from llmcompile.literals import quote
    from llmcompile.suggest import did_you_mean

    return UsageError(f"no {folder.removesuffix('s')} {quote(name)}", did_you_mean(name, names(root, folder)))


def _not_editable(root: Path, file: str, problems: Sequence[Diagnostic]) -> NoReturn:
    show_problems(root, problems)
    click.echo(f"{file} was not changed; these come first", err=True)
    sys.exit(PROBLEMS)


def valid(kind: type[BaseModel], file: str, data: Any) -> None:
    """Refuse what could never be right in this file, before any of it is written."""
    from llmcompile.diagnostics import has_errors
    from llmcompile.load.shape import validate

    _, problems = validate(kind, file, data)
    if has_errors(problems):
        where = ".".join(map(str, problems[0].place.route))
        raise UsageError(f"{problems[0].message} ({where}); nothing was written", problems[0].hint)


def changed(done: How, before: Draft, after: Draft, *, quiet: bool = False) -> None:
    """Write an edited file, or show what would be written. ``quiet`` leaves stdout to the caller."""
    from llmcompile.edit import change, files

    file = after.source.file
    valid(after.kind, file, after.data)
    if done.dry_run:
        click.echo(change.diff(file, before.text, after.text))
    else:
        files.replace(done.root, file, after.text)
        click.echo(f"changed: {file}", err=quiet)


def created(done: How, file: str, kind: type[BaseModel], text: str) -> None:
    """Write a new file, or show what would be written."""
    from llmcompile.edit import change, files
    from llmcompile.load import source, strict_yaml

    data, problems = strict_yaml.load(source.Source(file, text))
    if problems:
        raise UsageError(f"{file}: {problems[0].message}; nothing was written", problems[0].hint)
    valid(kind, file, data)
    if done.dry_run:
        click.echo(change.diff(file, "", text))
    else:
        files.create(done.root, file, text)
        click.echo(f"written: {file}")


def checked(done: How) -> None:
    """Check the repository as it is now: 1 where something is still to be done, and that is said."""
    if done.dry_run:
        return
    _refresh_schemas(done.root)
    if not done.check:
        return
    result = compiled(done.root, done.as_of)
    show_problems(done.root, result.diagnostics)
    if result.failed:
        click.echo("written; what is left to do stands above", err=True)
        sys.exit(PROBLEMS)


def _refresh_schemas(root: Path) -> None:
    """Let the editor know the new words, where it is given schemas at all."""
    from llmcompile.diagnostics import has_errors
    from llmcompile.emit import input_schemas
    from llmcompile.load.vocabulary import read_vocabulary

    folder = root / "schemas"
    if not (folder / "account.schema.json").is_file():
        return
    vocabulary, problems = read_vocabulary(root)
    if has_errors(problems):
        return  # the check says which
    texts = input_schemas.render(vocabulary)
    stale = input_schemas.stale(folder, texts)
    input_schemas.write(folder, {name: texts[name] for name in stale})
    for name in stale:
        click.echo(f"written: schemas/{name}", err=True)
