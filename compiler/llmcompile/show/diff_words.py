"""Words that every form of a difference shares: who is concerned, in which situation, and what becomes of what.

Words and names by turns, as in facts: a renderer can quote the names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from llmcompile.diff.answers import Hidden
from llmcompile.diff.bill import EXACT, Bill, Money
from llmcompile.diff.decisions import Change, FieldChange
from llmcompile.diff.figures import PriceChange
from llmcompile.diff.impact import Group, Impact
from llmcompile.emit.canonical import money
from llmcompile.inputs.values import format_instant
from llmcompile.push.meaning.shown import name

Parts = tuple[str, ...]
_MOST = 6
"""Names that are listed before the rest is counted."""
_REASONS = {"context window": "a prompt that is too long for it", "content policy": "what its content filter refuses"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that changes."""

    sign: Literal["-", "+", "~"]
    parts: Parts


def decisions(count: int) -> str:
    """So many decisions."""
    return f"{count:,} decision{'s' if count != 1 else ''}"


def changed(count: int) -> str:
    """So many decisions that changed."""
    return f"{decisions(count)} changed"


def reach(impact: Impact) -> str:
    """How many decisions change, and how far that reaches, in one line."""
    return f"{changed(impact.count)}: {radius(impact)}" if impact.count else changed(0)


def radius(impact: Impact) -> str:
    """How far a change reaches."""
    accounts, regions = len(impact.accounts), len(impact.regions)
    who = f"{accounts:,} account{'s' if accounts != 1 else ''} in {regions:,} region{'s' if regions != 1 else ''}"
    return f"{who}; {impact.asked:,} asked of {impact.routers:,} of {impact.all_routers:,} routers"


def head(group: Group) -> Parts:
    """For whom, for which names, in which situation, and how many decisions."""
    change = group.change
    accounts, regions, keys = (
        list(dict.fromkeys(getattr(each, field) for each in group.callers)) for field in ("account", "region", "key")
    )
    held = [each for each in keys if each]
    through = (" by key", "s " if len(held) > 1 else " ", *_listed(held, "key")) if held and len(accounts) == 1 else ()
    who = (*_listed(accounts, "account"), *through, " in ", *_listed(regions, "region"))
    return (*who, ": ", *_listed(group.names, "name"), *_situation(change), f", {decisions(group.count)}")


def _listed(names: Sequence[str], what: str) -> Iterator[str]:
    for at, each in enumerate(names[:_MOST]):
        yield from (", ", name(each)) if at else (name(each),)
    if len(names) > _MOST:
        yield f" and {len(names) - _MOST:,} more {what}{'s' if len(names) - _MOST > 1 else ''}"


def _situation(change: Change) -> Iterator[str]:
    if change.after is not None:
        yield f" for {_REASONS[change.after]}"
    if change.situation.down:
        yield from (" while ", name(" and ".join(sorted(change.situation.down))), " is down")
    if change.situation.tags:
        yield from (" preferring ", name(", ".join(sorted(change.situation.tags))))


def lines(change: Change) -> Iterator[Line]:
    """What becomes of what."""
    if change.was or change.now:
        yield Line("-", tuple(_listed_steps(change.was)))
        yield Line("+", tuple(_listed_steps(change.now)))
    for (field, before, after), steps in _fields(change.fields).items():
        of = (f"{field} of ", *_listed(steps, "step"), ": ")
        if isinstance(before, Hidden) and isinstance(after, Hidden):
            yield Line("~", (*of, "replaced"))
        else:
            yield Line("~", (*of, name(str(after)), " (was ", name(str(before)), ")"))
    for each in change.prices:
        yield Line("~", tuple(_price(each)))


def _listed_steps(steps: Sequence[str]) -> Iterator[str]:
    for at, each in enumerate(steps):
        yield from (", ", name(each)) if at else (name(each),)


def _fields(changes: Sequence[FieldChange]) -> dict[tuple[str, str | Hidden, str | Hidden], list[str]]:
    """The same change of several steps as one."""
    found: dict[tuple[str, str | Hidden, str | Hidden], list[str]] = {}
    for each in changes:
        found.setdefault((each.field, each.before, each.after), []).append(each.step)
    return found


def _price(change: PriceChange) -> Iterator[str]:
    if change.was_model != change.model:
        yield from (name(change.was_model), " -> ")
    yield from (name(change.model), f" {change.unit} ", figure(change.after), " (was ", figure(change.before), ")")
    if change.percent is not None:
        yield f" {change.percent:+}%"
    if change.span.start is not None:
        yield f" from {format_instant(change.span.start)}"
    if change.span.end is not None:
        yield f" until {format_instant(change.span.end)}"


def figure(amount: tuple[str, Decimal] | None) -> str:
    """A currency and an amount."""
    return f"{amount[0]} {money(amount[1])}" if amount else "without a price"


def blast(impact: Impact) -> Iterator[Parts]:
    """Each account that is hit, fewest decisions first, with its regions."""
    for account, regions in sorted(impact.accounts.items(), key=lambda each: (each[1].total(), each[0])):
        inside = [
            part
            for at, (region, count) in enumerate(sorted(regions.items()))
            for part in (", " if at else "", name(region), f" {count:,}")
        ]
        yield (name(account), f": {decisions(regions.total())}, in ", *inside)


def renamed(impact: Impact) -> Iterator[Parts]:
    """Accounts that have another id."""
    for old, new in impact.renamed:
        yield (name(old), " is called ", name(new), " now")


def differences(before: Money, after: Money) -> dict[str, Decimal]:
    """By how much each currency's sum rises."""
    zero = Decimal(0)
    both = sorted({*before.amounts, *after.amounts})
    return {each: EXACT.subtract(after.amounts.get(each, zero), before.amounts.get(each, zero)) for each in both}


def bill_rows(bill: Bill) -> Iterator[tuple[str, str, str, str]]:
    """Name, before, after and difference: each account, each model, then everything."""
    for label, sums in (("account", bill.by("account")), ("model", bill.by("model"))):
        for each, (before, after) in sums.items():
            yield (f"{label} {name(each)}", *_sums(before, after))
    yield (f"all of {bill.rows:,} row{'s' if bill.rows != 1 else ''}", *_sums(*bill.total))


def _sums(before: Money, after: Money) -> tuple[str, str, str]:
    risen = (f"{currency} {signed(amount)}" for currency, amount in differences(before, after).items())
    return _sum(before), _sum(after), ", ".join(risen)


def _sum(held: Money) -> str:
    amounts = [f"{currency} {money(amount)}" for currency, amount in sorted(held.amounts.items())]
    return ", ".join([*amounts, *([f"{held.unpriced:,} tokens without a price"] if held.unpriced else [])]) or "0"


def signed(amount: Decimal) -> str:
    """An amount that rises or falls."""
    return f"+{money(amount)}" if amount > 0 else money(amount)
