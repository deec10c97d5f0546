"""What a check gets: what it is to look at, all that this may refer to, and the instant that counts as now.

The shared files (``llmcompile.yaml``, models, regions) are looked at once, and each account by itself. What a check
needs to know of all accounts together is in their facts, so that an account is read, checked and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from llmcompile.check.facts import Facts
from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.inputs.endpoint import Credential
from llmcompile.link.catalogue import Account, Catalogue, Endpoint, Model, Region


@dataclass(frozen=True, slots=True)
class Context:
    """The shared files, or one account, as the subject of checks."""

    catalogue: Catalogue
    """What names lead to. Its accounts are nobody's business but the subject's."""
    subject: Account | None = None
    """The account to look at; None: the shared files."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The account, if one is looked at."""
        return () if self.subject is None else (self.subject,)

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions, if the shared files are looked at."""
        return () if self.subject else tuple(self.catalogue.regions.values())

    @property
    def models(self) -> tuple[Model, ...]:
        """The models, if the shared files are looked at."""
        return () if self.subject else tuple(self.catalogue.models.values())

    @property
    def credentials(self) -> Mapping[str, Credential]:
        """The named credentials, if the shared files are looked at."""
        return {} if self.subject else self.catalogue.project.credentials

    @property
    def owners(self) -> tuple[Region | Account, ...]:
        """Everyone with endpoints who is looked at."""
        return (*self.regions, *self.accounts)

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
