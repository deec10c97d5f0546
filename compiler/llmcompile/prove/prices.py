"""Prices: whatever is served has exactly one price at every instant from now to the horizon.

The checks of the price rows decide it; this counts what they cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from llmcompile.inputs.values import format_instant
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof
from llmcompile.prove.seats import Subject


def look(ground: Ground) -> Look:
    """The models that an account's endpoints serve."""
    known: dict[Finding, Finding] = {}

    def found(subject: Subject) -> Finding:
        codes = tuple([each.code for endpoint in subject.account.endpoints.values() for each in endpoint.served])
        return known.setdefault(codes, codes)  # what is the same object is sent once

    return found


def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
    """The timelines of each unit of each served model that reach into the time from now to the horizon."""
    catalogue, as_of = ground.catalogue, ground.as_of
    horizon = as_of + timedelta(days=catalogue.project.price_horizon_days)
    platform = (endpoint for region in catalogue.regions.values() for endpoint in region.endpoints.values())
    served = {code for endpoint in platform for code in endpoint.codes}.union(*set(findings))
    units, currencies = set(), set()
    for code in served & catalogue.models.keys():
        rows = catalogue.models[code].input.token_costs
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            end = row.end or (after.start if after else None)
            if row.start <= horizon and (end is None or end > as_of):
                units |= {(code, unit) for unit, _ in row.per_million_tokens.items()}
                currencies.add(row.currency)
    days = (format_instant(each.replace(microsecond=0)) for each in (as_of, horizon))
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
    look,
    tell,
)
