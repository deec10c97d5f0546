"""References: every name leads to something that is declared, and the hint says which was meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Fix, Place
from llmcompile.inputs.account import Access, Restriction
from llmcompile.inputs.account import Account as AccountInput
from llmcompile.inputs.model import FALLBACKS
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.literals import quote
from llmcompile.load.root import PROJECT_FILE
from llmcompile.providers import split_prefix
from llmcompile.suggest import did_you_mean, fix_for, nearest_declared


def regions(context: Context) -> Iterator[Diagnostic]:
    """Every region of an account has a file."""
    catalogue = context.catalogue
    for account in context.accounts:
        for index, region in enumerate(account.input.all_regions):
            if region not in catalogue.regions and region not in catalogue.broken_regions:
                route = ("regions", index) if account.input.regions else ("region",)
                hint = did_you_mean(region, catalogue.regions, f"add regions/{region}.yaml")
                message = f"account '{account.id}' is in a region without a file: {quote(region)}"
                fix = fix_for(region, catalogue.regions)
                yield Diagnostic("region-unknown", message, Place(account.file, route), hint, fix=fix)


def tiers(context: Context) -> Iterator[Diagnostic]:
    """Every tier is declared in the project file."""
    known = context.catalogue.project.tiers
    for account in context.accounts:
        named = [(account.input.tier, Place(account.file, ("tier",)))]
        named += [(key.tier, Place(account.file, ("keys", at, "tier"))) for at, key in enumerate(account.input.keys)]
        for tier, place in named:
            if tier is not None and tier not in known:
                hint = did_you_mean(tier, known, f"declare it under tiers: in {PROJECT_FILE}")
                near = nearest_declared(tier, known, Place(PROJECT_FILE, ("tiers",)))
                yield Diagnostic("tier-unknown", f"no tier {quote(tier)}", place, hint, near, fix_for(tier, known))


def teams(context: Context) -> Iterator[Diagnostic]:
    """Every key's team is declared in its account."""
    for account in context.accounts:
        for index, key in enumerate(account.input.keys):
            if key.team is not None and key.team not in account.input.teams:
                hint = did_you_mean(key.team, account.input.teams, "declare it under teams:")
                place = Place(account.file, ("keys", index, "team"))
                fix = fix_for(key.team, account.input.teams)
                near = nearest_declared(key.team, account.input.teams, Place(account.file, ("teams",)))
                yield Diagnostic("team-unknown", f"no team {quote(key.team)} in this account", place, hint, near, fix)


def served_models(context: Context) -> Iterator[Diagnostic]:
    """Every model that an endpoint or a region lists is in the catalogue."""
    catalogue = context.catalogue
    for account in context.accounts:
        for name, written in account.input.endpoints.items():
            mapped = isinstance(written.supported_models, dict)
            for index, listed in enumerate(written.supported_models):
                if not catalogue.knows_model(split_prefix(listed)[1]):
                    place = Place(account.file, ("endpoints", name, "supported_models", listed if mapped else index))
                    at = place.key() if mapped else place
                    yield _unknown_model(catalogue, f"account '{account.id}' lists", listed, at)
    for region in context.regions:
        for listed in region.input.models:
            if not catalogue.knows_model(split_prefix(listed)[1]):
                place = Place(region.file, ("models", listed), "key")
                yield _unknown_model(catalogue, f"region '{region.input.region}' lists", listed, place)
        for name, endpoint in region.input.endpoints.items():
            for listed in endpoint.models:
                if not catalogue.knows_model(split_prefix(listed)[1]):
                    place = Place(region.file, ("endpoints", name, "models", listed), "key")
                    yield _unknown_model(catalogue, f"endpoint '{name}' lists", listed, place)


def _unknown_model(catalogue: Catalogue, who: str, listed: str, place: Place) -> Diagnostic:
    code = split_prefix(listed)[1]
    hint = did_you_mean(code, catalogue.models, "add it under models/")
    hint = f"put a comma between two: '{', '.join(listed.split())}'" if " " in listed.strip() else hint
    message = f"{who} a model that is not in the catalogue: {quote(listed)}"
    fix = fix_for(code, catalogue.models)
    fix = fix and Fix(listed.removesuffix(code) + str(fix.value))
    return Diagnostic("model-unknown", message, place, hint, fix=fix)


def granted_names(context: Context) -> Iterator[Diagnostic]:
    """Every single model or route group that is granted exists."""
    catalogue = context.catalogue
    for account in context.accounts:
        for place, granted in _grants(account.file, account.input):
            for index, name in enumerate(granted.models):
                if name not in account.input.route_groups and not catalogue.knows_model(name):
                    known = [*catalogue.models, *account.input.route_groups]
                    hint = did_you_mean(name, known, "add it under models/, or as a route group")
                    message = f"no model or route group {quote(name)} to grant"
                    yield Diagnostic("model-unknown", message, place / "models" / index, hint, fix=fix_for(name, known))


