"""Former ids: what once was somebody's name is nobody else's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.link.catalogue import Account, Model
from llmcompile.load.repository import PROJECT_FILE

Claim = tuple[str, Place]
"""An id, and where it is written."""


def taken(context: Context) -> Iterator[Diagnostic]:
    """No id is somebody's and a former one of another, nor a former one of two."""
    held = context.catalogue
    owners: tuple[tuple[str, Iterable[Account | Model], tuple[str, ...]], ...] = (
        ("account", held.accounts.values(), held.project.former.accounts),
        ("code", held.models.values(), held.project.former.models),
    )
    for field, of, gone in owners:
        folder = "accounts" if field == "account" else "models"
        claims = [(_id(each), Place(each.file, (field,))) for each in of]
        claims += [
            (old, Place(each.file, ("previously", index)))
            for each in of
            for index, old in enumerate(each.input.previously)
        ]
        claims += [(old, Place(PROJECT_FILE, ("former", folder, index))) for index, old in enumerate(gone)]
        yield from _twice(claims)


def _id(owner: Account | Model) -> str:
    return owner.id if isinstance(owner, Account) else owner.input.code


def _twice(claims: Iterable[Claim]) -> Iterator[Diagnostic]:
    first: dict[str, Place] = {}
    for name, place in claims:
        here = first.setdefault(name, place)
        if here != place and place.route[0] in ("previously", "former"):  # two files of one id: the stems say that
            related = (Related(here, "the other one"),)
            hint = "an id is never given again: remove one of the two"
            yield Diagnostic(
                "previously-taken", f"'{name}' is said to be a former id, and is claimed twice", place, hint, related
            )
