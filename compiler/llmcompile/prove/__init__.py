"""Proofs over the whole fleet: one small file each, listed here by hand.

All are tried where ``check --proofs`` asks for them. The gates are tried wherever the YAML demands something of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from llmcompile.diagnostics import Diagnostic
from llmcompile.emit.documents import Document
from llmcompile.link.catalogue import Catalogue
from llmcompile.prove import access, limits, prices, reachability, residency, survival
from llmcompile.prove.fleet import survey
from llmcompile.prove.outcome import Proof, Proven, tried

PROOFS: tuple[Proof, ...] = (
    reachability.PROOF,
    survival.PROOF,
    prices.PROOF,
    access.PROOF,
    residency.PROOF,
    limits.PROOF,
)


def run(
    proofs: Iterable[Proof],
    catalogue: Catalogue,
    as_of: datetime,
    documents: Sequence[Document],
    sizes: Sequence[int],
    found: Iterable[Diagnostic],
) -> list[Proven]:
    """The proofs tried; without documents, which errors prevent, only what the checks ``found`` is known.

    ``sizes`` are the bytes that each document takes in a store.
    """
    fleet = survey(catalogue, as_of, documents, sizes=sizes) if documents else None
    said = list(found)
    return [tried(each, fleet, said) for each in proofs]


def gates(catalogue: Catalogue, as_of: datetime, documents: Sequence[Document]) -> list[Diagnostic]:
    """The counter-examples of what the YAML itself demands, by ``survive`` and ``residency``."""
    asking = {account.id: account for account in (*survival.gated(catalogue), *residency.gated(catalogue))}
    fleet = survey(catalogue, as_of, documents, accounts=asking.values())
    return [each for proof in (survival.PROOF, residency.PROOF) for each in proof.prove(fleet).counter_examples]
