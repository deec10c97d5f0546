"""What a proof looks at: an account in each of its regions, with the router that it gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmcompile.diagnostics import Place
from llmcompile.emit.documents import Made
from llmcompile.link.catalogue import Account, Endpoint, Region
from llmcompile.prove.router import Router


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who calls: a key, or the account where it has none."""

    account: Account
    allowed: frozenset[str]
    key: int | None
    """The key's position in the account."""

    @property
    def what(self) -> str:
        """Who it is, in words."""
        account = f"account '{self.account.id}'"
        return account if self.key is None else f"key '{self.account.input.keys[self.key].id}' of {account}"

    @property
    def place(self) -> Place:
        """Where it is written."""
        return Place(self.account.file, ("account",) if self.key is None else ("keys", self.key, "id"))


@dataclass(frozen=True, slots=True)
class Seat:
    """An account in one of its regions."""

    account: Account
    region: Region
    router: Router
    policy: Mapping[str, Any]
    """The account's ROUTER_POLICY."""
    callers: tuple[Caller, ...]
    """Everyone who may call."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The account's own and then the platform's; a hop's ``at`` is a position here."""
        return (*self.account.endpoints.values(), *self.region.endpoints.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The models and route groups that the account may call, sorted."""
        return tuple(self.policy["allowed"])

    @property
    def place(self) -> Place:
        """Where the account says that it is in the region."""
        regions, name = self.account.input.regions, self.region.input.region
        return Place(self.account.file, ("regions", regions.index(name)) if regions else ("region",))

    def label(self, at: int) -> str:
        """The endpoint as the router names it."""
        side = "tenant" if at < len(self.account.endpoints) else "platform"
        return f"{side}:{self.endpoints[at].name}"


@dataclass(frozen=True, slots=True)
class Subject:
    """An account, as far as a proof may look at it."""

    account: Account
    made: tuple[Made, ...]
    """Its documents."""
    seats: tuple[Seat, ...]
