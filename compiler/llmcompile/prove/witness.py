"""A second witness of prices: what someone else publishes, against what is written here.

A disagreement is a warning with both figures. Witnesses are read offline, and none is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.emit.canonical import money
from llmcompile.fleet.codec import place_in, place_out
from llmcompile.inputs.model import TokenCost
from llmcompile.link.catalogue import Account, Region
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof
from llmcompile.prove.seats import Subject

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


@dataclass(frozen=True, slots=True)
class _Seller:
    """An endpoint, as far as prices go."""

    provider: str
    place: Place
    sells: Mapping[str, str | None]
    """The upstream's own name, where it was written, by code."""


def confirmation(witness: Witness) -> Proof:
    """The comparison with a witness, as a proof."""
    claim = "someone else publishes the same prices"

    def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
        return compare(ground, findings, witness)

    return Proof("witness", claim, ("price-witness",), look, tell)


def look(ground: Ground) -> Look:
    """Who sells which models to an account, where nobody before it was sold the same."""
    known: set[Finding] = set()

    def found(subject: Subject) -> Finding:
        fresh = []
        for each in _sellers(subject.account):
            said = each.provider, tuple(each.sells.items())
            if said not in known:
                known.add(said)
                fresh.append((each.provider, place_out(each.place), said[1]))
        return tuple(fresh)

    return found


def compare(ground: Ground, findings: Sequence[Finding], witness: Witness) -> Outcome:
    """Each unit that holds at an instant for what is served, against every provider that serves it.

    A figure is confirmed where one of the providers takes it. What is not in USD is left out.
    """
    sellers = [each for region in ground.catalogue.regions.values() for each in _sellers(region)]
    sellers += [_Seller(provider, place_in(at), dict(sells)) for found in findings for provider, at, sells in found]
    compared = agreed = 0
    said: list[Diagnostic] = []
    unknown: list[str] = []
    for code, (index, row) in _rows(ground, sellers):
        testimonies = _testimonies(sellers, code, ground.as_of, witness)
        if not testimonies:
            unknown.append(code)
        for unit, price in row.per_million_tokens.items():
            figures = {name: prices[unit] for name, prices in testimonies.items() if unit in prices}
            compared += bool(figures)
            agreed += price in figures.values()
            if figures and price not in figures.values():
                place = Place(ground.catalogue.models[code].file, ("token_costs", index, "per_million_tokens", unit))
                said.append(_diagnostic(sellers, place, price, figures, witness.name))
    details = (f"unknown to it: {', '.join(unknown)}",) if unknown else ()
    says = f"{witness.name} confirms {agreed:,} of {compared:,} prices"
    return Outcome(compared, "prices", tuple(said), says, details)


def _sellers(owner: Region | Account) -> Iterator[_Seller]:
    for endpoint in owner.endpoints.values():
        sells = {each.code: each.upstream for each in reversed(endpoint.served)}  # of two names the first
        yield _Seller(endpoint.provider.name, endpoint.place, sells)


def _rows(ground: Ground, sellers: Iterable[_Seller]) -> Iterator[tuple[str, tuple[int, TokenCost]]]:
    """The row in USD that holds for each model that is served."""
    models, at = ground.catalogue.models, ground.as_of
    served = {code for each in sellers for code in each.sells}
    for code in sorted(served & models.keys()):
        rows = enumerate(models[code].input.token_costs)
        started = [each for each in rows if each[1].start <= at and (each[1].end is None or at < each[1].end)]
        if started and started[-1][1].currency == "USD":
            yield code, started[-1]


def _testimonies(sellers: Iterable[_Seller], code: str, at: datetime, witness: Witness) -> dict[str, Prices]:
    """What the witness says, by provider; by the upstream's own name where it does not know the code."""
    said: dict[str, Prices] = {}
    for each in sellers:
        if code in each.sells and each.provider not in said:
            prices, upstream = witness.prices(each.provider, code, at), each.sells[code]
            if prices is None and upstream:
                prices = witness.prices(each.provider, upstream, at)
            if prices is not None:
                said[each.provider] = prices
    return said


def _diagnostic(
    sellers: Iterable[_Seller], place: Place, price: Decimal, said: Mapping[str, Decimal], witness: str
) -> Diagnostic:
    others = ", ".join(f"{money(figure)} at {provider}" for provider, figure in sorted(said.items()))
    message = f"{place.route[-1]} is {money(price)} here, and {others} by {witness}"
    hint = "look at the provider's page; one of the two is wrong or has moved on"
    served = next(each.place for each in sellers if each.provider in said)
    return Diagnostic("price-witness", message, place, hint, (Related(served, "its provider"),))
