"""The routing decision: a name becomes the ordered list of places to try.

Pure: the same snapshot, name, key, outage and draw give the same answer, here and in ``llmcompile explain``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from llmrouter.entities import Candidate, Key, Member, RouteGroup
from llmrouter.snapshot import Snapshot

__all__ = ["Candidate", "Key", "NotAllowed", "Refused", "Unknown", "Unreachable", "callable_names", "resolve"]


class Refused(Exception):  # noqa: N818 - a decision that callers tell apart, not a fault
    """A name that leads nowhere; ``suggestion`` is a name that this caller may call."""

    def __init__(self, name: str, suggestion: str | None = None) -> None:
        super().__init__(name)
        self.name, self.suggestion = name, suggestion


class Unknown(Refused):
    """No model and no route group has this name."""


class NotAllowed(Refused):
    """The name exists, and this caller may not call it."""


class Unreachable(Refused):
    """It may be called and no endpoint is left; ``served``: one would be, were it not down."""

    served = False


def resolve(
    snapshot: Snapshot,
    name: str,
    *,
    key: Key | None = None,
    down: frozenset[str] = frozenset(),
    draw: Callable[[], float] = random.random,
) -> tuple[Candidate, ...]:
    """The candidates for a name, first choice first. Raises a kind of Refused.

    ``down`` holds endpoints to leave out, as ``name``, ``tenant:name`` or ``platform:name``; ``draw`` gives a
    number in [0, 1) for weighted groups.
    """
    allowed = snapshot.allowed if key is None else key.allowed
    if name not in snapshot.names:
        raise Unknown(name, _suggest(snapshot, allowed, name))
    if name not in allowed:
        raise NotAllowed(name, _suggest(snapshot, allowed, name))
    found = _candidates(snapshot, name, allowed, down, draw)
    if not found:
        refusal = Unreachable(name)
        refusal.served = bool(down) and bool(_candidates(snapshot, name, allowed, frozenset(), draw))
        raise refusal
    return found


def callable_names(snapshot: Snapshot, key: Key | None = None) -> tuple[str, ...]:
    """The names that a caller may call and that lead somewhere, sorted."""
    allowed = snapshot.allowed if key is None else key.allowed
    return tuple(
        name
        for name in sorted(allowed & snapshot.names)
        if _candidates(snapshot, name, allowed, frozenset(), lambda: 0.0)
    )


def _suggest(snapshot: Snapshot, allowed: frozenset[str], name: str) -> str | None:
    return next(iter(get_close_matches(name, sorted(allowed & snapshot.names), n=1)), None)


def _candidates(
    snapshot: Snapshot, name: str, allowed: frozenset[str], down: frozenset[str], draw: Callable[[], float]
) -> tuple[Candidate, ...]:
    group = snapshot.route_groups.get(name)
    if group is None:
        return _up(_chain(snapshot, name, allowed), down)
    return _group(snapshot, group, allowed, down, draw)


def _up(candidates: Iterable[Candidate], down: frozenset[str]) -> tuple[Candidate, ...]:
    return tuple(each for each in candidates if each.endpoint.name not in down and each.endpoint.label not in down)


def _chain(snapshot: Snapshot, name: str, allowed: frozenset[str]) -> list[Candidate]:
    """A model's candidates, then each fallback's chain depth first; each model once, none that may not be called."""
    found: list[Candidate] = []
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        code = waiting.pop()
        if code in seen or code not in allowed:
            continue
        seen.add(code)
        found += snapshot.candidates.get(code, ())
        model = snapshot.models.get(code)
        waiting += reversed(model.fallbacks if model else ())
    return found


def _group(
    snapshot: Snapshot, group: RouteGroup, allowed: frozenset[str], down: frozenset[str], draw: Callable[[], float]
) -> tuple[Candidate, ...]:
    live = [(member, _up(_member(snapshot, member, allowed), down)) for member in group.members]
    live = [(member, candidates) for member, candidates in live if candidates]
    if group.policy == "weighted" and len(live) > 1:
        first = _drawn([member.weight for member, _ in live], draw())
        live.insert(0, live.pop(first))
    unique = {(each.model, each.endpoint.label): each for _, candidates in live for each in candidates}
    return tuple(unique.values())


def _member(snapshot: Snapshot, member: Member, allowed: frozenset[str]) -> list[Candidate]:
    """A group is no way around a grant: a member that may not be called is left out."""
    if member.endpoint is None or member.model not in allowed:
        return _chain(snapshot, member.model, allowed)
    pinned = snapshot.pinned.get((member.model, member.endpoint))
    return [pinned] if pinned else []


def _drawn(weights: list[int], point: float) -> int:
    left = point * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1
