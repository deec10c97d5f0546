"""Former ids: what once was somebody's name is nobody else's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmcompile.check.context import Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.load.root import PROJECT_FILE

Claim = tuple[str, Place]
"""An id, and where it is written."""
_Owner = tuple[str, str, tuple[str, ...]]
"""An id, its file and its former ids."""


def taken(whole: Whole) -> Iterator[Diagnostic]:
    """No id is somebody's and a former one of another, nor a former one of two."""
    gone = whole.catalogue.project.former
    accounts = [(each.id, each.file, each.former) for each in whole.accounts]
    models = [(each.input.code, each.file, each.input.previously) for each in whole.catalogue.models.values()]
    yield from _twice(_claims("account", accounts, "accounts", gone.accounts))
    yield from _twice(_claims("code", models, "models", gone.models))


def _claims(field: str, of: Iterable[_Owner], folder: str, gone: Iterable[str]) -> Iterator[Claim]:
    """Ids in use before former ones: who has one keeps it."""
    of = list(of)
    for name, file, _ in of:
        yield name, Place(file, (field,))
    for _, file, former in of:
        for index, old in enumerate(former):
            yield old, Place(file, ("previously", index))
    for index, old in enumerate(gone):
        yield old, Place(PROJECT_FILE, ("former", folder, index))


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
