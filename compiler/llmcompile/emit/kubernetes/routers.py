"""The routers of a fleet, one for each account in each of its regions, and what they are called in a cluster.

A region is a cluster, and an account is a namespace in it. What is inside of a namespace has the same names everywhere,
so that one patch fits all. Two accounts never share a namespace: the check ``name-collision`` refuses ids that differ
in ``-`` and ``_`` alone, and the ids' own rules leave room for the prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmcompile.link.catalogue import Catalogue
from llmcompile.secret_ids import Kind, secret_id

NAMESPACE_PREFIX = "llm-"
"""Keeps accounts apart from a cluster's own namespaces: an account may be called ``default`` or ``kube-system``."""
SYNC_ACCOUNT = "secret-reader"
"""The service account whose rights the sync uses. The pods run as another one, which has none."""


def namespace(account: str) -> str:
    """The namespace of an account: a label by RFC 1123, at most 56 characters."""
    return NAMESPACE_PREFIX + account.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Router:
    """One router: an account in a region."""

    account: str
    region: str
    has_keys: bool
    """Whether callers show a key. Without keys a router refuses to listen beyond loopback, unless told otherwise."""

    @property
    def path(self) -> str:
        """Its folder below the target's."""
        return f"{self.region}/{self.account}"

    @property
    def namespace(self) -> str:
        """Its namespace in the region's cluster."""
        return namespace(self.account)

    @property
    def secrets(self) -> dict[Kind, str]:
        """The ids of its secrets in the store, by the variable that its documents are read from."""
        return {
            "CUSTOMER_LLM_CONFIG": secret_id("CUSTOMER_LLM_CONFIG", self.account),
            "PROVISIONED_OPENAI_CONFIG": secret_id("PROVISIONED_OPENAI_CONFIG", self.region),
            "ROUTER_POLICY": secret_id("ROUTER_POLICY", self.account),
        }


def routers(catalogue: Catalogue) -> tuple[Router, ...]:
    """Every router of the fleet, by region, then by account."""
    return tuple(sorted(_routers(catalogue), key=lambda each: (each.region, each.account)))


def _routers(catalogue: Catalogue) -> Iterator[Router]:
    for account in catalogue.accounts.values():
        for region in account.input.all_regions:
            yield Router(account.id, region, bool(account.input.keys))
