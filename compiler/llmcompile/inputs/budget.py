"""``budget:`` of an account or a key: money for a calendar month."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from llmcompile.inputs.base import Input, problem
from llmcompile.inputs.values import Currency, kind_of, number_of


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        hint = "write a plain number such as 500, without quotes"
        raise problem("type-wrong", f"expected a number, found {kind_of(value)}", hint, fix=number_of(value))
    amount = Decimal(value)
    exponent = amount.normalize().as_tuple().exponent
    if not 0 < amount <= 10**9 or not isinstance(exponent, int) or exponent < -9:
        raise problem("value-invalid", "a budget lies above 0 and up to 1e9, with at most nine decimal places")
    return amount


Amount = Annotated[
    Decimal,
    PlainValidator(_amount),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10**9, "examples": [500]}),
]


class Monthly(Input):
    """Money for each calendar month, UTC."""

    soft: Amount | None = None
    """From here on it is said once a month, in the router's log and metrics."""
    hard: Amount | None = None
    """From here on requests are refused until the month ends."""
    currency: Currency
    """ISO 4217; only what models priced in it cost is counted."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.soft is None and self.hard is None:
            raise problem("value-invalid", "a budget without soft and hard", "write soft: or hard:, or both")
        if self.soft is not None and self.hard is not None and self.hard < self.soft:
            raise problem(
                "budget-order",
                "hard is below soft",
                "swap them, or raise hard",
                below=("hard",),
                first=("soft",),
                first_label="soft",
            )
        return self


class Budget(Input):
    """What may be spent."""

    monthly: Monthly = Field(examples=[{"soft": 500, "hard": 800, "currency": "USD"}])
    """In a calendar month."""
