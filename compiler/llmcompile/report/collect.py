"""From what was compiled to the page's data: overview, prices, dates and sizes. ``report.seats`` has the accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from llmcompile.diagnostics import Diagnostic, Place, Severity
from llmcompile.emit.contract import size
from llmcompile.inputs.model import UNITS
from llmcompile.inputs.values import format_instant
from llmcompile.link import catalogue
from llmcompile.literals import mask
from llmcompile.load.locate import Locator
from llmcompile.pipeline import Compiled
from llmcompile.prove import PROOFS
from llmcompile.prove.fleet import Fleet, survey
from llmcompile.prove.outcome import Proven, tried
from llmcompile.report.data import Claim, Event, Model, Page, PriceRow, Problem, Size, Spot, Step, Timeline
from llmcompile.report.seats import accounts, regions, spot
from llmcompile.show import calendar, proofs
from llmcompile.show.located import located

_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def collect(compiled: Compiled, root: Path, as_of: datetime) -> Page:
    """The page of a repository that compiles. ``as_of`` is now for the proofs, the prices and the calendar."""
    held, locator = compiled.linked, Locator(root)
    fleet = survey(held, as_of, compiled.documents)
    proven = [tried(each, each.prove(fleet), compiled.diagnostics) for each in PROOFS]
    found = [*compiled.diagnostics, *(each for one in proven for each in one.counter_examples)]
    of_regions, of_accounts = regions(held, locator), accounts(fleet, root)
    owners = {each.file: each for each in [*(one.spot for one in of_regions), *(one.spot for one in of_accounts)]}
    return Page(
        as_of=as_of,
        horizon=as_of + timedelta(days=held.project.price_horizon_days),
        models=tuple(_model(each, as_of, locator) for each in held.models.values()),
        regions=of_regions,
        accounts=of_accounts,
        problems=_problems(found, locator),
        claims=tuple(map(_claim, proven)),
        events=_events(held, as_of, locator),
        sizes=_sizes(fleet, owners),
    )


def _problems(found: Iterable[Diagnostic], locator: Locator) -> tuple[Problem, ...]:
    """Each problem once, the worst first."""
    once = {(each.code, each.place): each for each in reversed(list(found))}
    placed = sorted(located(once.values(), locator), key=lambda each: _RANKS[each.diagnostic.severity])
    return tuple(
        Problem(
            str(each.diagnostic.severity),
            each.diagnostic.code,
            mask(each.diagnostic.message),
            mask(each.diagnostic.hint),
            spot(each.at),
        )
        for each in placed
    )


def _claim(proven: Proven) -> Claim:
    data = proofs.objects([proven])[0]
    return Claim(proven.proof.name, proven.proof.claim, proven.state, data["says"], tuple(data["details"]))


def _events(held: catalogue.Catalogue, as_of: datetime, locator: Locator) -> tuple[Event, ...]:
    found = calendar.entries(calendar.choose(held, as_of, None), as_of, locator)
    return tuple(
        Event(
            format_instant(each.event.at),
            calendar.distance(each.days),
            each.event.at <= as_of,
            each.event.kind,
            mask(each.event.what),
            each.event.past.code if each.event.past else "",
            spot(each.at),
        )
        for each in found
    )


def _sizes(fleet: Fleet, owners: Mapping[str, Spot]) -> tuple[Size, ...]:
    """Every document, the largest first; ``owners`` are the lines of accounts and regions by file."""
    found = [
        Size(
            each.document.kind, each.document.owner, size(each.document, each.encoded), owners[mask(each.document.file)]
        )
        for each in fleet.made
    ]
    return tuple(sorted(found, key=lambda each: (-each.size, each.kind, each.owner)))


def _model(model: catalogue.Model, as_of: datetime, locator: Locator) -> Model:
    written = model.input
    rows = tuple(_rows(model, as_of, locator))
    return Model(
        code=written.code,
        name=mask(written.name or ""),
        type=written.type,
        groups=written.access_groups,
        currency=written.token_costs[0].currency if written.token_costs else "",
        rows=rows,
        timelines=tuple(_timelines(rows)),
        spot=spot(locator.find(Place(model.file, ("code",)))),
    )


def _rows(model: catalogue.Model, as_of: datetime, locator: Locator) -> Iterator[PriceRow]:
    costs = model.input.token_costs
    for at, (cost, following) in enumerate(zip_longest(costs, costs[1:])):
        end = cost.end or (following.start if following else None)
        holds = cost.start <= as_of and (end is None or as_of < end)
        place = Place(model.file, ("token_costs", at, "start"))
        yield PriceRow(cost.start, end, dict(cost.per_million_tokens.items()), holds, spot(locator.find(place)))


def _timelines(rows: Sequence[PriceRow]) -> Iterator[Timeline]:
    for unit in UNITS:
        steps = tuple(Step(row.start, row.end, row.prices[unit]) for row in rows if unit in row.prices)
        if steps:
            yield Timeline(unit, steps)
