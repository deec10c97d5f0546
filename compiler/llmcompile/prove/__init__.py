"""Proofs over the whole fleet: one small file each, listed here by hand.

All are tried where ``check --proofs`` asks for them. The gates are tried wherever the YAML demands something of them.
"""

from __future__ import annotations

from llmcompile.prove import access, limits, prices, reachability, residency, survival
from llmcompile.prove.outcome import Proof

PROOFS: tuple[Proof, ...] = (
    reachability.PROOF,
    survival.PROOF,
    prices.PROOF,
    access.PROOF,
    residency.PROOF,
    limits.PROOF,
)
GATES: tuple[Proof, ...] = (survival.PROOF, residency.PROOF)
