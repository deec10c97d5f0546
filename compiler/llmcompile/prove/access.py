"""Access: no path gives anyone a model which their grants do not.

The grants are read from the YAML, the paths are the router's: two sources that must agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.diagnostics import Diagnostic, Related
from llmcompile.link.access import Grant, account_grant, callable_groups, key_grant
from llmcompile.prove.fleet import Caller, Fleet, Seat
from llmcompile.prove.outcome import Outcome, Proof


def prove(fleet: Fleet) -> Outcome:
    """Every path of every key in every region, and those that end at a model which was not granted."""
    covered = 0
    found: list[Diagnostic] = []
    known: dict[tuple[object, ...], tuple[int, list[tuple[str, str]]]] = {}
    for seat in fleet.seats:
        for caller in seat.callers():
            grants = tuple(_grants(seat, caller))
            asked = (seat.router, caller.allowed, grants)
            if asked not in known:
                known[asked] = _gained(fleet, seat, caller, grants)
            paths, gained = known[asked]
            covered += paths
            found += [_diagnostic(seat, caller, *each) for each in gained[:1]]
    return Outcome(covered, "paths from a key's model to an endpoint", tuple(found))


def _grants(seat: Seat, caller: Caller) -> Iterator[Grant]:
    written = seat.account.input
    yield account_grant(written)
    if caller.key is not None:
        yield key_grant(written, written.keys[caller.key])


def _gained(fleet: Fleet, seat: Seat, caller: Caller, grants: tuple[Grant, ...]) -> tuple[int, list[tuple[str, str]]]:
    """How many paths there are, and those that give what was not granted, as name and model."""
    groups = callable_groups(fleet.catalogue, seat.account)
    allowed = None if caller.key is None else caller.allowed
    paths = [(name, hop.model) for name in sorted(caller.allowed) for hop in seat.router.reach(name, allowed)]
    given = {model for _, model in paths if all(grant.gives(model, groups) for grant in grants)}
    return len(paths), [each for each in paths if each[1] not in given]


def _diagnostic(seat: Seat, caller: Caller, name: str, model: str) -> Diagnostic:
    group = name in seat.account.input.route_groups
    message = f"{caller.what} may call '{name}', which leads to '{model}', and that it may not"
    related = (Related(seat.place, "in this region"),)
    return Diagnostic(
        "access-route-group" if group else "access-fallback", message, caller.place, f"grant '{model}' too", related
    )


PROOF = Proof(
    "access",
    "nobody reaches a model through a fallback or a route group which their groups do not give",
    ("access-fallback", "access-route-group", "access-team", "access-key"),
    prove,
)
