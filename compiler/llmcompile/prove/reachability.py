"""Reachability: whatever a key may call is served, wherever its account is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

from llmcompile.diagnostics import Diagnostic
from llmcompile.inputs.urls import is_loopback
from llmcompile.prove.fleet import Caller, Fleet, Seat
from llmcompile.prove.outcome import Outcome, Proof
from llmcompile.prove.router import Hop
from llmrouter.prices import price_at


def prove(fleet: Fleet) -> Outcome:
    """Every model of every key in every region, and those without an endpoint, a credential or a price."""
    covered = 0
    known: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    lacking: defaultdict[int, dict[tuple[str, str], Caller]] = defaultdict(dict)
    for at, seat in enumerate(fleet.seats):
        for caller in seat.callers():
            covered += len(caller.allowed)
            asked = (seat.router, caller.allowed, tuple(_keyless(seat)))
            if asked not in known:
                known[asked] = list(_lacking(fleet, seat, caller))
            for each in known[asked]:
                lacking[at].setdefault(each, caller)
    found = tuple(_diagnostic(fleet.seats[at], each) for at, each in lacking.items())
    return Outcome(covered, "combinations of account, region, key and model", found)


def _keyless(seat: Seat) -> Iterator[int]:
    """Endpoints of other machines that are called without a credential."""
    for at, endpoint in enumerate(seat.endpoints):
        if endpoint.auth is None and not is_loopback(urlsplit(endpoint.base_url).hostname or ""):
            yield at


def _lacking(fleet: Fleet, seat: Seat, caller: Caller) -> Iterator[tuple[str, str]]:
    keyless = set(_keyless(seat))
    for name in sorted(caller.allowed):
        hops = seat.router.chain(name, None if caller.key is None else caller.allowed)
        if not hops:
            yield name, "endpoint"
        if any(hop.at in keyless for hop in hops):
            yield name, "credential"
        if not all(_priced(fleet, seat, hop) for hop in hops):
            yield name, "price"


def _priced(fleet: Fleet, seat: Seat, hop: Hop) -> bool:
    return price_at(seat.router.snapshot.models[hop.model].token_costs, fleet.as_of) is not None


def _diagnostic(seat: Seat, lacking: dict[tuple[str, str], Caller]) -> Diagnostic:
    (name, what), caller = next(iter(lacking.items()))
    where = seat.region.input.region
    message = f"{caller.what} may call '{name}', which has no {what} in {where}"
    message += f"; so it is with {len(lacking) - 1:,} more" if len(lacking) > 1 else ""
    hint = f"list it in {seat.region.file}, or do not grant it"
    return Diagnostic("reachability", message, seat.place, hint)


PROOF = Proof(
    "reachability",
    "every model that a key may call has an endpoint, a credential and a price, in every region of its account",
    ("reachability", "model-unreachable", "route-empty", "auth-missing", "price-missing", "endpoint-unknown"),
    prove,
)
