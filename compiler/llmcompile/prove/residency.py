"""Residency: an account's data stays where it said, on every path, through every fallback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.fleet.codec import diagnostic_in, diagnostic_out
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof
from llmcompile.prove.router import Hop
from llmcompile.prove.seats import Seat, Subject

_SHOWN = 5
"""Endpoints and paths that a counter-example names."""


@dataclass(frozen=True, slots=True)
class _Stray:
    """A path that ends outside, or nobody knows where."""

    seat: Seat
    name: str
    hop: Hop
    geo: str | None


def look(ground: Ground) -> Look:
    """Every path of an account with a residency, those that leave it, and those that end where nobody knows."""
    known: dict[tuple[object, ...], tuple[int, list[tuple[str, Hop, str | None]]]] = {}

    def found(subject: Subject) -> Finding:
        residency = subject.account.input.residency
        if not residency:
            return None
        paths, unknown, outside = 0, dict[Place, _Stray](), list[_Stray]()
        for seat in subject.seats:
            shape = (seat.router, geos := _geos(seat), residency)
            if shape not in known:
                known[shape] = _strays(seat, geos)
            count, strays = known[shape]
            paths += count
            for name, hop, geo in strays:
                stray = _Stray(seat, name, hop, geo)
                if geo is None:
                    unknown.setdefault(seat.endpoints[hop.at].place.key(), stray)
                else:
                    outside.append(stray)
        said = tuple(diagnostic_out(_unknown(at, each)) for at, each in unknown.items())
        return paths, said, diagnostic_out(_outside(outside)) if outside else None

    return found


def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
    """How many paths there are; a counter-example for each endpoint that does not say where, and each account."""
    looked = [each for each in findings if each is not None]
    unknown: dict[Place, Diagnostic] = {}
    for said in (diagnostic_in(each) for _, unsaid, _ in looked for each in unsaid):
        unknown.setdefault(said.place, said)  # the first account that uses it speaks for all
    outside = [diagnostic_in(each) for _, _, each in looked if each is not None]
    says = "" if looked else "no account has a residency"
    covered = sum(paths for paths, _, _ in looked)
    return Outcome(covered, "paths from an account's model to an endpoint", (*unknown.values(), *outside), says)


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
    look,
    tell,
)
