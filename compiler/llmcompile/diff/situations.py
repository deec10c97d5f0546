"""Every situation in which two routers could decide differently: what is down, tags, what weights draw, prices' spans.

A situation that cannot make a difference is left out: an endpoint that neither side tries, a tag that none of them has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import chain, combinations, pairwise

from llmcompile.diff.answers import Asked, Span
from llmrouter.entities import Endpoint

MOST_DOWN = 8
"""Up to this many endpoints every set of them is tried; of more, every one and every two."""
MOST_TAGS = 3
"""The same of tags, where of more every one is tried."""
NOTHING = frozenset[str]()


def subsets(of: Iterable[str], most: int, beyond: int) -> list[frozenset[str]]:
    """All sets of up to ``most`` names, smallest first; of more names, sets of at most ``beyond``."""
    names = sorted(set(of))
    sizes = range((len(names) if len(names) <= most else beyond) + 1)
    return [frozenset(each) for size in sizes for each in combinations(names, size)]


def outages(endpoints: Iterable[Endpoint]) -> list[frozenset[str]]:
    """What may be down."""
    return subsets((each.label for each in endpoints), MOST_DOWN, 2)


def preferences(endpoints: Iterable[Endpoint]) -> list[frozenset[str]]:
    """The tags that a request may prefer endpoints by."""
    return subsets((tag for each in endpoints for tag in each.tags), MOST_TAGS, 1)


def tried(asked: Asked, name: str) -> tuple[set[str], list[Endpoint]]:
    """The models and endpoints that a name may end at, whatever is down or drawn."""
    answer = asked.answer(name, NOTHING, NOTHING, 0.0)
    steps = () if isinstance(answer, str) else answer
    labels = {each.endpoint for each in steps}
    return {each.model for each in steps}, [each for each in asked.snapshot.endpoints if each.label in labels]


def draws(sides: Iterable[tuple[Asked, str, Iterable[str]]]) -> list[float]:
    """One draw for each choice that weights could come to; of every side: who is asked, the name, its models."""
    breaks = {Fraction(0), Fraction(1)}
    for asked, name, models in sides:
        group = asked.snapshot.route_groups.get(name)
        weighted = [[each.weight for each in group.members]] if group and group.policy == "weighted" else []
        for model in models:
            candidates = asked.snapshot.candidates.get(model, ())
            weighted.append([each.endpoint.weight for each in candidates if each.endpoint.weight])
        for weights in weighted:
            breaks |= _breaks(weights)
    return [float((left + right) / 2) for left, right in pairwise(sorted(breaks))]


def _breaks(weights: Sequence[int]) -> set[Fraction]:
    """Where a choice could change, whichever of these are left and in whichever order."""
    sums = {(0, 0)}
    for weight in weights:
        sums |= {(total + weight, part + more) for total, part in sums for more in (0, weight)}
    return {Fraction(part, total) for total, part in sums if total}


def spans(sides: Iterable[tuple[Asked, Iterable[str]]]) -> list[Span]:
    """The times between two instants at which a price of these models starts or ends on either side."""
    at = set(chain.from_iterable(_instants(asked, models) for asked, models in sides))
    bounds: list[datetime | None] = [None, *sorted(at), None]
    return [Span(left, right) for left, right in pairwise(bounds)]


def _instants(asked: Asked, models: Iterable[str]) -> Iterator[datetime]:
    for model in models:
        for row in asked.snapshot.models[model].token_costs:
            yield row.start
            if row.end is not None:
                yield row.end
