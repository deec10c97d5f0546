"""The router's own decision, asked once for all accounts that it cannot tell apart.

Nothing is decided here. Endpoints are named by their position, since each account has names of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from llmrouter.entities import Candidate, Key
from llmrouter.resolve import Detour, Refused, detours, resolve
from llmrouter.snapshot import Snapshot

Decide = Callable[[Snapshot, str, Key | None, frozenset[str]], tuple[Candidate, ...]]
"""Where a request for a name goes: snapshot, name, key (None: the account), labels of endpoints that are down."""


def decide(snapshot: Snapshot, name: str, key: Key | None, down: frozenset[str]) -> tuple[Candidate, ...]:
    """The candidates, first choice first; none where the router would refuse."""
    try:
        return resolve(snapshot, name, key=key, down=down, draw=lambda: 0.0)
    except Refused:
        return ()


_DETOURS: tuple[Detour, ...] = get_args(Detour)


@dataclass(frozen=True, slots=True)
class Hop:
    """One place where a request may end."""

    model: str
    at: int
    """The endpoint's position: the account's own in their order, then the platform's in theirs."""


class Router:
    """The router of one account in one region, and of every other that differs in nothing that it decides by."""

    def __init__(self, snapshot: Snapshot, decide: Decide = decide) -> None:
        self.snapshot, self._decide = snapshot, decide
        self._labels = tuple(each.label for each in snapshot.endpoints)
        self._at = {label: at for at, label in enumerate(self._labels)}
        self._keys = {key.allowed: key for key in snapshot.keys}
        self._chains: dict[tuple[str, frozenset[str] | None, frozenset[int]], tuple[Hop, ...]] = {}
        self._turns: dict[tuple[str, frozenset[str] | None], tuple[Hop, ...]] = {}
        self._reached: dict[tuple[str, frozenset[str] | None], tuple[Hop, ...]] = {}

    def chain(
        self, name: str, allowed: frozenset[str] | None = None, down: frozenset[int] = frozenset()
    ) -> tuple[Hop, ...]:
        """Where a request goes that is made with a key which is ``allowed`` this, or else by the account."""
        asked = (name, allowed, down)
        if asked not in self._chains:
            labels = frozenset(self._labels[at] for at in down)
            self._chains[asked] = self._hops(self._decide(self.snapshot, name, self._key(allowed), labels))
        return self._chains[asked]

    def reach(self, name: str, allowed: frozenset[str] | None = None) -> tuple[Hop, ...]:
        """Every place where such a request may end: its chain, the detours of each model in it, and theirs."""
        if (name, allowed) not in self._reached:
            found = dict.fromkeys(self.chain(name, allowed))
            waiting, seen = [hop.model for hop in found], set[str]()
            while waiting:
                model = waiting.pop()
                if model not in seen:
                    seen.add(model)
                    more = self._detours(model, allowed)
                    waiting += [hop.model for hop in more]
                    found |= dict.fromkeys(more)
            self._reached[name, allowed] = tuple(found)
        return self._reached[name, allowed]

    def _detours(self, model: str, allowed: frozenset[str] | None) -> tuple[Hop, ...]:
        if (model, allowed) not in self._turns:
            key, without = self._key(allowed), frozenset({model})
            found = [detours(self.snapshot, model, why, key, without) for why in _DETOURS]
            self._turns[model, allowed] = tuple(hop for each in found for hop in self._hops(each))
        return self._turns[model, allowed]

    def _key(self, allowed: frozenset[str] | None) -> Key | None:
        return None if allowed is None else self._keys[allowed]

    def _hops(self, candidates: tuple[Candidate, ...]) -> tuple[Hop, ...]:
        return tuple(Hop(each.model, self._at[each.endpoint.label]) for each in candidates)
