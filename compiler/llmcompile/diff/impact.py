"""The whole fleet before and after: which decisions change, for whom, and at what price.

Only who could differ is asked: accounts whose documents, or those of their regions, are others. Routers that cannot be
told apart are asked once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from llmcompile.diff.answers import Asked, Shown, by_ref
from llmcompile.diff.decisions import Change, Difference, Outcome, compare
from llmcompile.diff.sides import Seat, Side, pairs
from llmrouter.snapshot import Snapshot


@dataclass(frozen=True, slots=True, order=True)
class Caller:
    """Someone who asks a router."""

    account: str
    """Its id after the change, else before it."""
    region: str
    key: str = ""
    """The id of a router key; empty: the account, which has none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Everyone and everything for whom something changes alike."""

    names: tuple[str, ...]
    """Models and route groups, sorted."""
    change: Change
    """Without a name."""
    callers: tuple[Caller, ...]
    """Sorted."""
    count: int
    """Decisions, of all of them."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change does to decisions."""

    found: tuple[tuple[Caller, Difference], ...] = field(repr=False)
    asked: int
    """Decisions that were compared."""
    routers: int
    """Accounts in regions that were asked, of ``all_routers``."""
    all_routers: int
    renamed: tuple[tuple[str, str], ...] = ()
    """Old and new ids of accounts that are the same account."""

    @property
    def count(self) -> int:
        """Decisions that change."""
        return sum(each.count for _, each in self.found)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The changes, what concerns the fewest decisions first."""
        members: defaultdict[Change, list[tuple[Caller, str, int]]] = defaultdict(list)
        for caller, each in self.found:
            members[replace(each.change, name="")].append((caller, each.change.name, each.count))
        found = (
            Group(
                tuple(sorted({name for _, name, _ in of})),
                change,
                tuple(sorted({caller for caller, _, _ in of})),
                sum(count for _, _, count in of),
            )
            for change, of in members.items()
        )
        return tuple(sorted(found, key=lambda each: (each.count, each.callers, each.names, str(each.change))))

    @property
    def accounts(self) -> dict[str, Counter[str]]:
        """The blast radius: for each account that is hit, its changed decisions by region."""
        hit: dict[str, Counter[str]] = {}
        for caller, each in sorted(self.found, key=lambda each: each[0]):
            hit.setdefault(caller.account, Counter())[caller.region] += each.count
        return hit

    @property
    def regions(self) -> dict[str, int]:
        """Changed decisions by region."""
        return dict(sorted(sum(self.accounts.values(), Counter[str]()).items()))


def impact(old: Side, new: Side, shown: Shown = by_ref) -> Impact:
    """Compare two fleets; ``shown`` says how credentials are told apart."""
    fleet, found = _Fleet(shown), list[tuple[Caller, Difference]]()
    asked = routers = everyone = 0
    accounts = pairs(old, new)
    for before, after in accounts:
        regions = dict.fromkeys([*new.regions.get(after or "", ()), *old.regions.get(before or "", ())])
        for region in regions:
            seats = old.seat(before, region), new.seat(after, region)
            everyone += any(seats)
            if not any(seats) or _alike(*seats):
                continue
            routers += 1
            for key, outcome in fleet.outcomes(*seats):
                asked += outcome.asked
                found += [(Caller(after or before or "", region, key), each) for each in outcome.differences]
    renamed = tuple((one, other) for one, other in accounts if one and other and one != other)
    return Impact(tuple(found), asked, routers, everyone, renamed)


def _alike(old: Seat | None, new: Seat | None) -> bool:
    return old is not None and new is not None and old.like(new)


_Shape = tuple[bytes, bytes, bytes] | None


class _Fleet:
    """Routers, each built and compared once."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._snapshots: dict[_Shape, Snapshot] = {}
        self._outcomes: dict[tuple[_Shape, int | None, _Shape, int | None], Outcome] = {}

    def outcomes(self, old: Seat | None, new: Seat | None) -> Iterator[tuple[str, Outcome]]:
        """What changes for each caller, by the id of its key."""
        before, after = (each.shape() if each else None for each in (old, new))
        for key, one, other in _callers(old, new):
            place = before, one, after, other
            if place not in self._outcomes:
                self._outcomes[place] = compare(self._asked(old, before, one), self._asked(new, after, other))
            yield key, self._outcomes[place]

    def _asked(self, seat: Seat | None, shape: _Shape, at: int | None) -> Asked | None:
        """A router as a caller meets it: by its key's position, -1: without one; None: it is not let in."""
        if seat is None or at is None:
            return None
        if shape not in self._snapshots:
            self._snapshots[shape] = seat.snapshot()
        snapshot = self._snapshots[shape]
        return Asked(snapshot, snapshot.keys[at] if at >= 0 else None, self._shown)


def _callers(old: Seat | None, new: Seat | None) -> Iterator[tuple[str, int | None, int | None]]:
    """Who asks: an account without keys itself, else its keys, told apart by hash: an id is only a name for logs."""
    before, after = (_keys(each) for each in (old, new))
    for each in {**after, **before}:
        (name, _), one, other = (after.get(each) or before[each]), before.get(each), after.get(each)
        yield name, one[1] if one else None, other[1] if other else None


def _keys(seat: Seat | None) -> dict[str, tuple[str, int]]:
    """The id and the position of each key by its hash; of an account without keys, itself."""
    if seat is None:
        return {}
    return {sha256: (name, at) for at, (name, sha256) in enumerate(seat.keys())} or {"": ("", -1)}
