"""Residency: an account's data stays where it said, on every path, through every fallback."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.prove.fleet import Fleet, Seat
from llmcompile.prove.outcome import Outcome, Proof
from llmcompile.prove.router import Hop

_SHOWN = 5
"""Endpoints and paths that a counter-example names."""


@dataclass(frozen=True, slots=True)
class _Stray:
    """A path that ends outside, or nobody knows where."""

    seat: Seat
    name: str
    hop: Hop
    geo: str | None


def gated(catalogue: Catalogue) -> list[Account]:
    """The accounts that keep their data somewhere."""
    return [account for account in catalogue.accounts.values() if account.input.residency]


def prove(fleet: Fleet) -> Outcome:
    """Every path of every account with a residency, and those that leave it."""
    paths = accounts = 0
    known: dict[tuple[object, ...], tuple[int, list[tuple[str, Hop, str | None]]]] = {}
    outside: defaultdict[str, list[_Stray]] = defaultdict(list)
    unknown: dict[Place, _Stray] = {}
    for seat in fleet.seats:
        if not seat.account.input.residency:
            continue
        shape = (seat.router, geos := _geos(seat), seat.account.input.residency)
        if shape not in known:
            known[shape] = _strays(seat, geos)
        count, strays = known[shape]
        paths, accounts = paths + count, accounts + 1
        for name, hop, geo in strays:
            stray = _Stray(seat, name, hop, geo)
            if geo is None:
                unknown.setdefault(seat.endpoints[hop.at].place.key(), stray)
            else:
                outside[seat.account.id].append(stray)
    found = [_unknown(at, each) for at, each in unknown.items()]
    found += [_outside(each) for each in outside.values()]
    says = "" if accounts else "no account has a residency"
    return Outcome(paths, "paths from an account's model to an endpoint", tuple(found), says)


def _geos(seat: Seat) -> tuple[str | None, ...]:
    owners = (seat.account, seat.region)
    return tuple(owner.input.endpoints[name].geo for owner in owners for name in owner.endpoints)


def _strays(seat: Seat, geos: tuple[str | None, ...]) -> tuple[int, list[tuple[str, Hop, str | None]]]:
    allowed = seat.account.input.residency or ()
    paths = [(name, hop, geos[hop.at]) for name in seat.names for hop in seat.router.reach(name)]
    return len(paths), [each for each in paths if each[2] not in allowed]


def _unknown(at: Place, stray: _Stray) -> Diagnostic:
    account, endpoint = stray.seat.account, stray.seat.endpoints[stray.hop.at]
    message = f"endpoint '{endpoint.name}' does not say where it processes data; account '{account.id}' uses it"
    related = (Related(Place(account.file, ("residency",)), "the account's residency"),)
    return Diagnostic("residency-unknown", message, at, "add geo: WHERE, such as eu or ch", related)


def _outside(strays: list[_Stray]) -> Diagnostic:
    # The shortest path is the easiest to follow; of equals the first.
    strays = sorted(strays, key=lambda each: each.hop.model != each.name)
    seat, at = strays[0].seat, strays[0].seat.endpoints[strays[0].hop.at]
    same = [each for each in strays if each.seat.endpoints[each.hop.at].place == at.place]
    ways = [_way(each) for each in same[:_SHOWN]] + ([f"{len(same) - _SHOWN:,} more"] if len(same) > _SHOWN else [])
    message = f"account '{seat.account.id}' reaches endpoint '{at.name}' in {strays[0].geo}: by {', by '.join(ways)}"
    hint = f"take that endpoint off its paths, or add {strays[0].geo} to residency"
    return Diagnostic("residency", message, Place(seat.account.file, ("residency",)), hint, tuple(_related(strays)))


def _way(stray: _Stray) -> str:
    return f"'{stray.name}'" + (f" through '{stray.hop.model}'" if stray.hop.model != stray.name else "")


def _related(strays: list[_Stray]) -> Iterator[Related]:
    places = {stray.seat.endpoints[stray.hop.at].place / "geo": stray.geo for stray in strays}
    for place, geo in list(places.items())[:_SHOWN]:
        yield Related(place, f"in {geo}")


PROOF = Proof(
    "residency",
    "the data of accounts with a residency stays there, through every fallback",
    ("residency", "residency-unknown"),
    prove,
)
