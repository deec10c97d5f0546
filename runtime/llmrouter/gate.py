"""What limits and budgets have to say about one request.

Limits, and the account's budget, hold for platform traffic: they are asked just before the platform is, so that a
request which its own endpoint serves uses up nothing of them. A key's budget holds for all that its requests cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmrouter.entities import Candidate, Key
from llmrouter.errors import ApiError
from llmrouter.limits import UNLIMITED, Admission, Ask, Limiter
from llmrouter.snapshot import Snapshot

if TYPE_CHECKING:
    from llmrouter.record import Record


Asks = tuple[tuple[Ask, ...], tuple[Ask, ...]]
"""Whom to ask: for the traffic of own endpoints, and for the platform's."""


class Gate:
    """One request's way through limits and budgets."""

    __slots__ = ("_asks", "_closed", "_limiter", "_verdicts")

    def __init__(self, limiter: Limiter, asks: Asks, closed: bool) -> None:
        self._limiter, self._asks, self._closed = limiter, asks, closed
        self._verdicts: dict[bool, Admission | ApiError | None] = {}  # by whether it is the platform's traffic

    @property
    def admission(self) -> Admission | None:
        """To the platform, once it was asked for and given."""
        verdict = self._verdicts.get(True)
        return None if isinstance(verdict, ApiError) else verdict

    async def admit(self, candidate: Candidate) -> None:
        """Before a candidate is tried; each kind of traffic is asked for once. Raises ApiError 429 or 503."""
        platform = candidate.endpoint.source == "platform"
        if platform not in self._verdicts:
            self._verdicts[platform] = await self._verdict(platform)
        verdict = self._verdicts[platform]
        if isinstance(verdict, ApiError):
            raise verdict

    async def _verdict(self, platform: bool) -> Admission | ApiError | None:
        asks = self._asks[platform]
        try:
            return await self._limiter.admit(asks, self._closed) if asks else None
        except ApiError as refusal:
            return refusal

    def end(self, record: Record) -> list[tuple[str, str]]:
        """The request is through: count it. Key and reason of every budget that could not."""
        for verdict in self._verdicts.values():
            if verdict is not None and not isinstance(verdict, ApiError):
                verdict.end()
        if record.candidate is None:
            return []
        platform, found = record.candidate.endpoint.source == "platform", []
        tokens = (record.usage.tokens_input or 0) + (record.usage.tokens_output or 0) if platform else 0
        for ask in self._asks[platform]:
            if ask.limits.tokens_per_day is None and ask.budget is None:
                continue
            missing = _uncounted(ask, record)
            self._limiter.count(ask, tokens, None if missing else record.cost)
            if missing:
                found.append((ask.key, missing))
        return found


def asks_of(snapshot: Snapshot, key: Key | None) -> Asks:
    """Who limits the requests of a key."""
    account, limits, budget = snapshot.account or "", snapshot.limits, snapshot.budget
    platform = [Ask(account, "", limits or UNLIMITED, budget)] if limits or budget else []
    own = [Ask(account, key.id, UNLIMITED, key.budget)] if key and key.budget else []
    if key and (key.limits or key.budget):
        platform.append(Ask(account, key.id, key.limits or UNLIMITED, key.budget))
    return tuple(own), tuple(platform)


def _uncounted(ask: Ask, record: Record) -> str:
    """Why what a request has cost says nothing to a budget; empty: it does, or there is none."""
    if ask.budget is None or not record.billed:
        return ""
    if record.price is None:
        return "price"
    if record.price.currency != ask.budget.currency:
        return "currency"
    return "usage" if record.cost is None else ""
