"""Some files of a fleet checked, given the shared ones: what an editor or a hook asks for while somebody writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from llmcompile.check.context import Whole
from llmcompile.check.facts import facts
from llmcompile.errors import UsageError
from llmcompile.fleet.result import Fleet
from llmcompile.load.root import FOLDERS, PROJECT_FILE, stem
from llmcompile.pipeline import conclude, distinct, read_shared, scope


def check_some(root: Path, as_of: datetime, files: Sequence[Path]) -> Fleet:
    """What is wrong with these files of the repository below ``root``, and with all that accounts share.

    Accounts that are not among them count as unreadable: nothing is said to be unused, and their ids are not known.
    ``as_of`` (UTC) is now. ``UsageError`` for a file that is no part of the repository.
    """
    named = {_below(root, each) for each in files}
    shared, diagnostics = read_shared(root, as_of)
    if shared is None:
        return Fleet("", tuple(distinct(diagnostics)))
    asked = [each for each in shared.files if each in named]
    compiled = shared.compiler.compile(asked)
    diagnostics += [said for each in compiled for said in each.diagnostics]
    read = [each.account for each in compiled if each.account]
    unread = {stem(each) for each in shared.files} - {account.id for account in read}
    catalogue = replace(shared.catalogue, broken_accounts=shared.catalogue.broken_accounts | unread)
    whole = Whole(catalogue, tuple(map(facts, read)), as_of)
    conclude(shared, whole, [each.findings for each in compiled], diagnostics, None)
    looked_at = f"{len(asked)} of {scope(catalogue, len(shared.files))}"
    return Fleet(looked_at, tuple(distinct(diagnostics)))


def _below(root: Path, file: Path) -> str:
    """The file's path below the root, as diagnostics have it."""
    path = file.absolute()
    path = path.parent.resolve() / path.name  # the file itself may be a link
    inside = path.relative_to(root.resolve()).as_posix() if path.is_relative_to(root.resolve()) else ""
    if inside != PROJECT_FILE and inside.rpartition("/")[0] not in FOLDERS:
        hint = (
            f"name {PROJECT_FILE} or files of {', '.join(f'{each}/' for each in FOLDERS)}; without any, all are checked"
        )
        raise UsageError(f"{file} is no file of {root}", hint)
    return inside
