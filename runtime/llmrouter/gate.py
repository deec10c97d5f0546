"""What limits and budgets have to say about one request.

Limits, and the account's budget, hold for platform traffic: they are asked just before the platform is, so that a
request which its own endpoint serves uses up nothing of them. A key's budget holds for all that its requests cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmrouter.entities import Candidate, Key
from llmrouter.errors import ApiError
from llmrouter.limits import UNLIMITED, Admission, Ask, Limiter
from llmrouter.snapshot import Snapshot

if TYPE_CHECKING:
    from llmrouter.record import Record


class Gate:
    """One request's way through limits and budgets."""

    __slots__ = ("_asked", "_key", "_limiter", "_snapshot", "_verdicts")

    def __init__(self, limiter: Limiter, snapshot: Snapshot, key: Key | None) -> None:
        self._limiter, self._snapshot, self._key = limiter, snapshot, key
        # By whether it is the platform's traffic.
        self._asked: dict[bool, list[Ask]] = {}
        self._verdicts: dict[bool, Admission | ApiError | None] = {}

    @classmethod
    def of(cls, limiter: Limiter, snapshot: Snapshot, key: Key | None) -> Gate | None:
        """The gate before a request; None: nothing limits it."""
        limited = snapshot.limits is not None or snapshot.budget is not None
        limited = limited or (key is not None and (key.limits is not None or key.budget is not None))
        return cls(limiter, snapshot, key) if limited else None

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
        asks = self._asked[platform] = list(_asks(self._snapshot, self._key, platform))
        try:
            return await self._limiter.admit(asks, self._snapshot.limits_closed) if asks else None
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
        for ask in self._asked.get(platform, ()):
            missing = _uncounted(ask, record)
            self._limiter.count(ask, tokens, None if missing else record.cost)
            if missing:
                found.append((ask.key, missing))
        return found


def _asks(snapshot: Snapshot, key: Key | None, platform: bool) -> Iterator[Ask]:
    if platform and (snapshot.limits is not None or snapshot.budget is not None):
        yield Ask(snapshot.account or "", "", snapshot.limits or UNLIMITED, snapshot.budget)
    limits = key.limits if key is not None and platform else None
    if key is not None and (limits is not None or key.budget is not None):
        yield Ask(snapshot.account or "", key.id, limits or UNLIMITED, key.budget)


def _uncounted(ask: Ask, record: Record) -> str:
    """Why what a request has cost says nothing to a budget; empty: it does, or there is none."""
    if ask.budget is None or not record.billed:
        return ""
    if record.price is None:
        return "price"
    if record.price.currency != ask.budget.currency:
        return "currency"
    return "usage" if record.cost is None else ""
