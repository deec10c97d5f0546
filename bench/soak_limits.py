"""The soak's limits and budgets: who was let in, who was refused, and whether either could be right.

When the router counted a request is not known, but that it was while its client waited. So nobody may be let in by a
limit that was certainly reached before, and nobody refused by one that certainly was not. Each worker counts for
itself. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate

from soak_documents import AT_ONCE_LIMIT, DAY_LIMIT, HARD, MINUTE_LIMIT
from soak_meters import beyond_plan
from soak_noted import Books, Line, Seen, merged
from soak_plan import Plan

_MINUTE, _DAY = 60.0, 86_400.0
_OURS = ("rate_limit_exceeded", "budget_exceeded")
Lines = Mapping[str, Sequence[Line]]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What limits a key."""

    what: str
    most: Fraction
    uses: Callable[[Line], Fraction]
    """How much of it a request used."""
    since: Callable[[float], float]
    """From when on it counts, at an instant."""
    is_known_before: bool = True
    """Whether it is known what a request uses when it is let in; else a worker lets in more than its limit."""


def _month(now: float) -> float:
    """When the month of an instant began."""
    return datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


_RULES = {
    "minute": _Rule("requests a minute", Fraction(MINUTE_LIMIT), lambda _: Fraction(1), lambda now: now - _MINUTE),
    "daily": _Rule(
        "tokens a day",
        Fraction(DAY_LIMIT),
        lambda line: Fraction((line["tokens_input"] or 0) + (line["tokens_output"] or 0)),
        lambda now: now - now % _DAY,
        False,
    ),
    "thrifty": _Rule("of money", Fraction(HARD), lambda line: Fraction(line["cost"] or 0), _month, False),
    "narrow": _Rule("requests at once", Fraction(AT_ONCE_LIMIT), lambda _: Fraction(1), lambda now: now),
}
"""By router key."""


def limited(books: Books, by_id: Lines) -> list[str]:
    """Everything that cannot be right."""
    found = [
        f"{name}: refused by a limit, and {what}"
        for name, seen in books.seen.items()
        if seen.refused
        for what in _beside(name, books, by_id)
    ]
    for key, rule in _RULES.items():
        names = [name for name in books.seen if Plan.read(name).key == key and name in by_id]
        let_in = {name: rule.uses(by_id[name][0]) for name in names if by_id[name][0]["attempts"]}
        refused = [books.seen[name] for name in names if books.seen[name].refused]
        found += _weighed(key, rule, {name: (books.seen[name], used) for name, used in let_in.items()}, refused, books)
    most = books.most_at_once.get("narrow", 0)
    if most > AT_ONCE_LIMIT * books.workers and not beyond_plan(books, merged(books.metrics)):
        found.append(f"narrow: {most} requests at once, {AT_ONCE_LIMIT} are its limit")
    return found


def _beside(name: str, books: Books, by_id: Lines) -> list[str]:
    """A request that is refused costs nothing and comes to no upstream."""
    found = [f"{len(books.arrivals[name])} attempts came to the upstream"] if books.arrivals.get(name) else []
    for line in by_id.get(name, [])[:1]:
        if line["error"] not in _OURS or line["attempts"] or line["endpoint"] or line["cost"] is not None:
            found.append(f"logged as {line['error']} after {line['attempts']} attempts at {line['endpoint']}")
    return found


def _weighed(
    key: str,
    rule: _Rule,
    let_in: Mapping[str, tuple[Seen, Fraction]],
    refused: Sequence[Seen],
    books: Books,
) -> list[str]:
    began = _Sums([(seen.began, used) for seen, used in let_in.values()])
    ended = _Sums([(seen.ended, used) for seen, used in let_in.values()])
    found = []
    # How far several workers together may go beyond what none of them could foresee says nothing.
    for name, (seen, _) in let_in.items() if rule.is_known_before or books.workers == 1 else ():
        certain = ended.before(seen.began) - began.upto(rule.since(seen.ended))
        if certain >= rule.most * books.workers:
            found.append(f"{name}: was let in after {float(certain)} {rule.what}, {float(rule.most)} are its limit")
    for seen in refused:
        at_most = began.upto(seen.ended) - ended.before(rule.since(seen.began))
        if at_most < rule.most:
            found.append(f"{key}: was refused after {float(at_most)} {rule.what}, {float(rule.most)} are its limit")
    return found


class _Sums:
    """Amounts at instants, summed up to an instant."""

    def __init__(self, amounts: Sequence[tuple[float, Fraction]]) -> None:
        ordered = sorted(amounts)
        self._at = [at for at, _ in ordered]
        self._sums = [Fraction(0), *accumulate(amount for _, amount in ordered)]

    def before(self, instant: float) -> Fraction:
        """Without the instant itself."""
        return self._sums[bisect_left(self._at, instant)]

    def upto(self, instant: float) -> Fraction:
        """With the instant itself."""
        return self._sums[bisect_right(self._at, instant)]
