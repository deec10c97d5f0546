"""Limits and budgets: what a request is asked for before it passes, and the meters of one process.

The port behind which they are counted is ``Limiter``; this one counts in memory, outlives a reload and nothing else.
Tokens and money are counted once they are known, so the request that crosses the line is the last one to pass.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any, Literal, NamedTuple, Protocol

from llmrouter.budgets import EXACT, month_of, seconds_left
from llmrouter.entities import Budget, Level, Limits
from llmrouter.errors import ApiError, over_budget, over_limit
from llmrouter.upstream import Headers

MINUTE, DAY = 60.0, 86_400.0
_REQUESTS, _TOKENS = (
    tuple(f"x-ratelimit-{each}-{what}".encode() for each in ("limit", "remaining", "reset"))
    for what in ("requests", "tokens")
)
_SOON = 1.0  # seconds after which to ask again for a place among the concurrent
UNLIMITED = Limits()

Reached = Literal["budget", "tokens", "requests", "concurrent"]


class Ask(NamedTuple):
    """An account or a key that a request must be let in by."""

    account: str
    key: str = ""
    """Empty for the account itself."""
    limits: Limits = UNLIMITED
    budget: Budget | None = None


class Alert(NamedTuple):
    """A line of a budget that was crossed."""

    ask: Ask
    level: Level
    spent: Decimal
    month: str

    @property
    def line(self) -> str:
        """For the log."""
        budget = self.ask.budget
        if budget is None:
            return ""
        who = f"key {self.ask.key} of account {self.ask.account}" if self.ask.key else f"account {self.ask.account}"
        limit = f"the {self.level} budget of {getattr(budget, self.level)} {budget.currency} for {self.month}"
        return f"{who} reached {limit}: {self.spent.normalize():f} are spent"


class Reading(NamedTuple):
    """What a meter shows while a request is let in or refused."""

    limits: Limits
    begun: int
    """Requests of the last minute."""
    leaves: float
    """Seconds until the oldest of them is over."""
    tokens: int


class Admission(Protocol):
    """A request that was let in."""

    def headers(self) -> Headers:
        """What the client learns: of two limits the one that leaves less."""
        ...

    def end(self) -> None:
        """It is through; to be called once, whatever happened."""
        ...


class Limiter(Protocol):
    """Where requests, tokens and money are counted."""

    async def admit(self, asks: Sequence[Ask], closed: bool = False) -> Admission:
        """Let a request in by all of them or by none. ``closed``: not at all where they cannot be asked.

        Raises ApiError 429, or 503 where it is closed.
        """
        ...

    def count(self, ask: Ask, tokens: int, cost: Decimal | None) -> None:
        """What a request has used, as far as it is known; the cost in the budget's currency."""
        ...

    def spent(self) -> Iterable[tuple[Ask, Decimal]]:
        """What is known to be spent this month, by everyone with a budget."""
        ...

    def state(self) -> dict[str, Any]:
        """Of what counts them, for /readyz."""
        ...

    async def close(self) -> None:
        """Hand over what is still to be counted."""
        ...