def _grants(file: str, account: AccountInput) -> Iterator[tuple[Place, Access | Restriction]]:
    place = Place(file)
    if account.access:
        yield place / "access", account.access
    for name, team in account.teams.items():
        yield place / "teams" / name, team
    for index, key in enumerate(account.keys):
        yield place / "keys" / index, key


def groups(context: Context) -> Iterator[Diagnostic]:
    """Every granted access group is carried by a model, or at least declared."""
    catalogue = context.catalogue
    carried = frozenset().union(*catalogue.model_groups.values())
    for account in context.accounts:
        own = {each for group in account.input.route_groups.values() for each in group.access_groups}
        for place, granted in _grants(account.file, account.input):
            for index, group in enumerate(granted.groups):
                if group not in carried and group not in own:
                    known = {*carried, *own, *catalogue.project.access_groups}
                    yield from _group(catalogue, group, place / "groups" / index, known)


def _group(catalogue: Catalogue, group: str, place: Place, known: Collection[str]) -> Iterator[Diagnostic]:
    if group in catalogue.project.access_groups:
        yield Diagnostic("group-empty", f"no model carries the access group '{group}' yet", place)
    elif not catalogue.broken_models:
        hint = did_you_mean(group, known, f"add it to a model, or declare it under access_groups: in {PROJECT_FILE}")
        message = f"nothing declares the access group {quote(group)}"
        yield Diagnostic("group-unknown", message, place, hint, fix=fix_for(group, known))


def fallbacks(context: Context) -> Iterator[Diagnostic]:
    """Every fallback leads to a model of the catalogue."""
    for model in context.models:
        for field in FALLBACKS:
            for index, code in enumerate(getattr(model.input, field)):
                if not context.catalogue.knows_model(code):
                    hint = did_you_mean(code, context.catalogue.models, "add it under models/, or remove it here")
                    message = f"a fallback to a model that is not in the catalogue: {quote(code)}"
                    fix = fix_for(code, context.catalogue.models)
                    yield Diagnostic("fallback-unknown", message, Place(model.file, (field, index)), hint, fix=fix)


def region_endpoints(context: Context) -> Iterator[Diagnostic]:
    """Every endpoint that a region's model names is declared there."""
    for region in context.regions:
        for model, names in region.input.models.items():
            for index, name in enumerate(names):
                if name not in region.input.endpoints:
                    hint = did_you_mean(name, region.input.endpoints, "declare it under endpoints:")
                    place = Place(region.file, ("models", model, index))
                    message = f"no endpoint {quote(name)} in this region"
                    fix = fix_for(name, region.input.endpoints)
                    near = nearest_declared(name, region.input.endpoints, Place(region.file, ("endpoints",)))
                    yield Diagnostic("endpoint-unknown", message, place, hint, near, fix)


def members(context: Context) -> Iterator[Diagnostic]:
    """Every member of a route group is a model, and its endpoint serves it."""
    for account in context.accounts:
        for name, group in account.input.route_groups.items():
            for index, member in enumerate(group.members):
                place = Place(account.file, ("route_groups", name, "members", index))
                if not context.catalogue.knows_model(split_prefix(member.model)[1]):
                    who = f"route group '{name}' lists"
                    yield _unknown_model(context.catalogue, who, member.model, place / "model")
                if member.endpoint:
                    yield from _member_endpoint(context.catalogue, account, member.model, member.endpoint, place)


def _member_endpoint(
    catalogue: Catalogue, account: Account, model: str, endpoint: str, place: Place
) -> Iterator[Diagnostic]:
    serving = {each.name for each in account.endpoints.values() if model in each.codes}
    if account.input.source in ("auto", "platform"):
        for region in account.input.all_regions:
            platform = catalogue.regions[region].endpoints if region in catalogue.regions else {}
            serving |= {each.name for each in platform.values() if model in each.codes}
    declared = endpoint in account.input.endpoints or any(
        endpoint in each.input.endpoints for each in catalogue.regions.values()
    )
    if endpoint not in serving and catalogue.knows_model(model):
        lack = "does not serve" if declared else "is not declared; it cannot serve"
        message = f"endpoint {quote(endpoint)} {lack} {quote(model)}"
        hint = did_you_mean(endpoint, serving, f"one of {', '.join(sorted(serving))}" if serving else "")
        fix = None if declared else fix_for(endpoint, serving)
        yield Diagnostic("endpoint-unknown", message, place / "endpoint", hint, fix=fix)
