"""What a shared store is not told yet by this process, and the batches in which it is told.

A batch that got no answer is sent again as it is, under its own number, so that the store can count it once.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from llmrouter.budgets import EXACT, billionths
from llmrouter.limits import Ask


@dataclass(frozen=True, slots=True)
class Batch:
    """What the store is told at once."""

    text: str
    """JSON for the script."""
    spent: tuple[Ask, ...]
    """Whose money is in it, in order."""


def place(ask: Ask) -> str:
    """Where the store keeps an account or a key."""
    return f"llmrouter:{ask.account}:{ask.key}"


@dataclass(slots=True)
class Owed:
    """Everything since the last batch."""

    replica: str = field(default_factory=lambda: os.urandom(8).hex())
    _released: list[tuple[str, str]] = field(default_factory=list)
    _tokens: dict[str, int] = field(default_factory=dict)
    _spent: dict[tuple[str, str], tuple[Ask, Decimal]] = field(default_factory=dict)
    _rests: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """What is less than the smallest unit of the store, kept until it makes one."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __bool__(self) -> bool:
        return bool(self._released or self._tokens or self._spent)

    def release(self, lease: str, places: Iterable[str]) -> None:
        """A place among the concurrent is free again."""
        self._released += [(each, lease) for each in places]

    def count(self, ask: Ask, tokens: int, cost: Decimal | None) -> None:
        """Tokens and money were used."""
        where = place(ask)
        if tokens:
            self._tokens[where] = self._tokens.get(where, 0) + tokens
        if ask.budget and cost is not None:
            at = where, ask.budget.currency
            self._spent[at] = ask, EXACT.add(self._spent[at][1] if at in self._spent else Decimal(0), cost)

    def batch(self, running: Mapping[str, Iterable[str]], lasts: float) -> Batch:
        """All of it, and the leases to extend for so many seconds; nothing is owed then."""
        spent = []
        for at, (ask, amount) in self._spent.items():
            whole, self._rests[at] = billionths(EXACT.add(amount, self._rests.get(at, Decimal(0))))
            lines = [(level, str(billionths(line)[0])) for level, line in ask.budget.lines] if ask.budget else []
            spent.append((*at, str(whole), lines))
        told = {
            "id": f"{self.replica}:{next(self._numbers)}",
            "lasts": lasts,
            "extend": [(each, lease) for lease, places in running.items() for each in places],
            "release": self._released,
            "tokens": list(self._tokens.items()),
            "spent": spent,
        }
        found = Batch(json.dumps(told), tuple(ask for ask, _ in self._spent.values()))
        self._released, self._tokens, self._spent = [], {}, {}
        return found