@dataclass(slots=True)
class Meter:
    """What one account or key has used."""

    begun: deque[float] = field(default_factory=deque)
    """When the requests of the last minute came."""
    day: int = 0
    tokens: int = 0
    running: int = 0
    month: str = ""
    spent: dict[str, Decimal] = field(default_factory=dict)
    """Of the month, by currency."""
    said: set[tuple[Level, Decimal]] = field(default_factory=set)
    """Lines of a budget that were crossed this month."""

    def turn(self, now: float) -> None:
        """Forget what is over: requests after a minute, tokens at midnight UTC, money at the month's end."""
        while self.begun and self.begun[0] <= now - MINUTE:
            self.begun.popleft()
        if int(now // DAY) != self.day:
            self.day, self.tokens = int(now // DAY), 0
            if (month := month_of(now)) != self.month:
                self.month, self.spent, self.said = month, {}, set()

    def objection(self, ask: Ask) -> Reached | None:
        """What is reached, if anything is."""
        budget, limits = ask.budget, ask.limits
        if budget and budget.hard is not None and self.spent.get(budget.currency, 0) >= budget.hard:
            return "budget"
        if limits.tokens_per_day is not None and self.tokens >= limits.tokens_per_day:
            return "tokens"
        if limits.requests_per_minute is not None and len(self.begun) >= limits.requests_per_minute:
            return "requests"
        return "concurrent" if limits.concurrent is not None and self.running >= limits.concurrent else None

    def read(self, limits: Limits, now: float) -> Reading:
        """What it shows."""
        leaves = self.begun[0] + MINUTE - now if self.begun else 0.0
        return Reading(limits, len(self.begun), leaves, self.tokens)


def refusal(ask: Ask, reached: Reached, readings: Sequence[Reading], at: int, now: float) -> ApiError:
    """Why a request is not let in; ``at``: whose reading it is that objects."""
    if reached == "budget" and ask.budget:
        return over_budget(f"{ask.budget.hard} {ask.budget.currency}", seconds_left(now))
    limits = ask.limits
    limit, seconds = {
        "tokens": (f"{limits.tokens_per_day} tokens a day", DAY - now % DAY),
        "requests": (f"{limits.requests_per_minute} requests a minute", readings[at].leaves),
    }.get(reached, (f"{limits.concurrent} requests at a time", _SOON))
    told = [(name.decode(), value.decode()) for name, value in told_of(readings, now)]
    return over_limit(limit, seconds, told)


def told_of(readings: Iterable[Reading], now: float) -> Headers:
    """The headers that tell of limits."""
    found: list[tuple[bytes, bytes]] = []
    requests = [
        (limit - each.begun, limit, each.leaves) for each in readings if (limit := each.limits.requests_per_minute)
    ]
    if requests:
        remaining, limit, reset = min(requests)
        found += _told(_REQUESTS, limit, remaining, reset)
    tokens = [(limit - each.tokens, limit) for each in readings if (limit := each.limits.tokens_per_day)]
    if tokens:
        remaining, limit = min(tokens)
        found += _told(_TOKENS, limit, remaining, DAY - now % DAY)
    return found


def _told(names: tuple[bytes, ...], limit: int, remaining: int, reset: float) -> Headers:
    return [(names[0], b"%d" % limit), (names[1], b"%d" % max(0, remaining)), (names[2], b"%ds" % ceil(reset))]


@dataclass(slots=True)
class MemoryAdmission:
    """Let in by meters of this process."""

    meters: list[tuple[Meter, Limits]]
    now: float

    def headers(self) -> Headers:
        """As the meters are now."""
        return told_of([meter.read(limits, self.now) for meter, limits in self.meters], self.now)

    def end(self) -> None:
        """Make room."""
        for meter, _ in self.meters:
            meter.running -= 1


class MemoryLimiter:
    """The meters of one process."""

    def __init__(self, alert: Callable[[Alert], None] = lambda _: None, clock: Callable[[], float] = time.time) -> None:
        self._alert, self._clock = alert, clock
        self._meters: dict[tuple[str, str], Meter] = {}
        self._budgets: dict[tuple[str, str], Ask] = {}

    async def admit(self, asks: Sequence[Ask], closed: bool = False) -> MemoryAdmission:
        """Let a request in. Raises ApiError 429."""
        now = self._clock()
        meters = [(self._meter(ask, now), ask.limits) for ask in asks]
        for at, ask in enumerate(asks):
            if (reached := meters[at][0].objection(ask)) is not None:
                readings = [each.read(limits, now) for each, limits in meters]
                raise refusal(ask, reached, readings, at, now)
        counting = [each for each in meters if each[1] is not UNLIMITED]
        for meter, _ in counting:
            meter.begun.append(now)
            meter.running += 1
        return MemoryAdmission(counting, now)

    def count(self, ask: Ask, tokens: int, cost: Decimal | None) -> None:
        """What a request has used."""
        meter = self.add(ask, tokens, cost)
        if ask.budget is None or cost is None:
            return
        spent = meter.spent[ask.budget.currency]
        for each in ask.budget.lines:
            if spent >= each[1] and each not in meter.said:
                meter.said.add(each)
                self._alert(Alert(ask, each[0], spent, meter.month))

    def add(self, ask: Ask, tokens: int, cost: Decimal | None) -> Meter:
        """Count without a word."""
        meter = self._meter(ask, self._clock())
        meter.tokens += tokens
        if ask.budget and cost is not None:
            currency = ask.budget.currency
            meter.spent[currency] = EXACT.add(meter.spent.get(currency, Decimal(0)), cost)
            self._budgets[ask[:2]] = ask
        return meter

    def know(self, ask: Ask, tokens: int, spent: Decimal) -> None:
        """What others count, to go on from where they cannot be asked any more."""
        meter = self._meter(ask, self._clock())
        meter.tokens = tokens
        if ask.budget:
            meter.spent[ask.budget.currency] = spent
            self._budgets[ask[:2]] = ask

    def spent(self) -> Iterable[tuple[Ask, Decimal]]:
        """Of those who have spent something since this process began."""
        for ask in self._budgets.values():
            if ask.budget:
                yield ask, self._meter(ask, self._clock()).spent.get(ask.budget.currency, Decimal(0))

    def state(self) -> dict[str, Any]:
        """Nothing can go wrong here."""
        return {"store": "memory"}

    async def close(self) -> None:
        """What is in memory is gone."""

    def _meter(self, ask: Ask, now: float) -> Meter:
        meter = self._meters.get(ask[:2])
        if meter is None:
            meter = self._meters[ask[:2]] = Meter()
        meter.turn(now)
        return meter
