"""A plan's two sides: what a store holds, and what git wants it to hold. Values are compared, and never shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from llmcompile.diff.answers import by_fingerprint
from llmcompile.diff.impact import Impact, impact
from llmcompile.diff.sides import Side
from llmcompile.link.catalogue import Catalogue
from llmcompile.push.look import Seen
from llmcompile.secret_ids import Kind
from llmrouter.documents import parse
from llmrouter.reader import DocumentError


def impact_on(seen: Iterable[Seen], catalogue: Catalogue) -> Impact:
    """Which decisions a push would change.

    Asked of accounts that have documents in the store and in git: one that comes or leaves is a fact of its own, and
    in which regions it was, no store says. What a router would refuse to read counts as not there.
    """
    old: dict[tuple[Kind, str], bytes] = {}
    new: dict[tuple[Kind, str], bytes] = {}
    for each in seen:
        stored = each.newest.payload if each.newest else None
        if each.wanted is None or stored is None:
            continue
        new[each.kind, each.owner] = each.wanted.data
        if each.equal or _readable(each.kind, stored):
            old[each.kind, each.owner] = stored
    regions = {each.id: each.input.all_regions for each in catalogue.accounts.values() if _whole(each.id, old)}
    before = Side(old, regions, {})
    return impact(before, replace(before, documents=new), by_fingerprint)


def _whole(account: str, documents: dict[tuple[Kind, str], bytes]) -> bool:
    kinds: tuple[Kind, ...] = ("CUSTOMER_LLM_CONFIG", "ROUTER_POLICY")
    return all((kind, account) in documents for kind in kinds)


def _readable(kind: Kind, payload: bytes) -> bool:
    """Whether a router would take it."""
    try:
        if kind == "PROVISIONED_OPENAI_CONFIG":
            parse(None, payload, None)
        elif kind == "CUSTOMER_LLM_CONFIG":
            parse(payload, None, None)
        else:
            parse(b"{}", None, payload)
    except DocumentError:
        return False
    return True
