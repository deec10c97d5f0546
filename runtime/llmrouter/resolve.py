"""The routing decision: a name becomes the ordered list of places to try.

Pure: the same snapshot, name, key, outage and draw give the same answer, here and in ``llmcompile explain``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import takewhile
from typing import Literal

from llmrouter.entities import Candidate, Key, Member, Model, RouteGroup
from llmrouter.snapshot import Snapshot

__all__ = ["Candidate", "Detour", "Key", "NotAllowed", "Refused", "Unknown", "Unreachable"]
__all__ += ["callable_names", "detours", "resolve"]

Detour = Literal["context window", "content policy"]
"""Why a model refused what another might take."""


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
    tags: frozenset[str] = frozenset(),
    draw: Callable[[], float] = random.random,
) -> tuple[Candidate, ...]:
    """The candidates for a name, first choice first. Raises a kind of Refused.

    ``down`` holds endpoints to leave out, as ``name``, ``tenant:name`` or ``platform:name``; of a model's endpoints
    those with one of ``tags`` come first; ``draw`` gives a number in [0, 1) where weights decide.
    """
    allowed = snapshot.allowed if key is None else key.allowed
    if name not in snapshot.names:
        raise Unknown(name, _suggest(snapshot, allowed, name))
    if name not in allowed:
        raise NotAllowed(name, _suggest(snapshot, allowed, name))
    choice = _Choice(snapshot, allowed, down, tags, draw)
    found = choice.named(name)
    if not found:
        refusal = Unreachable(name)
        refusal.served = bool(down) and bool(replace(choice, down=frozenset()).named(name))
        raise refusal
    return found


def detours(
    snapshot: Snapshot, model: str, why: Detour, key: Key | None, without: frozenset[str]
) -> tuple[Candidate, ...]:
    """The candidates after a model refused for a reason, by its fallbacks for that; none of the models ``without``."""
    allowed = snapshot.allowed if key is None else key.allowed
    found = snapshot.models.get(model, Model(model))
    codes = found.context_window_fallbacks if why == "context window" else found.content_policy_fallbacks
    choice = _Choice(snapshot, allowed - without)
    return tuple({(each.model, each.endpoint.label): each for code in codes for each in choice.chain(code)}.values())


def callable_names(snapshot: Snapshot, key: Key | None = None) -> tuple[str, ...]:
    """The names that a caller may call and that lead somewhere, sorted."""
    allowed = snapshot.allowed if key is None else key.allowed
    choice = _Choice(snapshot, allowed)
    return tuple(name for name in sorted(allowed & snapshot.names) if choice.named(name))


def _suggest(snapshot: Snapshot, allowed: frozenset[str], name: str) -> str | None:
    return next(iter(get_close_matches(name, sorted(allowed & snapshot.names), n=1)), None)


@dataclass(frozen=True, slots=True)
class _Choice:
    """One decision."""

    snapshot: Snapshot
    allowed: frozenset[str]
    down: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    draw: Callable[[], float] = lambda: 0.0

    def named(self, name: str) -> tuple[Candidate, ...]:
        """The candidates of a model or a route group."""
        group = self.snapshot.route_groups.get(name)
        return tuple(self.chain(name)) if group is None else self._group(group)

    def chain(self, name: str) -> list[Candidate]:
        """A model's candidates, then each fallback's chain depth first; each model once, none that is not allowed."""
        found: list[Candidate] = []
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            code = waiting.pop()
            if code in seen or code not in self.allowed:
                continue
            seen.add(code)
            found += self._ordered(self.snapshot.candidates.get(code, ()))
            model = self.snapshot.models.get(code)
            waiting += reversed(model.fallbacks if model else ())
        return found

    def _ordered(self, candidates: tuple[Candidate, ...]) -> list[Candidate]:
        """Those that are up: by tags, then as declared. Neighbours that all have a weight are of one priority."""
        live = [each for each in candidates if self._is_up(each)]
        if self.tags:
            live.sort(key=lambda each: self.tags.isdisjoint(each.endpoint.tags))
        at = 0
        while at < len(live):
            weights = [each.endpoint.weight or 0 for each in takewhile(lambda each: each.endpoint.weight, live[at:])]
            if len(weights) > 1:
                live.insert(at, live.pop(at + _drawn(weights, self.draw())))
            at += max(1, len(weights))
        return live

    def _is_up(self, candidate: Candidate) -> bool:
        return candidate.endpoint.name not in self.down and candidate.endpoint.label not in self.down

    def _group(self, group: RouteGroup) -> tuple[Candidate, ...]:
        live = [(member.weight, found) for member in group.members if (found := self._member(member))]
        if group.policy == "weighted" and len(live) > 1:
            live.insert(0, live.pop(_drawn([weight for weight, _ in live], self.draw())))
        unique = {(each.model, each.endpoint.label): each for _, candidates in live for each in candidates}
        return tuple(unique.values())

    def _member(self, member: Member) -> list[Candidate]:
        """A group is no way around a grant: a member that may not be called is left out."""
        if member.endpoint is None or member.model not in self.allowed:
            return self.chain(member.model)
        pinned = self.snapshot.pinned.get((member.model, member.endpoint))
        return [pinned] if pinned and self._is_up(pinned) else []


def _drawn(weights: Sequence[int], point: float) -> int:
    left = point * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1
