"""Grants that give nothing: restrictions without lists, and models and groups that nobody was given."""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.inputs.account import Restriction
from llmcompile.providers import split_prefix
from llmcompile.suggest import fix_for


def empty(context: Context) -> Iterator[Diagnostic]:
    """Whoever is given something is given at least one thing."""
    hint = "list groups or models, or remove it"
    for account in context.accounts:
        place, written = Place(account.file), account.input
        if written.access and not (written.access.groups or written.access.models):
            message = f"account '{account.id}' may call nothing"
            yield Diagnostic("access-empty", message, (place / "access").key(), hint)
        restricted: list[tuple[str, Place, Restriction]] = []
        restricted += [(f"team '{name}'", place / "teams" / name, team) for name, team in written.teams.items()]
        restricted += [(f"key '{key.id}'", place / "keys" / at, key) for at, key in enumerate(written.keys)]
        for who, at, each in restricted:
            if each.mode == "restrict" and not (each.groups or each.models):
                yield Diagnostic("access-empty", f"{who} is restricted to nothing", at / "mode", hint)


def misspelled(whole: Whole) -> Iterator[Diagnostic]:
    """No model carries a group that nobody has and that is a letter away from one that somebody has."""
    declared = whole.catalogue.project.access_groups.keys()
    # What others carry or the project declares is spelled as it is meant; a grant of anything else is said there.
    carried = [group for groups in whole.catalogue.model_groups.values() for group in groups]
    several = {each for each in carried if carried.count(each) > 1}
    given = frozenset[str]().union(*(each.groups for each in whole.accounts))
    granted = {*declared, *(several & given)}
    for model in whole.catalogue.models.values():
        for index, group in enumerate(model.input.access_groups):
            fix = fix_for(group, granted, closed=True) if group not in granted else None
            if fix:
                message = f"nobody has the access group '{group}', and it is a letter away from '{fix.value}'"
                place = Place(model.file, ("access_groups", index))
                yield Diagnostic("group-unlikely", message, place, f"did you mean '{fix.value}'?")


def ungranted(whole: Whole) -> Iterator[Diagnostic]:
    """A model without access groups that the platform serves to accounts is granted to one of them by name."""
    asked: dict[str, bool] = {}
    groups = whole.catalogue.model_groups
    for name, region in whole.catalogue.regions.items():
        there = [each.grant for each in whole.accounts if name in each.platform]
        for listed in region.input.models if there else ():
            code = split_prefix(listed)[1]
            asked[code] = asked.get(code, False) or any(grant.gives(code, groups) for grant in there)
    for code, given in sorted(asked.items()):
        known = code in whole.catalogue.models and not whole.catalogue.broken_accounts
        if not given and known and not groups[code] and any(groups.values()):
            message = f"the platform serves '{code}', and no account may call it"
            place = Place(whole.catalogue.models[code].file, ("code",))
            yield Diagnostic("model-ungranted", message, place, "give it an access group that is granted")
