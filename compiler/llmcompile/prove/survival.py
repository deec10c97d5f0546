"""Survival: what still answers when something is gone, and who must.

``survive: 1`` on an account or region makes it a gate: the smallest outage that strands a model is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.fleet.codec import diagnostic_in, diagnostic_out
from llmcompile.link.catalogue import Account, Region
from llmcompile.prove.fleet import Fleet, Ground
from llmcompile.prove.outages import Cause, Fall, Outage, Pattern, smallest, standings
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof
from llmcompile.prove.router import Router
from llmcompile.prove.seats import Seat, Subject
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


class _Answer(NamedTuple):
    """How a name stands in all seats that are alike."""

    name: str
    stranding: tuple[Fall, ...]
    by_fallback: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """Seats whose routers decide alike and whose endpoints fall together alike."""

    answers: tuple[_Answer, ...]
    counts: tuple[int, int, int, int]
    """Names, those that survive any one outage, those by a fallback alone, and those that must survive something."""
    strands: tuple[tuple[int, int, str], ...]
    """The position of each cause whose loss alone strands names, how many of them, and the first one."""
    fails: bool
    """Whether something does not survive what it must."""

    @classmethod
    def of(cls, seat: Seat, falls: tuple[Fall, ...], must: int) -> _Shape:
        """How such seats stand."""
        answers = tuple(_answers(seat, falls, max(1, must)))
        stranded: dict[int, list[str]] = {}
        for each in answers:
            if len(each.stranding) == 1:
                stranded.setdefault(each.stranding[0].cause, []).append(each.name)
        alive, by_fallback = (sum(len(each.stranding) != 1 for each in answers), sum(each[2] for each in answers))
        counts = len(answers), alive, by_fallback, len(answers) if must else 0
        strands = tuple((cause, len(names), names[0]) for cause, names in stranded.items())
        return cls(answers, counts, strands, any(0 < len(each.stranding) <= must for each in answers))


def _answers(seat: Seat, falls: tuple[Fall, ...], limit: int) -> Iterator[_Answer]:
    for name in seat.names:
        if seat.router.chain(name):
            found = smallest(seat.router, name, falls, limit) or ()
            by_fallback = len(found) != 1 and _by_fallback(seat.router, name, falls)
            yield _Answer(name, tuple(falls[at] for at in found), by_fallback)


def _by_fallback(router: Router, name: str, falls: tuple[Fall, ...]) -> bool:
    own = {hop.at for hop in router.chain(name) if hop.model == name}
    return any(own <= each.takes for each in falls) if own else False


@dataclass(frozen=True, slots=True)
class _Seated:
    """A seat with how everything stands that may be called there."""

    seat: Seat
    must: int
    shape: _Shape
    causes: tuple[Cause, ...]

    def stands(self) -> Iterator[Stand]:
        """Each name, with the outages' own names."""
        for name, falls, by_fallback in self.shape.answers:
            stranding = tuple(Outage(*self.causes[each.cause], each.takes, each.unsure) for each in falls)
            yield Stand(self.seat, name, self.must, stranding, by_fallback)


class _Stands:
    """How accounts stand; what is known of one shape is not asked again."""

    def __init__(self, ground: Ground) -> None:
        self._platform = {each.file: standings(each) for each in ground.catalogue.regions.values()}
        self._falls: dict[Pattern, tuple[Fall, ...]] = {}
        self._known: dict[tuple[Router, int, Pattern], _Shape] = {}

    def of(self, subject: Subject) -> Iterator[_Seated]:
        """How an account stands in each of its regions."""
        own = standings(subject.account)
        for seat in subject.seats:
            must = must_survive(subject.account, seat.region)
            pattern, causes = Pattern.of((*own, *self._platform[seat.region.file]))
            asked = (seat.router, must, pattern)
            if asked not in self._known:
                falls = self._falls[pattern] = self._falls.get(pattern) or pattern.falls()
                self._known[asked] = _Shape.of(seat, falls, must)
            yield _Seated(seat, must, self._known[asked], causes)


