"""Accounts and regions for the page: who answers in each region, what remains, who may call, and on which line.

What the router decides is asked of ``prove``; this only says it with names and lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from llmcompile.diagnostics import Place
from llmcompile.inputs.account import RouteGroup
from llmcompile.inputs.urls import host_of
from llmcompile.link import catalogue
from llmcompile.literals import mask
from llmcompile.load.locate import Location, Locator
from llmcompile.prove import fleet, survival
from llmcompile.prove.seats import Seat as Looked
from llmcompile.report.data import Account, Answer, Caller, Endpoint, Region, Seat, Spot, State

Find = Callable[[Place], Location]


def spot(at: Location) -> Spot:
    """The line of a place."""
    return Spot(mask(at.file), at.line)


def regions(held: catalogue.Catalogue, locator: Locator) -> tuple[Region, ...]:
    """Every region, by name."""
    return tuple(
        Region(
            each.input.region, tuple(_endpoints(each, locator.find)), spot(locator.find(Place(each.file, ("region",))))
        )
        for each in held.regions.values()
    )


def accounts(looked_at: fleet.Fleet, root: Path) -> tuple[Account, ...]:
    """Every account with its seats. Each file is read once more, and forgotten: there may be ten thousand."""
    stands = {
        (seat.account.id, seat.region.input.region): {each.name: each for each in found}
        for seat, found in groupby(survival.stands(looked_at), key=lambda each: each.seat)
    }
    answers: dict[tuple[object, ...], Answer] = {}
    return tuple(
        _account(list(seats), stands, answers, Locator(root).find)
        for _, seats in groupby(looked_at.seats, key=lambda each: each.account.id)
    )


def _account(
    seats: list[Looked],
    stands: Mapping[tuple[str, str], Mapping[str, survival.Stand]],
    answers: dict[tuple[object, ...], Answer],
    find: Find,
) -> Account:
    account = seats[0].account
    return Account(
        id=account.id,
        source=account.input.source,
        tier=account.input.tier or "",
        endpoints=tuple(_endpoints(account, find)),
        groups={name: _choice(group) for name, group in account.input.route_groups.items()},
        seats=tuple(
            _seat(each, stands.get((account.id, each.region.input.region), {}), answers, find) for each in seats
        ),
        callers=tuple(_callers(seats[0], find)),
        spot=spot(find(Place(account.file, ("account",)))),
    )


def _seat(
    seat: Looked, stands: Mapping[str, survival.Stand], answers: dict[tuple[object, ...], Answer], find: Find
) -> Seat:
    found = {}
    for name in seat.names:
        answer = _answer(seat, name, stands.get(name))
        found[name] = answers.setdefault((answer.hops, answer.state, answer.strands), answer)
    return Seat(
        seat.region.input.region, survival.must_survive(seat.account, seat.region), found, spot(find(seat.place))
    )


def _answer(seat: Looked, name: str, stand: survival.Stand | None) -> Answer:
    if stand is None:
        return Answer((), "unserved", "")
    hops = tuple((hop.model, hop.at) for hop in seat.router.chain(name))
    stranding = stand.stranding if len(stand.stranding) == 1 else ()
    state: State = "falls" if stranding else "fallback" if stand.by_fallback else "survives"
    return Answer(hops, state, mask(" and ".join(map(str, stranding))))


def _endpoints(owner: catalogue.Account | catalogue.Region, find: Find) -> Iterator[Endpoint]:
    side = "tenant" if isinstance(owner, catalogue.Account) else "platform"
    for name, endpoint in owner.endpoints.items():
        yield Endpoint(
            f"{side}:{name}",
            endpoint.provider.name,
            mask(host_of(endpoint.base_url)),
            owner.input.endpoints[name].geo or "",
            spot(find(endpoint.place.key())),
            {each.code: find(each.place).line for each in endpoint.served},
        )


def _choice(group: RouteGroup) -> str:
    """How a route group chooses."""
    weighted = group.policy == "weighted"
    members = (
        each.model
        + (f" on {each.endpoint}" if each.endpoint else "")
        + (f" (weight {each.weight})" if weighted else "")
        for each in group.members
    )
    return f"{'drawn by weight' if weighted else 'in order'}: {', '.join(members)}"


def _callers(seat: Looked, find: Find) -> Iterator[Caller]:
    """The account, then its teams, then its keys."""
    account, policy = seat.account, seat.policy
    own = tuple(policy["allowed"])
    yield Caller("account", account.id, own, spot(find(Place(account.file, ("access",)))))
    for name in account.input.teams:
        of_team = tuple(policy["teams"].get(name, policy)["allowed"])
        yield Caller("team", name, of_team, spot(find(Place(account.file, ("teams", name)).key())))
    for each in seat.callers:
        if each.key is not None:
            name = account.input.keys[each.key].id
            yield Caller("key", name, tuple(sorted(each.allowed)), spot(find(each.place)))
