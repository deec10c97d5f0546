"""Lifetimes: everything dated in the catalogue, and what is past its date and still in use.

The events are what ``llmcompile calendar`` lists; ``check --as-of +30d`` meets them before production does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.endpoint import Authenticated
from llmcompile.inputs.model import PerMillionTokens
from llmcompile.inputs.values import format_instant
from llmcompile.link.catalogue import Account, Catalogue, Model, Region
from llmcompile.literals import quote
from llmcompile.load.root import PROJECT_FILE

if TYPE_CHECKING:
    from llmcompile.check.context import Whole  # which knows the facts, which know what ends

EventKind = Literal["price", "model", "version", "secret"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at an instant which the YAML names."""

    at: datetime
    kind: EventKind
    what: str
    """What happens, as a sentence without its end."""
    place: Place
    """The date itself."""
    past: Diagnostic | None = None
    """The error that it is from then on; None where nothing breaks by it."""


def events(catalogue: Catalogue) -> Iterator[Event]:
    """Everything dated, in no order."""
    yield from of_shared(catalogue, catalogue.served())
    for account in catalogue.accounts.values():
        yield from of_account(account)


def of_shared(catalogue: Catalogue, served: Mapping[str, Place]) -> Iterator[Event]:
    """Everything dated in the shared files, in no order; ``served``: where each model is served first."""
    for model in catalogue.models.values():
        yield from _prices(model)
        yield from _retirement(model, served)
    for name, credential in catalogue.project.credentials.items():
        yield from _of_auth(Place(PROJECT_FILE, ("credentials", name)), f"credential '{name}'", credential)
    for region in catalogue.regions.values():
        yield from _of_endpoints(region, f"region '{region.input.region}'")


def of_account(account: Account) -> Iterator[Event]:
    """Everything dated in an account's file."""
    return _of_endpoints(account, f"account '{account.id}'")


def past(whole: Whole) -> Iterator[Diagnostic]:
    """Nothing that is in use is past its date."""
    for event in of_shared(whole.catalogue, whole.served):
        if event.past is not None and event.at <= whole.as_of:
            yield event.past
    for account in whole.accounts:
        for instant, problem in account.ends:
            if instant <= whole.as_of:
                yield problem


def turns(whole: Whole) -> Iterator[datetime]:
    """Every instant at which ``past`` begins to say something."""
    yield from (event.at for event in of_shared(whole.catalogue, whole.served))
    yield from (instant for account in whole.accounts for instant, _ in account.ends)


def _of_endpoints(owner: Region | Account, whose: str) -> Iterator[Event]:
    for name, endpoint in owner.input.endpoints.items():
        place = Place(owner.file, ("endpoints", name))
        yield from _of_auth(place, f"endpoint '{name}' of {whose}", endpoint)


def _prices(model: Model) -> Iterator[Event]:
    """Each change of a price, and each end that no row follows."""
    rows, place = model.input.token_costs, Place(model.file, ("token_costs",))
    for index, (before, row) in enumerate(pairwise(rows), start=1):
        changes = _changes(before.per_million_tokens, row.per_million_tokens)
        what = f"the price of '{model.input.code}' changes: {changes}"
        yield Event(row.start, "price", what, place / index / "start")
    if rows and rows[-1].end:
        yield Event(rows[-1].end, "price", f"the price of '{model.input.code}' ends", place / (len(rows) - 1) / "end")
    if rows:
        yield Event(rows[0].start, "price", f"the first price of '{model.input.code}' starts", place / 0 / "start")


def _changes(before: PerMillionTokens, after: PerMillionTokens) -> str:
    old, new = dict(before.items()), dict(after.items())
    units = [unit for unit in {**old, **new} if old.get(unit) != new.get(unit)]
    return ", ".join(f"{unit} {old.get(unit, 'none')} to {new.get(unit, 'none')}" for unit in units) or "in no figure"


def _retirement(model: Model, served: Mapping[str, Place]) -> Iterator[Event]:
    if model.input.retires is None:
        return
    code, place = model.input.code, Place(model.file, ("retires",))
    first, problem = served.get(code), None
    if first is not None:
        message = f"'{code}' retired on {format_instant(model.input.retires)} and is still served"
        hint = "move to its successor and remove it, or correct the date"
        problem = Diagnostic("model-retired", message, place, hint, (Related(first, "served here"),))
    yield Event(model.input.retires, "model", f"'{code}' retires", place, problem)


def _of_auth(place: Place, whose: str, written: Authenticated) -> Iterator[Event]:
    if written.expires is not None:
        what = "the client secret" if written.oauth else "the key"
        message = f"{what} of {whose} expired on {format_instant(written.expires)}"
        problem = Diagnostic("secret-expired", message, place / "expires", "store a new one, then write its date")
        yield Event(written.expires, "secret", f"{what} of {whose} expires", place / "expires", problem)
    if written.sunset is not None:
        version = f"API version {quote(written.version)}"
        message = f"{version} of {whose} was withdrawn on {format_instant(written.sunset)}"
        problem = Diagnostic("api-version-sunset", message, place / "sunset", "pin a newer version, with its date")
        yield Event(written.sunset, "version", f"{version} of {whose} is withdrawn", place / "sunset", problem)
