"""Survival: what still answers when something is gone, and who must.

``survive: 1`` on an account or region makes it a gate: the smallest outage that strands a model is an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.link.catalogue import Account, Catalogue, Region
from llmcompile.prove.fleet import Fleet, Seat
from llmcompile.prove.outages import Outage, outages, smallest, standings
from llmcompile.prove.outcome import Outcome, Proof
from llmcompile.prove.router import Router
from llmcompile.providers import split_prefix

_SHOWN = 5
"""Outages that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How a model or route group of an account in a region stands."""

    seat: Seat
    name: str
    must: int
    """Outages at once that it must survive; 0: none."""
    stranding: tuple[Outage, ...]
    """The smallest outage after which nothing serves it, of at most ``must`` and at least one; empty: none does."""
    by_fallback: bool
    """Whether some single outage leaves other models alone."""

    @property
    def holds(self) -> bool:
        """Whether it survives what it must."""
        return not self.stranding or len(self.stranding) > self.must


@dataclass(frozen=True, slots=True)
class _Shape:
    """Accounts whose routers decide alike and whose endpoints fall together alike."""

    router: Router
    falls: tuple[Outage, ...]
    limit: int
    _known: dict[str, tuple[tuple[int, ...], bool]] = field(default_factory=dict)

    def stand(self, name: str) -> tuple[tuple[int, ...], bool]:
        """The positions of the smallest outage that strands a name, and whether a fallback alone saves it from one."""
        if name not in self._known:
            found = smallest(self.router, name, self.falls, self.limit) or ()
            self._known[name] = found, len(found) != 1 and self._by_fallback(name)
        return self._known[name]

    def _by_fallback(self, name: str) -> bool:
        own = {hop.at for hop in self.router.chain(name) if hop.model == name}
        return any(own <= each.takes for each in self.falls) if own else False


def must_survive(account: Account, region: Region) -> int:
    """How many outages at once an account's models must survive in a region."""
    own = account.input.survive
    return (region.input.survive or 0) if own is None else own


def gated(catalogue: Catalogue) -> list[Account]:
    """The accounts that must survive something."""
    return [
        account
        for account in catalogue.accounts.values()
        if any(must_survive(account, catalogue.regions[each]) for each in account.input.all_regions)
    ]


def stands(fleet: Fleet) -> Iterator[Stand]:
    """How everything that may be called stands."""
    shapes: dict[tuple[object, ...], _Shape] = {}
    platform = {region.file: standings(region) for region in fleet.catalogue.regions.values()}
    for seat in fleet.seats:
        must = must_survive(seat.account, seat.region)
        of = outages((*standings(seat.account), *platform[seat.region.file]))
        falls = (seat.router, max(1, must), *(each.takes for each in of))
        shape = shapes.setdefault(falls, _Shape(seat.router, of, max(1, must)))
        for name in seat.names:
            if seat.router.chain(name):
                found, by_fallback = shape.stand(name)
                yield Stand(seat, name, must, tuple(of[at] for at in found), by_fallback)


def prove(fleet: Fleet) -> Outcome:
    """How many survive any one outage; a counter-example for each that must and does not."""
    found = list(stands(fleet))
    failing: defaultdict[Place, list[Stand]] = defaultdict(list)
    for stand in found:
        if not stand.holds:
            failing[_gate(stand)].append(stand)
    alive = sum(len(each.stranding) != 1 for each in found)
    unit = "combinations of account, region and model"
    outage = "any one outage (endpoint, location, host, credential, token endpoint)"
    says = f"{alive:,} of {len(found):,} {unit} survive {outage}"
    examples = tuple(_diagnostic(at, each) for at, each in failing.items())
    return Outcome(len(found), unit, examples, says, tuple(_details(found)))


def _details(found: list[Stand]) -> Iterator[str]:
    by_fallback, gated = sum(each.by_fallback for each in found), sum(each.must > 0 for each in found)
    if by_fallback:
        yield f"{by_fallback:,} of them by a fallback alone"
    if gated:
        yield f"{gated:,} must survive, as their account or region demands"
    stranded: defaultdict[str, list[Stand]] = defaultdict(list)
    for stand in found:
        if len(stand.stranding) == 1:
            stranded[str(stand.stranding[0])].append(stand)
    worst = sorted(stranded.items(), key=lambda each: -len(each[1]))
    for outage, lost in worst[:_SHOWN]:
        where = f"'{lost[0].name}' of '{lost[0].seat.account.id}' in {lost[0].seat.region.input.region}"
        yield f"{outage} strands {len(lost):,}: {where}" + (", and others" if len(lost) > 1 else "")
    if len(worst) > _SHOWN:
        yield f"{len(worst) - _SHOWN:,} more outages strand {sum(len(lost) for _, lost in worst[_SHOWN:]):,}"


def _gate(stand: Stand) -> Place:
    """The token to look at: the account's own gate, else the region's list of the model, else the account's region."""
    seat = stand.seat
    if seat.account.input.survive is not None:
        return Place(seat.account.file, ("survive",))
    listed = next((each for each in seat.region.input.models if split_prefix(each)[1] == stand.name), None)
    own = range(len(seat.account.endpoints))
    if listed is None or any(hop.at in own for hop in seat.router.chain(stand.name)):
        return seat.place
    return Place(seat.region.file, ("models", listed)).key()


def _diagnostic(at: Place, failing: list[Stand]) -> Diagnostic:
    stand = min(failing, key=lambda each: len(each.stranding))
    account, region = stand.seat.account.id, stand.seat.region.input.region
    lost = " and ".join(map(str, stand.stranding)) + (" at once" if len(stand.stranding) > 1 else "")
    message = f"'{stand.name}' of account '{account}' in {region} does not survive the loss of {lost}"
    message += f"; {len(failing) - 1:,} more like it" if len(failing) > 1 else ""
    return Diagnostic("survival", message, at, _hint(stand), tuple(_related(stand, at)))


def _hint(stand: Stand) -> str:
    unsure = frozenset[int]().union(*(each.unsure for each in stand.stranding))
    used = [hop.at for hop in stand.seat.router.chain(stand.name) if hop.at in unsure]
    if used:
        name = stand.seat.endpoints[used[0]].name
        return f"nothing says where '{name}' runs: write location: REGION on it"
    return "list another endpoint that does not share it, or add a fallback"


def _related(stand: Stand, at: Place) -> Iterator[Related]:
    seat = stand.seat
    if seat.account.input.survive is None and at.route != ("survive",):
        yield Related(Place(seat.region.file, ("survive",)), "what its region demands")
    gone = frozenset[int]().union(*(each.takes for each in stand.stranding))
    for position in dict.fromkeys(hop.at for hop in seat.router.chain(stand.name) if hop.at in gone):
        yield Related(seat.endpoints[position].place.key(), "gone with it")


PROOF = Proof("survival", "what must survive an outage does", ("survival",), prove)
