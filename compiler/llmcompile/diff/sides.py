"""One side of a comparison: documents as they are read by routers, and which account is in which regions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmcompile.emit.canonical import compact
from llmcompile.emit.documents import Document
from llmcompile.link.catalogue import Catalogue
from llmcompile.secret_ids import Kind
from llmrouter.documents import parse
from llmrouter.snapshot import Snapshot

Documents = Mapping[tuple[Kind, str], bytes]
"""JSON by kind and owner."""


@dataclass(frozen=True, slots=True)
class Side:
    """A fleet before or after a change."""

    documents: Documents = field(repr=False)
    regions: Mapping[str, tuple[str, ...]]
    """An account's regions."""
    previously: Mapping[str, tuple[str, ...]]
    """The ids that an account had before, where it had any."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """The code of a model now, by each that it had before."""

    def seat(self, account: str | None, region: str) -> Seat | None:
        """An account in a region; None where it is not there, or has no documents."""
        if account is None or region not in self.regions.get(account, ()):
            return None
        customer, policy = (self.documents.get((kind, account)) for kind in ("CUSTOMER_LLM_CONFIG", "ROUTER_POLICY"))
        provisioned = self.documents.get(("PROVISIONED_OPENAI_CONFIG", region))
        if customer is None or policy is None or provisioned is None:
            return None
        return Seat(account, customer, provisioned, policy)


@dataclass(frozen=True, slots=True)
class Seat:
    """The three documents of one router."""

    account: str
    customer: bytes = field(repr=False)
    provisioned: bytes = field(repr=False)
    policy: bytes = field(repr=False)

    def _policy(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.policy)
        return data

    def keys(self) -> list[tuple[str, str]]:
        """The id and the hash of each router key, in order."""
        return [(key["id"], key["sha256"]) for key in self._policy()["keys"]]

    def shape(self) -> tuple[bytes, bytes, bytes]:
        """All that is decided by: equal for accounts that differ in names and in the hashes of keys alone."""
        policy = self._policy()
        keys = [{**key, "id": "", "sha256": ""} for key in policy["keys"]]
        return self.customer, self.provisioned, compact({**policy, "account": "", "keys": keys})

    def like(self, other: Seat) -> bool:
        """Whether no decision can differ: the documents are the same, but for the account's own name."""
        if (self.customer, self.provisioned) != (other.customer, other.provisioned):
            return False
        return self.policy == other.policy or (self.shape() == other.shape() and self.keys() == other.keys())

    def snapshot(self) -> Snapshot:
        """The router's picture. Raises the router's ``DocumentError`` for documents that it would refuse."""
        return Snapshot.build(parse(self.customer, self.provisioned, self.policy))


def side_of(catalogue: Catalogue, documents: Iterable[Document]) -> Side:
    """What a repository comes to, with refs in place of secrets."""
    accounts = {each.id: each.input for each in catalogue.accounts.values()}
    return Side(
        {(each.kind, each.owner): compact(each.plain()) for each in documents},
        {name: each.all_regions for name, each in accounts.items()},
        {name: each.previously for name, each in accounts.items() if each.previously},
        {old: code for code, model in catalogue.models.items() for old in model.input.previously},
    )


def pairs(old: Side, new: Side) -> list[tuple[str | None, str | None]]:
    """Every account before and after; one that has another id now is still the same account."""
    before = {
        after: next((each for each in (after, *new.previously.get(after, ())) if each in old.regions), None)
        for after in new.regions
    }
    gone = old.regions.keys() - set(before.values())
    return [*((before[after], after) for after in new.regions), *((each, None) for each in sorted(gone))]
