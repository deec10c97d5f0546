"""What may never change once it was written: ids of accounts, codes of models, and prices that have held.

Compares what two repositories say; knows neither git nor the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from llmcompile.check.context import Whole
from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.emit.canonical import money
from llmcompile.inputs.model import TokenCost
from llmcompile.inputs.values import format_instant
from llmcompile.link.catalogue import Model
from llmcompile.load.repository import Repository
from llmcompile.load.root import PROJECT_FILE


def changed(before: Repository, whole: Whole) -> Iterator[Diagnostic]:
    """Everything that was written ``before`` and is not as it was; the fleet's instant tells the past from the future.

    What could not be loaded, on either side, is taken to be there and not compared further.
    """
    now, accounts, as_of = whole.catalogue, whole.accounts, whole.as_of
    were = {each.account: file for file, each in before.accounts.files.items()}
    were |= {stem: f"accounts/{stem}.yaml" for stem in before.accounts.broken}
    known = {each.id for each in accounts} | now.broken_accounts
    known |= {old for each in accounts for old in each.former}
    yield from _vanished("account", were, known | set(now.project.former.accounts))
    models = {each.code: file for file, each in before.models.files.items()}
    models |= {stem: f"models/{stem}.yaml" for stem in before.models.broken}
    called = {old: each for each in now.models.values() for old in each.input.previously}
    called |= {each.input.code: each for each in now.models.values()}
    yield from _vanished("model", models, called.keys() | now.broken_models | set(now.project.former.models))
    for written in before.models.files.values():
        if written.code in called:
            yield from _prices(written.token_costs, called[written.code], as_of)


def _vanished(what: str, before: Mapping[str, str], known: Iterable[str]) -> Iterator[Diagnostic]:
    left = before.keys() - set(known)
    for name in sorted(left):
        code = "account-vanished" if what == "account" else "model-vanished"
        hint = (
            f"renamed? write previously: [{name}] on its new name; "
            f"gone for good? add it to former.{what}s in {PROJECT_FILE}"
        )
        yield Diagnostic(code, f"{what} '{name}' is gone", Place(before[name], span=(0, 0)), hint)


@dataclass(frozen=True, slots=True)
class _Row:
    """A price row with the end that it comes to."""

    index: int
    end: datetime | None
    written: TokenCost

    @property
    def name(self) -> str:
        return f"the price row of {format_instant(self.written.start)}"


def _timeline(rows: tuple[TokenCost, ...]) -> dict[datetime, _Row]:
    found: dict[datetime, _Row] = {}
    for index, row in enumerate(rows):
        after = rows[index + 1].start if index + 1 < len(rows) else None
        found.setdefault(row.start, _Row(index, row.end or after, row))
    return found


def _prices(before: tuple[TokenCost, ...], model: Model, as_of: datetime) -> Iterator[Diagnostic]:
    """Each row that has held: it is still there, says the same and ends where it ended."""
    now = _timeline(model.input.token_costs)
    rows = Place(model.file, ("token_costs",))
    for start, old in _timeline(before).items():
        if start >= as_of:
            continue
        new = now.get(start)
        if new is None:
            yield _rewritten(rows.key(), f"{old.name} is gone, and it has held")
            continue
        yield from _figures(rows / new.index, old, new)
        if old.end != new.end and any(each is not None and each < as_of for each in (old.end, new.end)):
            ended, ends = (f"ends {format_instant(each)}" if each else "has no end" for each in (old.end, new.end))
            message = f"{old.name} {ends}, and before it {ended.replace('ends', 'ended').replace('has', 'had')}"
            yield _rewritten(_end(rows, new, len(model.input.token_costs)), message)


def _end(rows: Place, row: _Row, count: int) -> Place:
    """What decides where a row ends: its own end, else the start of the next one."""
    if row.written.end is not None:
        return rows / row.index / "end"
    return rows / (row.index + 1 if row.index + 1 < count else row.index) / "start"


def _figures(place: Place, old: _Row, new: _Row) -> Iterator[Diagnostic]:
    was, now = old.written, new.written
    if was.currency != now.currency:
        message = f"{old.name} was in {was.currency} and is in {now.currency} now"
        yield _rewritten(place / "currency", message)
    before, after = dict(was.per_million_tokens.items()), dict(now.per_million_tokens.items())
    for unit in dict.fromkeys([*before, *after]):
        if unit not in after:
            where, what = (place / "per_million_tokens").key(), f"has lost {unit}, which was {money(before[unit])}"
        elif unit not in before:
            where, what = place / "per_million_tokens" / unit, f"had no {unit}"
        elif before[unit] != after[unit]:
            where = place / "per_million_tokens" / unit
            what = f"had {money(before[unit])} for {unit} and has {money(after[unit])} now"
        else:
            continue
        yield _rewritten(where, f"{old.name} {what}")


def _rewritten(place: Place, message: str) -> Diagnostic:
    hint = "the past was billed by it: put it back, and add a row that starts later"
    return Diagnostic("price-history", message, place, hint)
