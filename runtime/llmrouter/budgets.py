"""Months and money of budgets: calendar months in UTC, exact decimals, whole billionths where others count.

No meter is kept here; see limits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Context, Decimal

EXACT = Context(prec=200)
_BILLIONTHS = 9


def month_of(now: float) -> str:
    """The month of an instant (seconds since 1970), like ``2026-01``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")


def seconds_left(now: float) -> float:
    """Seconds until the next month begins."""
    day = datetime.fromtimestamp(now, UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return following.timestamp() - now


def billionths(amount: Decimal) -> tuple[int, Decimal]:
    """Whole billionths of an amount, and what is left of it."""
    whole = EXACT.scaleb(amount, _BILLIONTHS).to_integral_value(ROUND_FLOOR, EXACT)
    return int(whole), EXACT.subtract(amount, EXACT.scaleb(whole, -_BILLIONTHS))


def of_billionths(count: int) -> Decimal:
    """The amount that so many billionths are."""
    return EXACT.scaleb(Decimal(count), -_BILLIONTHS)
