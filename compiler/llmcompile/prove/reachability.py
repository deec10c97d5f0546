"""Reachability: whatever a key may call is served, wherever its account is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from llmcompile.diagnostics import Diagnostic
from llmcompile.fleet.codec import diagnostic_in, diagnostic_out
from llmcompile.inputs.urls import host_of, is_loopback
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof
from llmcompile.prove.seats import Caller, Seat, Subject
from llmrouter.prices import price_at


def look(ground: Ground) -> Look:
    """Every model of every key in every region, and those without an endpoint, a credential or a price."""
    known: dict[tuple[object, ...], list[tuple[str, str]]] = {}

    def found(subject: Subject) -> Finding:
        covered, said = 0, []
        for seat in subject.seats:
            lacking: dict[tuple[str, str], Caller] = {}
            keyless = tuple(_keyless(seat))
            for caller in seat.callers:
                covered += len(caller.allowed)
                asked = (seat.router, caller.allowed, keyless)
                if asked not in known:
                    known[asked] = list(_lacking(seat, caller, keyless, ground.as_of))
                for each in known[asked]:
                    lacking.setdefault(each, caller)
            if lacking:
                said.append(diagnostic_out(_diagnostic(seat, lacking)))
        return covered, tuple(said)

    return found


def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
    """How many there are, and a counter-example for each account in each region where something is lacking."""
    covered = sum(count for count, _ in findings)
    found = tuple(diagnostic_in(each) for _, said in findings for each in said)
    return Outcome(covered, "combinations of account, region, key and model", found)


def _keyless(seat: Seat) -> Iterator[int]:
    """Endpoints of other machines that are called without a credential."""
    for at, endpoint in enumerate(seat.endpoints):
        if endpoint.auth is None and not is_loopback(host_of(endpoint.base_url)):
            yield at


def _lacking(seat: Seat, caller: Caller, keyless: Sequence[int], as_of: datetime) -> Iterator[tuple[str, str]]:
    models = seat.router.snapshot.models
    for name in sorted(caller.allowed):
        hops = seat.router.chain(name, None if caller.key is None else caller.allowed)
        if not hops:
            yield name, "endpoint"
        if any(hop.at in keyless for hop in hops):
            yield name, "credential"
        if any(price_at(models[hop.model].token_costs, as_of) is None for hop in hops):
            yield name, "price"


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
    look,
    tell,
)
