"""The checks: one function each, listed here by hand. They see the catalogue and speak in routes.

Accounts are looked at a few at a time, so that a fleet of any size needs the memory of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from llmcompile.check import (
    access,
    budgets,
    endpoints,
    former,
    grants,
    hosts,
    lifetimes,
    likely,
    limits,
    names,
    price_pairs,
    price_units,
    prices_sanity,
    pricing,
    references,
    routing,
    settings,
)
from llmcompile.check.context import Check, Context, Whole, WholeCheck
from llmcompile.check.facts import facts
from llmcompile.diagnostics import Diagnostic
from llmcompile.link.catalogue import Account, Catalogue

CHECKS: tuple[Check, ...] = (  # of the shared files, and of each account by itself
    names.stems,
    names.route_group_names,
    names.key_duplicates,
    references.regions,
    references.tiers,
    references.teams,
    references.served_models,
    references.granted_names,
    references.groups,
    references.fallbacks,
    references.region_endpoints,
    references.members,
    pricing.timeline,
    pricing.currencies,
    pricing.units,
    prices_sanity.output_below_input,
    prices_sanity.units_within_row,
    prices_sanity.units_between_rows,
    prices_sanity.units_between_models,
    access.wider,
    access.through_fallbacks,
    access.through_route_groups,
    endpoints.versions,
    endpoints.auth_headers,
    endpoints.auth_kinds,
    endpoints.credentials,
    endpoints.keyless,
    endpoints.capabilities,
    endpoints.served_twice,
    endpoints.prefixes,
    routing.unreachable,
    routing.empty,
    routing.fallback_types,
    routing.member_types,
    routing.unused,
    limits.fallback_batches,
    limits.unreachable_tiers,
    budgets.unreachable,
    budgets.currencies,
    settings.batch_inputs,
    settings.chat_batching,
    grants.empty,
    hosts.paths,
    hosts.domains,
    hosts.names,
    hosts.locations,
    hosts.providers,
    hosts.twice,
    likely.deployments,
    likely.oauth,
    likely.parameters,
    likely.types,
    price_pairs.cached,
    price_pairs.audio_output,
    price_pairs.free,
)

WHOLE: tuple[WholeCheck, ...] = (
    names.collisions,
    former.taken,
    pricing.missing,
    price_units.dropped,
    routing.cycles,
    limits.unused_tiers,
    lifetimes.past,
    settings.stores,
    grants.misspelled,
    grants.ungranted,
    price_pairs.dates,
)


def shared(catalogue: Catalogue) -> list[Diagnostic]:
    """What is wrong with the shared files by themselves."""
    return _checked([Context.shared(catalogue)])[0]


def accounts(catalogue: Catalogue, subjects: Iterable[Account]) -> list[list[Diagnostic]]:
    """What is wrong with each of some accounts, given the shared files."""
    return _checked([Context.account(catalogue, each) for each in subjects])


def whole(fleet: Whole) -> list[Diagnostic]:
    """What is wrong with the fleet as a whole at an instant."""
    return [diagnostic for check in WHOLE for diagnostic in check(fleet)]


def span(fleet: Whole) -> tuple[datetime | None, datetime | None]:
    """The instants around its own between which, both exclusive, the same is said of the fleet as a whole."""
    as_of = fleet.as_of
    turns = [*lifetimes.turns(fleet), *pricing.turns(fleet), *price_pairs.turns(fleet)]
    before = max((each for each in turns if each <= as_of), default=None)
    return before, min((each for each in turns if each >= as_of), default=None)


def run(catalogue: Catalogue, as_of: datetime) -> list[Diagnostic]:
    """All of it, for accounts that are in memory."""
    every = catalogue.accounts.values()
    of_accounts = [diagnostic for found in accounts(catalogue, every) for diagnostic in found]
    return [*shared(catalogue), *of_accounts, *whole(Whole(catalogue, tuple(map(facts, every)), as_of))]


def _checked(contexts: Sequence[Context]) -> list[list[Diagnostic]]:
    """What each check says of each context: one check after the other, as accounts are compiled stage by stage."""
    found: list[list[Diagnostic]] = [[] for _ in contexts]
    for check in CHECKS:
        for context, said in zip(contexts, found, strict=True):
            said.extend(check(context))
    return found
