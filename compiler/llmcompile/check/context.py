"""What a check gets: what it is to look at, all that this may refer to, and the instant that counts as now.

The shared files (``llmcompile.yaml``, models, regions) are looked at once, and each account by itself. What a check
needs to know of all accounts together is in their facts, so that an account is read, checked and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from llmcompile.check.facts import Facts
from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.inputs.endpoint import Credential
from llmcompile.link.catalogue import Account, Catalogue, Endpoint, Model, Region


@dataclass(frozen=True, slots=True)
class Context:
    """The shared files, or one account, as the subject of checks. What is not the subject is empty."""

    catalogue: Catalogue
    """What names lead to. Its accounts are nobody's business but the subject's."""
    accounts: tuple[Account, ...] = ()
    regions: tuple[Region, ...] = ()
    models: tuple[Model, ...] = ()
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    """The named ones."""
    owners: tuple[Region | Account, ...] = ()
    """Everyone with endpoints."""

    @classmethod
    def shared(cls, catalogue: Catalogue) -> Context:
        """The shared files."""
        regions, models = tuple(catalogue.regions.values()), tuple(catalogue.models.values())
        return cls(catalogue, (), regions, models, catalogue.project.credentials, regions)

    @classmethod
    def account(cls, catalogue: Catalogue, subject: Account) -> Context:
        """One account."""
        return cls(catalogue, (subject,), owners=(subject,))

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint that is looked at and could be linked."""
        for owner in self.owners:
            yield from owner.endpoints.values()


@dataclass(frozen=True)
class Whole:
    """The whole fleet at an instant: the shared files, and the facts of every account."""

    catalogue: Catalogue
    """Models, regions and the project; accounts are known by their facts alone."""
    accounts: tuple[Facts, ...]
    as_of: datetime
    """Now, UTC. Only these checks know it; no output depends on it."""

    @cached_property
    def served(self) -> dict[str, Place]:
        """Every model that some endpoint serves, with the first place that says so: regions', then accounts'."""
        served = self.catalogue.served()
        for account in self.accounts:
            for code, route in account.served:
                if code not in served:
                    served[code] = Place(account.file, route)
        return served


Check = Callable[[Context], Iterator[Diagnostic]]
WholeCheck = Callable[[Whole], Iterator[Diagnostic]]
