"""Prices: which dated row applies at an instant, and what a usage costs by it.

Exact decimals all the way. What is not known is never counted as zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import NamedTuple

_EXACT = Context(prec=200)
_PER_MILLION = -6

# A cached token is an input token first: without a price of its own it costs what an uncached one does.
_STANDS_FOR = {"cached_text_input": "text_input", "cached_audio_input": "audio_input"}


class PriceMissingError(LookupError):
    """Tokens of a kind were used that the row has no price for."""


@dataclass(frozen=True, slots=True)
class TokenCost:
    """A price row, valid from start (inclusive) to end (exclusive; None: open), both UTC."""

    id: str
    start: datetime
    end: datetime | None
    currency: str
    per_million_tokens: Mapping[str, Decimal]


class Usage(NamedTuple):
    """Tokens by kind, each counted once: cached tokens are not among the uncached."""

    text_input: int = 0
    cached_text_input: int = 0
    text_output: int = 0
    audio_input: int = 0
    cached_audio_input: int = 0
    audio_output: int = 0


def price_at(rows: Iterable[TokenCost], instant: datetime) -> TokenCost | None:
    """The row valid at an instant (with its zone); None where there is none."""
    for row in rows:
        if row.start <= instant and (row.end is None or instant < row.end):
            return row
    return None


def cost(row: TokenCost, usage: Usage) -> Decimal:
    """What a usage costs in the row's currency, exactly; raises PriceMissingError, never guesses."""
    total = Decimal(0)
    for kind, count in zip(Usage._fields, usage, strict=True):
        if count:
            total = _EXACT.add(total, _EXACT.multiply(count, _price(row, kind)))
    return _EXACT.scaleb(total, _PER_MILLION)


def _price(row: TokenCost, kind: str) -> Decimal:
    price = row.per_million_tokens.get(kind)
    if price is None:
        price = row.per_million_tokens.get(_STANDS_FOR.get(kind, ""))
    if price is None:
        raise PriceMissingError(f"{row.id} has no price for {kind}")
    return price
