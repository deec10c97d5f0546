"""Walks through the two sides of a document and lets the rule for a place say what differs there.

What no rule says is said by its place alone, as far as places are known: no difference is without a fact, and no value
is shown by mistake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Unclear, route


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document with what both sides have there; ``MISSING`` where a side does not have it."""

    steps: tuple[str, ...]
    old: Any
    new: Any
    parent: Place | None = None

    @property
    def key(self) -> str:
        """The last step."""
        return self.steps[-1]

    def up(self, levels: int = 1) -> Place:
        """The place above."""
        above = self
        for _ in range(levels):
            above = above.parent or above
        return above


Sayer = Callable[[Place], Iterator[Said]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who says what differs at a place."""

    pattern: tuple[str, ...]
    """The steps; ``*`` is any one."""
    say: Sayer
    """Raises ``Unclear`` where the values are none that the field can have."""
    on: Literal["any", "presence", "keys"] = "any"
    """any: it says all that differs there · presence: it says that a side has nothing there · keys: it says that
    keys, or their order, differ; what stands below them is said by others."""

    def covers(self, steps: tuple[str, ...]) -> bool:
        """Whether it is for this place."""
        return len(steps) == len(self.pattern) and _covers(self.pattern, steps)


def _covers(pattern: tuple[str, ...], steps: tuple[str, ...]) -> bool:
    return all(step in ("*", own) for step, own in zip(pattern, steps, strict=True))


@dataclass(frozen=True, slots=True)
class Rules:
    """All that can be said of a kind of document."""

    rules: Sequence[Rule]
    keyed: Sequence[tuple[tuple[str, ...], str]] = ()
    """Lists whose items have a name of their own, and the key that holds it."""

    def find(self, on: str, steps: tuple[str, ...]) -> Rule | None:
        """The rule for a place."""
        return next((each for each in self.rules if each.on == on and each.covers(steps)), None)

    def go_on_below(self, steps: tuple[str, ...]) -> bool:
        """Whether anything is known of what stands below a place."""
        longer = (each.pattern[: len(steps)] for each in self.rules if len(each.pattern) > len(steps))
        return any(_covers(pattern, steps) for pattern in longer)


def difference(place: Place) -> Iterator[Said]:
    """What is said where no rule speaks."""
    verb = "added" if place.old is MISSING else "removed" if place.new is MISSING else "changed"
    yield say("difference", f"{verb}: ", route(place.steps))


def rewritten(place: Place) -> Iterator[Said]:
    """What is said where only the spelling or an order without meaning differs."""
    yield say("rewritten", "the same, written differently: ", route(place.steps))


def same(old: Any, new: Any) -> bool:
    """Whether both would be written alike: 1, 1.0 and true differ, and so does another order of keys."""
    return old is new or bool(old == new and json.dumps(old) == json.dumps(new))


def walk(place: Place, rules: Rules, rest: Sayer = difference) -> Iterator[Said]:
    """All that differs at a place and below it; at least one fact where anything does."""
    if not same(place.old, place.new):
        yield from _said(place, rules, rest) or rest(place)


def _said(place: Place, rules: Rules, rest: Sayer) -> list[Said]:
    one_sided = place.old is MISSING or place.new is MISSING
    rule = (rules.find("presence", place.steps) if one_sided else None) or rules.find("any", place.steps)
    if rule and (said := _asked(rule.say, place)):
        return said
    both = isinstance(place.old, dict) and isinstance(place.new, dict)
    if not rules.go_on_below(place.steps) and not (rule and both):
        return []  # keys of a stranger's: they may be anything, secrets too
    old, new = (_children(side, place.steps, rules) for side in (place.old, place.new))
    if old is None or new is None:
        return []
    below = [
        said
        for key in {**new, **old}
        for said in walk(Place((*place.steps, key), old.get(key, MISSING), new.get(key, MISSING), place), rules, rest)
    ]
    if list(old) == list(new):
        return below
    by_keys = rules.find("keys", place.steps)
    return (_asked(by_keys.say, place) if by_keys else []) + _reordered(place, old, new, bool(by_keys)) + below


def _asked(sayer: Sayer, place: Place) -> list[Said]:
    try:
        return list(sayer(place))
    except Unclear:
        return []


def _reordered(place: Place, old: dict[str, Any], new: dict[str, Any], said: bool) -> list[Said]:
    moved = [key for key in old if key in new] != [key for key in new if key in old]
    return list(rewritten(place)) if moved and not said else []


def _children(side: Any, steps: tuple[str, ...], rules: Rules) -> dict[str, Any] | None:
    """What stands below, by name; None where nothing does that could be named."""
    if side is MISSING:
        return {}
    if isinstance(side, dict):
        return side
    by = next((key for pattern, key in rules.keyed if pattern == steps), None)
    if by is None or not isinstance(side, list) or not all(isinstance(each, dict) for each in side):
        return None
    named = {each[by]: each for each in side if isinstance(each.get(by), str)}
    return named if len(named) == len(side) else None
