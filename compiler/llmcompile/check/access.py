"""Access: nobody reaches further than their parent, nor through a fallback or a route group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.account import Restriction
from llmcompile.inputs.model import FALLBACKS
from llmcompile.link.access import EVERYTHING, Grant, account_grant, callable_groups, team_grant
from llmcompile.link.catalogue import Account, Catalogue


@dataclass(frozen=True, slots=True)
class _Principal:
    """Someone who calls: an account, or a team or key that restricts."""

    what: str
    place: Place
    grant: Grant
    parent: Grant


@dataclass(frozen=True, slots=True)
class _Restricted(_Principal):
    """A team or key with lists of its own, which its parent bounds."""

    code: str
    written: Restriction
    above: Related


def _principals(account: Account) -> Iterator[_Principal]:
    if account.input.access:
        place = Place(account.file) / "access"
        yield _Principal(f"account '{account.id}'", place, account_grant(account.input), EVERYTHING)
    yield from _restricted(account)


def _restricted(account: Account) -> Iterator[_Restricted]:
    place, written = Place(account.file), account.input
    whole, above = account_grant(written), Related(place / "access", "the account's access")
    for name, team in written.teams.items():
        if team.mode == "restrict":
            at, grant = place / "teams" / name, Grant.of(team)
            yield _Restricted(f"team '{name}'", at, grant, whole, "access-team", team, above)
    for index, key in enumerate(written.keys):
        if key.mode == "restrict":
            parent = team_grant(written, key.team)
            at, grant = place / "keys" / index, Grant.of(key)
            team_above = Related(place / "teams" / key.team, "its team") if key.team else above
            yield _Restricted(f"key '{key.id}'", at, grant, parent, "access-key", key, team_above)


def wider(context: Context) -> Iterator[Diagnostic]:
    """A team has nothing that its account does not have, a key nothing that its team or account does not."""
    for account in context.accounts:
        if not (account.input.teams or account.input.keys):
            continue
        groups = callable_groups(context.catalogue, account)
        for child in _restricted(account):
            yield from _wider(context.catalogue, child, groups)


def _wider(catalogue: Catalogue, child: _Restricted, groups: Mapping[str, frozenset[str]]) -> Iterator[Diagnostic]:
    hint = "remove it here, or grant it to the parent"
    for index, group in enumerate(child.written.groups):
        if not child.parent.gives_group(group) and _declared(catalogue, group, groups):
            message = f"{child.what} has the access group '{group}', which its parent does not have"
            yield Diagnostic(child.code, message, child.place / "groups" / index, hint, (child.above,))
    for index, name in enumerate(child.written.models):
        if name in groups and not child.parent.gives(name, groups):
            message = f"{child.what} may call '{name}', which its parent may not"
            yield Diagnostic(child.code, message, child.place / "models" / index, hint, (child.above,))


def _declared(catalogue: Catalogue, group: str, groups: Mapping[str, frozenset[str]]) -> bool:
    """Whether an access group exists; one that does not is reported as unknown, once."""
    return group in catalogue.project.access_groups or any(group in carried for carried in groups.values())


def through_fallbacks(context: Context) -> Iterator[Diagnostic]:
    """No fallback of a model that someone may call gives a model that they may not."""
    catalogue = context.catalogue
    for account in context.accounts if catalogue.falling else ():
        groups = callable_groups(catalogue, account)
        reachable = catalogue.reachable(account)
        falling = sorted(reachable & catalogue.falling)
        for principal in _principals(account) if falling else ():
            for code in falling:
                if principal.grant.gives(code, groups):
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
                (
                    Related(Place(model.file, (field, index)), "the fallback"),
                    Related(Place(catalogue.models[target].file, ("access_groups",)), "who may call it"),
                ),
            )


def through_route_groups(context: Context) -> Iterator[Diagnostic]:
    """No route group that someone may call gives a model that they may not."""
    for account in context.accounts:
        groups = callable_groups(context.catalogue, account)
        for principal in _principals(account) if account.input.route_groups else ():
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
                            (
                                Related(place, "the member"),
                                Related(Place(context.catalogue.models[member.model].file, ("code",)), "the model"),
                            ),
                        )
