"""Limits of an account and of its keys: lowered, raised, or both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Unclear, name
from llmcompile.push.meaning.walk import Place, Rule, rewritten

_WORDS = {
    "requests_per_minute": "requests per minute",
    "tokens_per_day": "tokens per day",
    "concurrent": "concurrent",
}


def limits_rules() -> list[Rule]:
    """The rules of ROUTER_POLICY for limits."""
    return [Rule(("limits",), _limits), Rule(("keys", "*", "limits"), _limits)]


def _limits(place: Place) -> Iterator[Said]:
    old, new = (_read(side) for side in (place.old, place.new))
    who = ("router key ", name(place.up().key), ": ") if len(place.steps) > 1 else ("limits: ",)
    differ = {field: words for field, words in _WORDS.items() if old.get(field) != new.get(field)}
    if not differ:
        yield from rewritten(place)
        return
    lowered = {new.get(field, math.inf) < old.get(field, math.inf) for field in differ}
    code = "limits-changed" if len(lowered) > 1 else "limits-lowered" if True in lowered else "limits-raised"
    yield say(
        code, *who, ", ".join(f"{_of(new, field)} {words} (was {_of(old, field)})" for field, words in differ.items())
    )


def shown_limits(side: Any) -> str:
    """Limits in words. Raises ``Unclear`` for anything else."""
    limits = _read(side)
    return ", ".join(f"{limits[field]:,} {words}" for field, words in _WORDS.items() if field in limits) or "no limits"


def _of(limits: dict[str, int], field: str) -> str:
    return f"{limits[field]:,}" if field in limits else "unlimited"


def _read(side: Any) -> dict[str, int]:
    limits = {} if side is MISSING or side is None else side
    if not isinstance(limits, dict) or not limits.keys() <= _WORDS.keys():
        raise Unclear
    if not all(type(each) is int for each in limits.values()):
        raise Unclear
    return limits
