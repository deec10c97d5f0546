"""Usage priced under both sides of a change, exactly. What has no price is counted as such, never as nothing.

A row costs what the router's first choice for its model costs on its day, on either side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal

from llmcompile.diff.answers import Asked, by_ref
from llmcompile.diff.sides import Side, pairs
from llmcompile.diff.situations import NOTHING, draws, tried
from llmcompile.diff.usage import Row
from llmcompile.literals import quote
from llmcompile.show.located import Located
from llmcompile.suggest import did_you_mean
from llmrouter.entities import Model
from llmrouter.prices import PriceMissingError, TokenCost, cost, price_at

EXACT = Context(prec=200)
"""Sums of money lose no digit."""


@dataclass(slots=True)
class Money:
    """A sum, by currency, and the tokens that it does not hold."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    unpriced: int = 0
    """Tokens that have no price, or that nothing would serve."""

    def add(self, other: Money) -> None:
        """Add a sum to this one."""
        for currency, amount in other.amounts.items():
            self.amounts[currency] = EXACT.add(self.amounts.get(currency, Decimal(0)), amount)
        self.unpriced += other.unpriced


@dataclass(frozen=True, slots=True)
class Entry:
    """What one account used of one model."""

    account: str
    model: str
    before: Money = field(default_factory=Money)
    after: Money = field(default_factory=Money)


@dataclass(frozen=True, slots=True)
class Bill:
    """All usage, priced before and after."""

    rows: int
    entries: tuple[Entry, ...]
    """By account, then model."""

    def by(self, of: str) -> dict[str, tuple[Money, Money]]:
        """Sums before and after by ``account`` or ``model``."""
        found: defaultdict[str, tuple[Money, Money]] = defaultdict(lambda: (Money(), Money()))
        for each in self.entries:
            before, after = found[str(getattr(each, of))]
            before.add(each.before)
            after.add(each.after)
        return dict(sorted(found.items()))

    @property
    def total(self) -> tuple[Money, Money]:
        """The sums of everything."""
        before, after = Money(), Money()
        for each in self.entries:
            before.add(each.before)
            after.add(each.after)
        return before, after


def bill(rows: Iterable[Row], old: Side, new: Side) -> tuple[Bill, list[Located]]:
    """Price every row under both sides; what could not be priced for certain is said."""
    names = {name: pair for pair in pairs(old, new) for name in pair if name}
    sides = _Pricer(old), _Pricer(new)
    entries: dict[tuple[str, str], Entry] = {}
    problems, count = list[Located](), 0
    for row in rows:
        found = list(_priced(row, names, sides))
        wrong = [each for each in found if isinstance(each, Located)]
        problems += wrong
        if wrong:
            continue
        account, (before, after) = _name(names[row.account]), [each for each in found if isinstance(each, Money)]
        entry = entries.setdefault((account, row.model), Entry(account, row.model))
        entry.before.add(before)
        entry.after.add(after)
        count += 1
    return Bill(count, tuple(entries[each] for each in sorted(entries))), problems


def _name(pair: tuple[str | None, str | None]) -> str:
    return pair[1] or pair[0] or ""


def _priced(
    row: Row, names: dict[str, tuple[str | None, str | None]], sides: tuple[_Pricer, _Pricer]
) -> Iterator[Money | Located]:
    """What a row costs before and after, or what is wrong with it."""
    if row.account not in names:
        hint = did_you_mean(row.account, names, "neither revision has it")
        yield row.wrong("value-unknown", f"no account {quote(row.account)}", "account", hint)
        return
    accounts = names[row.account]
    known = [side.names(account) for side, account in zip(sides, accounts, strict=True)]
    if not any(row.model in each for each in known):
        hint = did_you_mean(row.model, sorted(known[0] | known[1]), "neither revision has it for this account")
        yield row.wrong("value-unknown", f"account {quote(row.account)} has no model {quote(row.model)}", "model", hint)
        return
    found = [side.price(row, account) for side, account in zip(sides, accounts, strict=True)]
    wrong = [each for each in found if isinstance(each, Located)]
    yield from wrong[:1] or found  # what is unclear is mostly so on both sides


class _Pricer:
    """One side's prices. Remembers which rows of prices an account's name comes to."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._asked: dict[tuple[str, str], Asked | None] = {}
        self._names: dict[str | None, frozenset[str]] = {}
        self._choices: dict[tuple[str, str, str], tuple[Model, ...]] = {}

    def names(self, account: str | None) -> frozenset[str]:
        """Every name that means something to an account's routers."""
        if account not in self._names:
            routers = [self._router(account, each) for each in self._side.regions.get(account or "", ())]
            self._names[account] = frozenset[str]().union(*(each.snapshot.names for each in routers if each))
        return self._names[account]

    def price(self, row: Row, account: str | None) -> Money | Located:
        """What a row costs; or that it cannot be told for certain."""
        regions = self._side.regions.get(account or "", ())
        if row.region is not None:
            regions = tuple(each for each in regions if each == row.region)
        name = row.model if row.model in self.names(account) else self._side.codes.get(row.model, row.model)
        first = {model.code: model for each in regions for model in self._first(account or "", each, name)}
        tokens = sum(row.usage)
        if not first:
            return Money(unpriced=tokens)
        if len(first) > 1:
            what = f"{quote(row.model)} may end at {' or '.join(sorted(first))}"
            return row.wrong("value-invalid", what, "model", "name the model that served, or add a column region")
        rows = next(iter(first.values())).token_costs
        if changes := [each for each in _bounds(rows) if row.start < each < row.end]:
            message = f"its price changes on that day, at {changes[0]:%H:%M:%S}"
            return row.wrong(
                "value-invalid", message, "day", f"split the row, and write {changes[0]:%Y-%m-%dT%H:%M:%SZ}"
            )
        held = price_at(rows, row.start)
        try:
            return Money({held.currency: cost(held, row.usage)}) if held else Money(unpriced=tokens)
        except PriceMissingError:
            return Money(unpriced=tokens)

    def _first(self, account: str, region: str, name: str) -> tuple[Model, ...]:
        """The models that are the router's first choice, whatever weights draw."""
        place = account, region, name
        if place not in self._choices:
            asked = self._router(account, region)
            found = set[str]()
            for draw in draws([(asked, name, tried(asked, name)[0])]) if asked else ():
                answer = asked.answer(name, NOTHING, NOTHING, draw) if asked else "refused"
                found |= {answer[0].model} if not isinstance(answer, str) else set()
            self._choices[place] = tuple(asked.snapshot.models[each] for each in found) if asked else ()
        return self._choices[place]

    def _router(self, account: str | None, region: str) -> Asked | None:
        place = account or "", region
        if place not in self._asked:
            seat = self._side.seat(account, region)
            self._asked[place] = Asked(seat.snapshot(), None, by_ref) if seat else None
        return self._asked[place]


def _bounds(rows: Iterable[TokenCost]) -> Iterator[datetime]:
    for row in rows:
        yield row.start
        if row.end is not None:
            yield row.end