def must_survive(account: Account, region: Region) -> int:
    """How many outages at once an account's models must survive in a region."""
    own = account.input.survive
    return (region.input.survive or 0) if own is None else own


def stands(fleet: Fleet) -> Iterator[Stand]:
    """How everything that may be called stands."""
    known = _Stands(fleet.ground)
    for subject in fleet.subjects:
        for seated in known.of(subject):
            yield from seated.stands()


def look(ground: Ground) -> Look:
    """How much survives any one outage, the outages that strand something, and a counter-example for each gate."""
    known = _Stands(ground)

    def found(subject: Subject) -> Finding:
        counts, strands, failing = [], [], dict[Place, list[Stand]]()
        for seated in known.of(subject):
            counts.append(seated.shape.counts)
            for cause, count, name in seated.shape.strands:
                where = f"'{name}' of '{subject.account.id}' in {seated.seat.region.input.region}"
                strands.append((" ".join(seated.causes[cause]), count, where))
            for stand in seated.stands() if seated.shape.fails else ():
                if not stand.holds:
                    failing.setdefault(_gate(stand), []).append(stand)
        return tuple(counts), tuple(strands), tuple(_failing(at, each) for at, each in failing.items())

    return found


def _failing(at: Place, stands: list[Stand]) -> Finding:
    worst = min(stands, key=lambda each: len(each.stranding))
    return len(stands), len(worst.stranding), diagnostic_out(_diagnostic(at, worst))


def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
    """How many survive any one outage; a counter-example for each that must and does not."""
    total = [0, 0, 0, 0]
    stranded: dict[str, tuple[int, str]] = {}
    failing: dict[Place, tuple[int, int, Diagnostic]] = {}
    for counts, strands, fails in findings:
        for each in counts:
            total = [one + more for one, more in zip(total, each, strict=True)]
        for outage, count, where in strands:
            lost, first = stranded.get(outage, (0, where))
            stranded[outage] = lost + count, first
        for count, size, said in fails:
            _add(failing, count, size, diagnostic_in(said))
    covered, alive, by_fallback, gated = total
    unit = "combinations of account, region and model"
    outage = "any one outage (endpoint, location, host, credential, token endpoint)"
    says = f"{alive:,} of {covered:,} {unit} survive {outage}"
    examples = tuple(_example(count, said) for count, _, said in failing.values())
    return Outcome(covered, unit, examples, says, tuple(_details(by_fallback, gated, stranded)))


def _add(failing: dict[Place, tuple[int, int, Diagnostic]], count: int, size: int, said: Diagnostic) -> None:
    """What fails at one place; the smallest outage speaks for all, of equals the first."""
    known, least, worst = failing.get(said.place, (0, size, said))
    failing[said.place] = (known + count, *((size, said) if size < least else (least, worst)))


def _example(count: int, said: Diagnostic) -> Diagnostic:
    return replace(said, message=f"{said.message}; {count - 1:,} more like it") if count > 1 else said


def _details(by_fallback: int, gated: int, stranded: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    if by_fallback:
        yield f"{by_fallback:,} of them by a fallback alone"
    if gated:
        yield f"{gated:,} must survive, as their account or region demands"
    worst = sorted(stranded.items(), key=lambda each: -each[1][0])
    for outage, (lost, where) in worst[:_SHOWN]:
        yield f"{outage} strands {lost:,}: {where}" + (", and others" if lost > 1 else "")
    if len(worst) > _SHOWN:
        yield f"{len(worst) - _SHOWN:,} more outages strand {sum(lost for _, (lost, _) in worst[_SHOWN:]):,}"


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


def _diagnostic(at: Place, stand: Stand) -> Diagnostic:
    account, region = stand.seat.account.id, stand.seat.region.input.region
    lost = " and ".join(map(str, stand.stranding)) + (" at once" if len(stand.stranding) > 1 else "")
    message = f"'{stand.name}' of account '{account}' in {region} does not survive the loss of {lost}"
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


PROOF = Proof("survival", "what must survive an outage does", ("survival",), look, tell)
