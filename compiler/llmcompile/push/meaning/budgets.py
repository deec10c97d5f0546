"""Budgets of an account and of its keys: lowered, raised, or another; and what holds while none can be counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Name, Unclear, name
from llmcompile.push.meaning.walk import Place, Rule, rewritten

_LEVELS = ("soft", "hard")
_ENDLESS = Decimal("Infinity")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?")


def budget_rules() -> list[Rule]:
    """The rules of ROUTER_POLICY for budgets."""
    return [
        Rule(("budget", "monthly"), _budget),
        Rule(("keys", "*", "budget", "monthly"), _budget),
        Rule(("limits_unavailable",), _unavailable),
    ]


def _budget(place: Place) -> Iterator[Said]:
    (before, old), (currency, new) = (_read(side) for side in (place.old, place.new))
    who = ("router key ", name(place.up(2).key), ": budget ") if len(place.steps) > 2 else ("budget: ",)
    if (before, old) == (currency, new):
        yield from rewritten(place)
        return
    lowered = {new.get(each, _ENDLESS) < old.get(each, _ENDLESS) for each in _LEVELS if new.get(each) != old.get(each)}
    other = (before and currency and before != currency) or len(lowered) > 1
    code = "budget-changed" if other else "budget-lowered" if True in lowered else "budget-raised"
    yield say(code, *who, _shown(currency, new), " (was ", _shown(before, old), ")")


def _shown(currency: Name | None, lines: Mapping[str, Decimal]) -> Name:
    return Name(
        f"{', '.join(f'{each} {line:f}' for each, line in lines.items())} {currency} a month" if lines else "none"
    )


def _read(month: Any) -> tuple[Name | None, dict[str, Decimal]]:
    if month is MISSING or month is None:
        return None, {}
    if not isinstance(month, dict) or not month.keys() <= {*_LEVELS, "currency"} or len(month) < 2:
        raise Unclear
    written = {each: month[each] for each in _LEVELS if each in month}
    if not all(isinstance(each, str) and _AMOUNT.fullmatch(each) for each in written.values()):
        raise Unclear
    return name(month.get("currency")), {each: Decimal(line) for each, line in written.items()}


def _unavailable(place: Place) -> Iterator[Said]:
    sides = ["open" if side is MISSING or side is None else side for side in (place.old, place.new)]
    if not all(side in ("open", "closed") for side in sides):
        raise Unclear
    if sides[0] == sides[1]:
        yield from rewritten(place)
        return
    yield say("limits-unavailable", f"while limits cannot be counted: {sides[1]} (was {sides[0]})")
