"""Access: no path gives anyone a model which their grants do not.

The grants are read from the YAML, the paths are the router's: two sources that must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmcompile.diagnostics import Diagnostic, Related
from llmcompile.fleet.codec import diagnostic_in, diagnostic_out
from llmcompile.link.access import Grant, account_grant, callable_groups, key_grant
from llmcompile.link.catalogue import Catalogue
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof
from llmcompile.prove.seats import Caller, Seat, Subject


def look(ground: Ground) -> Look:
    """Every path of every key in every region, and those that end at a model which was not granted."""
    known: dict[tuple[object, ...], tuple[int, list[tuple[str, str]]]] = {}

    def found(subject: Subject) -> Finding:
        covered, said = 0, []
        for seat in subject.seats:
            for caller in seat.callers:
                grants = tuple(_grants(seat, caller))
                asked = (seat.router, caller.allowed, grants)
                if asked not in known:
                    known[asked] = _gained(ground.catalogue, seat, caller, grants)
                paths, gained = known[asked]
                covered += paths
                said += [diagnostic_out(_diagnostic(seat, caller, *each)) for each in gained[:1]]
        return covered, tuple(said)

    return found


def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
    """How many paths there are, and a counter-example for each key that gains something."""
    covered = sum(count for count, _ in findings)
    found = tuple(diagnostic_in(each) for _, said in findings for each in said)
    return Outcome(covered, "paths from a key's model to an endpoint", found)


def _grants(seat: Seat, caller: Caller) -> Iterator[Grant]:
    written = seat.account.input
    yield account_grant(written)
    if caller.key is not None:
        yield key_grant(written, written.keys[caller.key])


def _gained(
    catalogue: Catalogue, seat: Seat, caller: Caller, grants: tuple[Grant, ...]
) -> tuple[int, list[tuple[str, str]]]:
    """How many paths there are, and those that give what was not granted, as name and model."""
    groups = callable_groups(catalogue, seat.account)
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
    look,
    tell,
)
