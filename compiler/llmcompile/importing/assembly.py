"""Deployments become endpoints and models: those that agree on everything share an endpoint, priority is kept."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import urlsplit

from llmcompile.importing import texts
from llmcompile.importing.dialects import Dialect
from llmcompile.importing.drafts import Deployment, Endpoint, Fleet, Model
from llmcompile.importing.prices import PriceList
from llmcompile.importing.report import Report
from llmcompile.inputs.urls import is_loopback
from llmcompile.literals import quote


def endpoints(deployments: list[Deployment], fleet: Fleet, report: Report, *, one_order: bool) -> None:
    """Fill in the endpoints, and each model's by priority; the deployments come by priority.

    ``one_order``: the order of the endpoints is the priority for every model, as in an account; else each model has
    a list of its own.
    """
    for each in deployments:
        chain = fleet.chains.setdefault(each.code, [])
        found = next(
            (one for one in chain if (one.target, one.models[each.code]) == (each.target, each.upstream)), None
        )
        if found is not None:
            if each.id:  # else it is an alias, of which all that is to be said is said already
                report.changed(each.at, "the same as an earlier deployment of the model: carried once")
        else:
            found = _shared(each, chain, fleet.endpoints, one_order=one_order)
            found.models[each.code] = each.upstream
            chain.append(found)
        found.labels.append(each.label)
        if each.id:
            fleet.by_id.setdefault(each.id, (each.code, found))
    _name(fleet.endpoints)


def _shared(each: Deployment, chain: list[Endpoint], known: list[Endpoint], *, one_order: bool) -> Endpoint:
    """An endpoint that can take the deployment, or a new one."""
    after = max((known.index(one) for one in chain), default=-1) if one_order else -1
    for index, endpoint in enumerate(known):
        if endpoint.target == each.target and each.code not in endpoint.models and index > after:
            return endpoint
    known.append(Endpoint(each.target))
    return known[-1]


def _name(found: list[Endpoint]) -> None:
    """Name the endpoints: after their only deployment, if it has a name, else after their host."""
    taken: set[str] = set()
    for each in found:
        wanted = each.labels[0] if len(each.labels) == 1 and each.labels[0] else _by_host(each)
        each.name = texts.unique(texts.slug(wanted, each.target.provider), taken)


def _by_host(endpoint: Endpoint) -> str:
    provider, url = endpoint.target.provider, endpoint.target.base_url
    host = (urlsplit(url).hostname or "") if url else ""
    if not host or is_loopback(host):
        return provider
    label = host.partition(".")[0]
    return label if provider == "azure" or label.startswith(provider) else f"{provider}-{label}"


def models(
    deployments: list[Deployment], fleet: Fleet, report: Report, price_list: PriceList, dialect: Dialect
) -> None:
    """Fill in the models. What deployments of one model do not agree on is the first one's."""
    by_code: dict[str, list[Deployment]] = defaultdict(list)
    for each in deployments:
        by_code[each.code].append(each)
    for code, group in by_code.items():
        first = group[0]
        model = Model(code, first.name, first.kind, defaults=first.defaults, batch_inputs=first.batch_inputs)
        model.groups = _groups(group, report, dialect)
        fleet.models[code] = model
        _price(model, group, report, price_list)
        _differences(group, fleet, report)


def _groups(group: list[Deployment], report: Report, dialect: Dialect) -> tuple[str, ...]:
    """The access groups of a model. Nobody is to gain one by the import."""
    first = group[0]
    for each in group[1:]:
        if set(each.groups) == set(first.groups):
            continue
        if dialect.groups_must_agree:
            report.left_out(each.at, f"access groups that differ from those of line {first.at.line} grant nothing")
            return ()
        report.changed(each.at, "the access groups of all deployments of the model are put together")
    return tuple(dict.fromkeys(name for each in group for name in each.groups))


def _price(model: Model, group: list[Deployment], report: Report, price_list: PriceList) -> None:
    own = next((each for each in group if each.prices), None)
    listed = price_list.prices(name for each in group for name in each.priced_as)
    if own is not None:
        model.prices = own.prices
        for each in group:
            if each.prices and each.prices != own.prices:
                report.changed(each.at, f"priced like the deployment in line {own.at.line}: a model has one price")
    elif listed is not None:
        model.prices = listed[1]
        if group[0].id:
            report.carried(group[0].at, f"its price is that of {quote(listed[0])} in {price_list.name}")


def _differences(group: list[Deployment], fleet: Fleet, report: Report) -> None:
    """Says what a model has once and its deployments have differently."""
    first = group[0]
    for each in group[1:]:
        if (each.defaults, each.batch_inputs) != (first.defaults, first.batch_inputs):
            report.changed(each.at, f"default parameters are those of line {first.at.line}: a model has them once")
    if first.id and (count := len(fleet.chains[first.code])) > 1:
        report.changed(first.at, f"its {count} endpoints are tried in order; requests are not spread over them")
