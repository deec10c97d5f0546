"""The checks: one function each, listed here by hand. They see the catalogue and speak in routes."""

from __future__ import annotations

from llmcompile.check import (
    access,
    endpoints,
    former,
    lifetimes,
    limits,
    names,
    price_units,
    prices_sanity,
    pricing,
    references,
    routing,
    settings,
)
from llmcompile.check.context import Check, Context
from llmcompile.diagnostics import Diagnostic

CHECKS: tuple[Check, ...] = (
    names.stems,
    names.collisions,
    names.route_group_names,
    names.key_duplicates,
    former.taken,
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
    pricing.missing,
    price_units.dropped,
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
    routing.cycles,
    routing.fallback_types,
    routing.member_types,
    routing.unused,
    limits.fallback_batches,
    limits.unreachable_tiers,
    limits.unused_tiers,
    lifetimes.past,
    settings.batch_inputs,
    settings.chat_batching,
    settings.stores,
)


def run(context: Context) -> list[Diagnostic]:
    """What all checks say."""
    return [diagnostic for check in CHECKS for diagnostic in check(context)]
