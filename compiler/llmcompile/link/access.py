"""Who may call what: grants of accounts, teams and keys. Never about routing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmcompile.inputs.account import Access, Key, Restriction
from llmcompile.inputs.account import Account as AccountInput
from llmcompile.link.catalogue import Account, Catalogue


@dataclass(frozen=True, slots=True)
class Grant:
    """What someone was given. None in both: everything."""

    groups: frozenset[str] | None = None
    names: frozenset[str] | None = None

    @classmethod
    def of(cls, written: Access | Restriction) -> Grant:
        """The grant that an account's ``access`` or a restriction stands for."""
        return cls(frozenset(written.groups), frozenset(written.models))

    def gives_group(self, group: str) -> bool:
        """Whether a group was given."""
        return self.groups is None or group in self.groups

    def gives(self, name: str, groups: Mapping[str, frozenset[str]]) -> bool:
        """Whether a model or route group may be called, given the groups that each carries."""
        if self.groups is None or self.names is None:
            return True
        return name in self.names or not self.groups.isdisjoint(groups.get(name, frozenset()))


EVERYTHING = Grant()


def account_grant(account: AccountInput) -> Grant:
    """What an account was given."""
    return Grant.of(account.access) if account.access else EVERYTHING


def restricted(written: Restriction, parent: Grant) -> Grant:
    """What a team or key was given below its parent."""
    return Grant.of(written) if written.mode == "restrict" else parent


def team_grant(account: AccountInput, team: str | None) -> Grant:
    """What a team was given; without a team, the account."""
    parent = account_grant(account)
    return restricted(account.teams[team], parent) if team in account.teams else parent


def key_grant(account: AccountInput, key: Key) -> Grant:
    """What a key was given."""
    return restricted(key, team_grant(account, key.team))


def callable_groups(catalogue: Catalogue, account: Account) -> Mapping[str, frozenset[str]]:
    """Access groups by callable name: every model, and the account's route groups."""
    if not account.input.route_groups:
        return catalogue.model_groups
    own = {name: frozenset(group.access_groups) for name, group in account.input.route_groups.items()}
    return {**catalogue.model_groups, **own}


def allowed(grant: Grant, names: Iterable[str], groups: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The names among these that a grant gives, sorted."""
    return tuple(sorted(name for name in names if grant.gives(name, groups)))
