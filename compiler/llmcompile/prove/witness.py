"""A second witness of prices: what someone else publishes, against what is written here.

A disagreement is a warning with both figures. Witnesses are read offline, and none is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.emit.canonical import money
from llmcompile.inputs.model import TokenCost
from llmcompile.link.catalogue import Catalogue, Endpoint
from llmcompile.prove.outcome import Outcome, Proof

Prices = Mapping[str, Decimal]
"""USD per million tokens by unit."""


class Witness(Protocol):
    """Someone who knows prices."""

    @property
    def name(self) -> str:
        """What it is called, with its exact version."""

    def prices(self, provider: str, model: str, at: datetime) -> Prices | None:
        """What a provider takes for a model; None: it does not know."""


@dataclass(frozen=True, slots=True)
class FakeWitness:
    """Knows what it is told, by provider and model."""

    known: Mapping[str, Mapping[str, Prices]] = field(default_factory=dict)
    name: str = "fake 1.0"

    def prices(self, provider: str, model: str, at: datetime) -> Prices | None:
        """What it was told."""
        return self.known.get(provider, {}).get(model)


def confirmation(witness: Witness) -> Proof:
    """The comparison with a witness, as a proof."""
    claim = "someone else publishes the same prices"
    return Proof("witness", claim, ("price-witness",), lambda fleet: compare(fleet.catalogue, fleet.as_of, witness))


def compare(catalogue: Catalogue, as_of: datetime, witness: Witness) -> Outcome:
    """Each unit that holds at an instant for what is served, against every provider that serves it.

    A figure is confirmed where one of the providers takes it. What is not in USD is left out.
    """
    compared = agreed = 0
    found: list[Diagnostic] = []
    unknown: list[str] = []
    for code, (index, row) in _rows(catalogue, as_of):
        testimonies = _testimonies(catalogue, code, as_of, witness)
        if not testimonies:
            unknown.append(code)
        for unit, price in row.per_million_tokens.items():
            said = {name: prices[unit] for name, prices in testimonies.items() if unit in prices}
            compared += bool(said)
            agreed += price in said.values()
            if said and price not in said.values():
                place = Place(catalogue.models[code].file, ("token_costs", index, "per_million_tokens", unit))
                found.append(_diagnostic(catalogue, place, price, said, witness.name))
    details = (f"unknown to it: {', '.join(unknown)}",) if unknown else ()
    says = f"{witness.name} confirms {agreed:,} of {compared:,} prices"
    return Outcome(compared, "prices", tuple(found), says, details)


def _rows(catalogue: Catalogue, at: datetime) -> Iterator[tuple[str, tuple[int, TokenCost]]]:
    """The row in USD that holds for each model that is served."""
    served = {code for endpoint in catalogue.endpoints() for code in endpoint.codes}
    for code in sorted(served & catalogue.models.keys()):
        rows = enumerate(catalogue.models[code].input.token_costs)
        started = [each for each in rows if each[1].start <= at and (each[1].end is None or at < each[1].end)]
        if started and started[-1][1].currency == "USD":
            yield code, started[-1]


def _testimonies(catalogue: Catalogue, code: str, at: datetime, witness: Witness) -> dict[str, Prices]:
    """What the witness says, by provider; by the upstream's own name where it does not know the code."""
    said: dict[str, Prices] = {}
    for endpoint in catalogue.endpoints():
        if code in endpoint.codes and endpoint.provider.name not in said:
            prices = _asked(witness, endpoint, code, at)
            if prices is not None:
                said[endpoint.provider.name] = prices
    return said


def _asked(witness: Witness, endpoint: Endpoint, code: str, at: datetime) -> Prices | None:
    upstream = next(each.upstream for each in endpoint.served if each.code == code)
    prices = witness.prices(endpoint.provider.name, code, at)
    return witness.prices(endpoint.provider.name, upstream, at) if prices is None and upstream else prices


def _diagnostic(
    catalogue: Catalogue, place: Place, price: Decimal, said: Mapping[str, Decimal], witness: str
) -> Diagnostic:
    others = ", ".join(f"{money(figure)} at {provider}" for provider, figure in sorted(said.items()))
    message = f"{place.route[-1]} is {money(price)} here, and {others} by {witness}"
    hint = "look at the provider's page; one of the two is wrong or has moved on"
    served = next(each.place for each in catalogue.endpoints() if each.provider.name in said)
    return Diagnostic("price-witness", message, place, hint, (Related(served, "its provider"),))
