"""Routing: whatever may be called leads to an endpoint, and fallbacks lead somewhere else of the same kind."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.model import FALLBACKS
from llmcompile.link.catalogue import Account, Catalogue
from llmcompile.providers import split_prefix


def unreachable(context: Context) -> Iterator[Diagnostic]:
    """Every model that is granted by name, or is a route group's member, has an endpoint in each region."""
    for account in context.accounts:
        place = Place(account.file)
        named = [(code, place / "access" / "models" / at) for at, code in _listed(account)]
        for name, group in account.input.route_groups.items():
            steps = place / "route_groups" / name / "members"
            named += [(member.model, steps / at / "model") for at, member in enumerate(group.members)]
        for code, at in named:
            yield from _unreachable(context.catalogue, account, code, at)


def _listed(account: Account) -> list[tuple[int, str]]:
    return list(enumerate(account.input.access.models)) if account.input.access else []


def _unreachable(catalogue: Catalogue, account: Account, code: str, place: Place) -> Iterator[Diagnostic]:
    if code not in catalogue.models:
        return
    own = any(code in endpoint.codes for endpoint in account.endpoints.values())
    source = account.input.source
    if own and source != "platform":
        return
    lacking = list(account.input.all_regions)
    if source in ("auto", "platform"):
        served = catalogue.platform_codes
        lacking = [each for each in lacking if each in served and code not in served[each]]
    if lacking:
        where = f"for account '{account.id}' (source: {source}) in {', '.join(lacking)}"
        hint = "list it on an endpoint, or do not grant it"
        yield Diagnostic("model-unreachable", f"no endpoint serves '{code}' {where}", place, hint)


def empty(context: Context) -> Iterator[Diagnostic]:
    """Nothing that routes is empty."""
    for region in context.regions:
        for model, names in region.input.models.items():
            if not names:
                place = Place(region.file, ("models", model))
                yield Diagnostic("route-empty", f"'{model}' has no endpoint", place, "list one, or remove the model")
    for account in context.accounts:
        place = Place(account.file)
        for name, endpoint in account.input.endpoints.items():
            if not endpoint.supported_models:
                at = place / "endpoints" / name / "supported_models"
                yield Diagnostic("route-empty", f"endpoint '{name}' lists no model", at, "list one, or remove it")
        for name, group in account.input.route_groups.items():
            if not group.members:
                at = place / "route_groups" / name / "members"
                yield Diagnostic("route-empty", f"route group '{name}' has no member", at, "list one, or remove it")
        if account.input.source in ("tenant", "local") and not account.input.endpoints:
            message = f"source {account.input.source} without an endpoint of the account's own"
            yield Diagnostic("route-empty", message, place / "source", "add endpoints:, or write source: platform")


def cycles(whole: Whole) -> Iterator[Diagnostic]:
    """No chain of fallbacks comes back to where it started."""
    catalogue = whole.catalogue
    for field in FALLBACKS:
        edges = {code: list(getattr(catalogue.models[code].input, field)) for code in sorted(catalogue.models)}
        while path := _cycle(edges):
            edges[path[0]].remove(path[1])  # it is said; the next one may lie behind it
            model = catalogue.models[path[0]]
            message = f"{field} lead back: {' -> '.join(path)}"
            place = Place(model.file, (field, getattr(model.input, field).index(path[1])))
            yield Diagnostic("fallback-cycle", message, place, "remove one of them")


def _cycle(edges: dict[str, list[str]]) -> list[str] | None:
    """A path from a model back to itself, from its first name on; None where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found: list[str] = list(reversed(error.args[1]))[:-1]  # it lists predecessors: against the direction
        start = found.index(min(found))
        return [*found[start:], *found[: start + 1]]
    return None


def fallback_types(context: Context) -> Iterator[Diagnostic]:
    """A fallback is of the same type, and as real-time."""
    for model in context.models:
        for field in FALLBACKS:
            for index, code in enumerate(getattr(model.input, field)):
                target = context.catalogue.models.get(code)
                if target and (target.input.type, target.realtime) != (model.input.type, model.realtime):
                    message = f"'{code}' is a model of another kind: {target.input.type}, not {model.input.type}"
                    kind = "type"
                    if target.input.type == model.input.type:
                        message = f"one of '{model.input.code}' and '{code}' is real-time, the other is not"
                        kind = "realtime" if target.realtime else "code"
                    related = (Related(Place(target.file, (kind,)), "its kind"),)
                    hint = "name a model of the same kind"
                    yield Diagnostic("fallback-type", message, Place(model.file, (field, index)), hint, related)


def member_types(context: Context) -> Iterator[Diagnostic]:
    """The members of a route group are of one kind."""
    models = context.catalogue.models
    for account in context.accounts:
        for name, group in account.input.route_groups.items():
            known = [(at, models[each.model]) for at, each in enumerate(group.members) if each.model in models]
            for index, model in known[1:]:
                first = known[0][1]
                if (model.input.type, model.realtime) != (first.input.type, first.realtime):
                    place = Place(account.file, ("route_groups", name, "members", index, "model"))
                    related = (
                        Related(Place(account.file, ("route_groups", name, "members", known[0][0])), "the first"),
                        Related(Place(first.file, ("type",)), "its type"),
                        Related(Place(model.file, ("type",)), "the type here"),
                    )
                    message = f"route group '{name}' mixes {first.input.type} and {model.input.type}"
                    if model.input.type == first.input.type:
                        message = f"route group '{name}' mixes real-time models with others"
                    yield Diagnostic("route-type", message, place, "make a group for each", related)


def unused(context: Context) -> Iterator[Diagnostic]:
    """Every platform endpoint serves something."""
    for region in context.regions:
        used = {name for names in region.input.models.values() for name in names}
        for name, endpoint in region.input.endpoints.items():
            place = Place(region.file, ("endpoints", name))
            # A misspelled name is said where it stands, and is not the endpoint's fault.
            if name not in used and used <= region.input.endpoints.keys():
                hint = "list it under models:, or remove it"
                yield Diagnostic("endpoint-unused", f"no model uses endpoint '{name}'", place.key(), hint)
            codes = {split_prefix(model)[1] for model, names in region.input.models.items() if name in names}
            for renamed in endpoint.models:
                code = split_prefix(renamed)[1]
                if code not in codes and name in used and context.catalogue.knows_model(code):
                    message = f"endpoint '{name}' names '{renamed}', which the region does not serve there"
                    hint = f"list '{name}' for it under models:, or remove it"
                    yield Diagnostic("endpoint-unused", message, (place / "models" / renamed).key(), hint)
    for account in context.accounts:
        if account.input.source == "platform" and account.input.endpoints:
            place = Place(account.file)
            message = "endpoints of its own that source platform never uses"
            related = (Related((place / "endpoints").key(), "its endpoints"),)
            hint = "write source: auto, or remove endpoints"
            yield Diagnostic("endpoint-unused", message, place / "source", hint, related)
