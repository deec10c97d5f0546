"""What a router answers: where a request goes, step by step, with all that is decided about each step.

The decision is the router's own, asked offline; nothing is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from llmcompile.emit.canonical import money
from llmrouter.entities import Budget, Candidate, Endpoint, Key, Limits
from llmrouter.operations import OPERATION_OF_TYPE
from llmrouter.prices import PriceMissingError, Usage, cost, price_at
from llmrouter.resolve import Detour, Refused, Unreachable, detours, resolve
from llmrouter.secret import Secret
from llmrouter.snapshot import Snapshot

DETOURS: tuple[Detour, ...] = get_args(Detour)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A secret's value: equal or not, and never shown."""

    fingerprint: str = field(repr=False)

    def __str__(self) -> str:
        return "***"


Shown = Callable[[Secret], "str | Hidden"]
"""How a credential is told from another one."""


def by_ref(secret: Secret) -> str:
    """For documents that hold refs in place of values."""
    return secret.reveal()


def by_fingerprint(secret: Secret) -> Hidden:
    """For documents that hold values."""
    return Hidden(secret.fingerprint())


@dataclass(frozen=True, slots=True)
class Step:
    """One place where a request may end."""

    model: str
    endpoint: str
    """With its source: ``platform:swedencentral``."""
    facts: tuple[tuple[str, str | Hidden], ...]
    """All else that is decided of it, by name."""

    def __str__(self) -> str:
        return f"{self.model} on {self.endpoint}"


Refusal = Literal["refused", "served by nothing"]
Answer = tuple[Step, ...] | Refusal
"""The steps in the order in which they are tried, or why there is none."""
Price = tuple[tuple[str, Decimal], ...]
"""What a million tokens of each unit that has a price cost."""


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant (None: ever since) up to another (None: for ever), in which no price changes."""

    start: datetime | None
    end: datetime | None

    @property
    def inside(self) -> datetime:
        """An instant in it."""
        if self.start is not None:
            return self.start
        return self.end - timedelta(seconds=1) if self.end else datetime(2000, 1, 1, tzinfo=UTC)


class Asked:
    """A router as one caller meets it. Remembers what it worked out."""

    def __init__(self, snapshot: Snapshot, key: Key | None, shown: Shown) -> None:
        self.snapshot, self.key, self._shown = snapshot, key, shown
        self.allowed = snapshot.allowed if key is None else key.allowed
        self._steps: dict[tuple[str, str], Step] = {}
        self._prices: dict[tuple[str, Span], tuple[str, Price] | None] = {}

    def answer(self, name: str, down: frozenset[str], tags: frozenset[str], draw: float) -> Answer:
        """Where a request for a name goes while endpoints are down; ``draw`` decides where weights do."""
        try:
            found = resolve(self.snapshot, name, key=self.key, down=down, tags=tags, draw=lambda: draw)
        except Unreachable:
            return "served by nothing"
        except Refused:
            return "refused"
        return tuple(map(self._step, found))

    def after(self, model: str, why: Detour) -> Answer:
        """Where a request goes that the model itself refused for a reason."""
        return tuple(map(self._step, detours(self.snapshot, model, why, self.key, frozenset({model}))))

    def price(self, model: str, span: Span) -> tuple[str, Price] | None:
        """The currency and what the router would bill; None: no price holds then."""
        if (model, span) not in self._prices:
            self._prices[model, span] = self._price(model, span.inside)
        return self._prices[model, span]

    def _price(self, model: str, at: datetime) -> tuple[str, Price] | None:
        row = price_at(self.snapshot.models[model].token_costs, at) if model in self.snapshot.models else None
        if row is None:
            return None
        figures = []
        for unit in Usage._fields:
            try:
                figures.append((unit, cost(row, Usage(**{unit: 10**6}))))
            except PriceMissingError:
                continue
        return row.currency, tuple(figures)

    def _step(self, candidate: Candidate) -> Step:
        place = candidate.model, candidate.endpoint.label
        if place not in self._steps:
            self._steps[place] = Step(*place, tuple(self._facts(candidate)))
        return self._steps[place]

    def _facts(self, candidate: Candidate) -> Iterator[tuple[str, str | Hidden]]:
        model, endpoint = self.snapshot.models[candidate.model], candidate.endpoint
        yield "url", candidate.url(OPERATION_OF_TYPE[model.type or "chat"])
        yield "deployment", candidate.upstream_model
        yield "auth", candidate.auth_kind
        yield from self._credential(endpoint)
        yield "timeout", f"{endpoint.timeout_seconds:g} s" if endpoint.timeout_seconds else "the router's"
        yield "realtime", "yes" if model.realtime else "no"
        yield "default parameters", json.dumps(dict(model.default_params), sort_keys=True, default=str)
        platform = endpoint.source == "platform"
        limits = (self.snapshot.limits if platform else None, self.key.limits if platform and self.key else None)
        yield "limits", _limits(limits)
        budgets = (self.snapshot.budget if platform else None, self.key.budget if self.key else None)
        yield "budget", _budgets(budgets)

    def _credential(self, endpoint: Endpoint) -> Iterator[tuple[str, str | Hidden]]:
        header, oauth = endpoint.auth_header, endpoint.oauth
        if header is not None and endpoint.api_key is not None:
            yield "header", header.name
            # Whoever writes a store by hand may put a key into the format itself.
            yield "header's format", self._shown(Secret(header.format))
        else:
            yield from (("header", "the usual one"), ("header's format", "the usual one"))
        yield "credential", self._shown(endpoint.api_key) if endpoint.api_key else "none"
        yield "client secret", self._shown(oauth.client_secret) if oauth else "none"
        said = (oauth.token_url, oauth.client_id, " ".join(oauth.scopes)) if oauth else ("none", "none", "none")
        yield from zip(("token url", "client id", "scopes"), said, strict=True)


def _limits(limits: tuple[Limits | None, ...]) -> str:
    return "; ".join(_words(asdict(each)) for each in limits if each is not None) or "none"


def _budgets(budgets: tuple[Budget | None, ...]) -> str:
    return "; ".join(_words(asdict(each)) for each in budgets if each is not None) or "none"


def _words(fields: dict[str, Any]) -> str:
    shown = {name: money(value) if isinstance(value, Decimal) else value for name, value in fields.items()}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items() if value is not None)
