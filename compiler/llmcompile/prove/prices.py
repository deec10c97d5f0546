"""Prices: whatever is served has exactly one price at every instant from now to the horizon.

The checks of the price rows decide it; this counts what they cover.
"""

from __future__ import annotations

from datetime import timedelta

from llmcompile.inputs.values import format_instant
from llmcompile.prove.fleet import Fleet
from llmcompile.prove.outcome import Outcome, Proof


def prove(fleet: Fleet) -> Outcome:
    """The timelines of each unit of each served model that reach into the time from now to the horizon."""
    horizon = fleet.as_of + timedelta(days=fleet.catalogue.project.price_horizon_days)
    served = {code for endpoint in fleet.catalogue.endpoints() for code in endpoint.codes}
    units, currencies = set(), set()
    for code in served & fleet.catalogue.models.keys():
        rows = fleet.catalogue.models[code].input.token_costs
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            end = row.end or (after.start if after else None)
            if row.start <= horizon and (end is None or end > fleet.as_of):
                units |= {(code, unit) for unit, _ in row.per_million_tokens.items()}
                currencies.add(row.currency)
    days = (format_instant(each.replace(microsecond=0)) for each in (fleet.as_of, horizon))
    details = (f"{' to '.join(days)}, in {', '.join(sorted(currencies))}",) if currencies else ()
    return Outcome(len(units), "timelines, one for each unit of each model that is served", details=details)


PROOF = Proof(
    "prices",
    "whatever is served has one price at every instant from now to the horizon, of a size that its siblings confirm",
    (
        "price-gap",
        "price-overlap",
        "price-duplicate",
        "price-order",
        "price-reversed",
        "price-missing",
        "price-unit",
        "price-unit-gap",
        "price-unit-missing",
        "price-currency",
        "price-currency-mixed",
        "price-negative",
        "price-output-below-input",
    ),
    prove,
)
