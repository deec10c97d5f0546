"""Access: nobody reaches further than their parent, nor through a fallback or a route group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.account import Restriction
from llmcompile.inputs.model import FALLBACKS
from llmcompile.link.access import EVERYTHING, Grant, account_grant, callable_groups, restricted, team_grant
from llmcompile.link.catalogue import Account, Catalogue


@dataclass(frozen=True, slots=True)
class _Principal:
    """Someone who calls: an account, or a team or key that restricts."""

    what: str
    place: Place
    grant: Grant
    parent: Grant


def _principals(account: Account) -> Iterator[_Principal]:
    place, written = Place(account.file), account.input
    whole = account_grant(written)
    if written.access:
        yield _Principal(f"account '{account.id}'", place / "access", whole, EVERYTHING)
    for name, team in written.teams.items():
        if team.mode == "restrict":
            yield _Principal(f"team '{name}'", place / "teams" / name, restricted(team, whole), whole)
    for index, key in enumerate(written.keys):
        if key.mode == "restrict":
            parent = team_grant(written, key.team)
            yield _Principal(f"key '{key.id}'", place / "keys" / index, restricted(key, parent), parent)


def teams(context: Context) -> Iterator[Diagnostic]:
    """A team has nothing that its account does not have."""
    for account in context.catalogue.accounts.values():
        parent = account_grant(account.input)
        groups, declared = callable_groups(context.catalogue, account), _declared(context.catalogue, account)
        for name, team in account.input.teams.items():
            place = Place(account.file) / "teams" / name
            above = Related(Place(account.file, ("access",)), "the account's access")
            yield from _wider("access-team", f"team '{name}'", team, place, parent, groups, declared, above)


def keys(context: Context) -> Iterator[Diagnostic]:
    """A key has nothing that its team, or without one its account, does not have."""
    for account in context.catalogue.accounts.values():
        groups, declared = callable_groups(context.catalogue, account), _declared(context.catalogue, account)
        for index, key in enumerate(account.input.keys):
            parent = team_grant(account.input, key.team)
            route = ("teams", key.team) if key.team else ("access",)
            above = Related(Place(account.file, route), "its team" if key.team else "the account's access")
            place = Place(account.file, ("keys", index))
            yield from _wider("access-key", f"key '{key.id}'", key, place, parent, groups, declared, above)


def _declared(catalogue: Catalogue, account: Account) -> frozenset[str]:
    """Every access group that exists for the account; what does not is reported as unknown, once."""
    if not any(each.groups for each in (*account.input.teams.values(), *account.input.keys)):
        return frozenset()
    groups = callable_groups(catalogue, account)
    return frozenset(catalogue.project.access_groups).union(*groups.values())


def _wider(
    code: str,
    who: str,
    written: Restriction,
    place: Place,
    parent: Grant,
    groups: Mapping[str, frozenset[str]],
    declared: frozenset[str],
    above: Related,
) -> Iterator[Diagnostic]:
    for index, group in enumerate(written.groups):
        if group in declared and not parent.gives_group(group):
            message = f"{who} has the access group '{group}', which its parent does not have"
            hint = "remove it here, or grant it to the parent"
            yield Diagnostic(code, message, place / "groups" / index, hint, (above,))
    for index, name in enumerate(written.models):
        if name in groups and not parent.gives(name, groups):
            message = f"{who} may call '{name}', which its parent may not"
            hint = "remove it here, or grant it to the parent"
            yield Diagnostic(code, message, place / "models" / index, hint, (above,))


def through_fallbacks(context: Context) -> Iterator[Diagnostic]:
    """No fallback of a model that someone may call gives a model that they may not."""
    catalogue = context.catalogue
    for account in catalogue.accounts.values():
        groups = callable_groups(catalogue, account)
        reachable = catalogue.reachable(account)
        for principal in _principals(account):
            for code in sorted(reachable):
                if code in catalogue.models and principal.grant.gives(code, groups):
                    yield from _gained(catalogue, principal, code, reachable, groups)


def _gained(
    catalogue: Catalogue,
    principal: _Principal,
    code: str,
    reachable: frozenset[str],
    groups: Mapping[str, frozenset[str]],
) -> Iterator[Diagnostic]:
    model = catalogue.models[code]
    for field in FALLBACKS:
        for index, target in enumerate(getattr(model.input, field)):
            # What could not be loaded is said there, what the parent may not call either is said at the parent.
            if target not in reachable or target not in catalogue.models or principal.grant.gives(target, groups):
                continue
            if not principal.parent.gives(target, groups):
                continue
            yield Diagnostic(
                "access-fallback",
                f"{principal.what} may call '{code}', whose fallback '{target}' it may not",
                principal.place.key(),
                f"grant '{target}' too, or do not grant '{code}'",
                (Related(Place(model.file, (field, index)), "the fallback"),),
            )


def through_route_groups(context: Context) -> Iterator[Diagnostic]:
    """No route group that someone may call gives a model that they may not."""
    for account in context.catalogue.accounts.values():
        groups = callable_groups(context.catalogue, account)
        for principal in _principals(account):
            for name, group in account.input.route_groups.items():
                if not principal.grant.gives(name, groups):
                    continue
                for index, member in enumerate(group.members):
                    gained = member.model in groups and not principal.grant.gives(member.model, groups)
                    if gained and principal.parent.gives(member.model, groups):
                        place = Place(account.file, ("route_groups", name, "members", index, "model"))
                        yield Diagnostic(
                            "access-route-group",
                            f"{principal.what} may call '{name}', whose member '{member.model}' it may not",
                            principal.place.key(),
                            f"grant '{member.model}' too, or do not grant '{name}'",
                            (Related(place, "the member"),),
                        )
