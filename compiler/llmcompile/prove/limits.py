"""Limits: a fallback can do what it stands in for, documents fit where they go, tiers limit someone.

The checks decide it; this counts what they cover, and says how much room is left.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.emit.canonical import compact
from llmcompile.emit.contract import MAX_SECRET_BYTES
from llmcompile.emit.documents import Document
from llmcompile.inputs.model import FALLBACKS
from llmcompile.prove.fleet import Fleet
from llmcompile.prove.outcome import Outcome, Proof

_SHOWN = 3
"""Contributors to a document's size that are listed."""


def prove(fleet: Fleet) -> Outcome:
    """The fallbacks and documents that there are, and the largest document of each kind."""
    models = fleet.catalogue.models.values()
    fallbacks = sum(len(getattr(model.input, field)) for model in models for field in FALLBACKS)
    covered = fallbacks + len(fleet.documents)
    largest: dict[str, tuple[int, Document]] = {}
    for document, room in zip(fleet.documents, fleet.sizes, strict=True):
        if document.content and room > largest.get(document.kind, (0, document))[0]:
            largest[document.kind] = room, document
    says = f"holds for {fallbacks:,} fallback{'s' if fallbacks != 1 else ''} and {len(fleet.documents):,} documents"
    return Outcome(covered, "fallbacks and documents", (), says, tuple(_sizes(each) for each in largest.values()))


def _sizes(largest: tuple[int, Document]) -> str:
    room, document = largest
    free = 100 * (MAX_SECRET_BYTES - room) // MAX_SECRET_BYTES
    parts = ", ".join(f"{name} {count:,}" for name, count in _contributors(document))
    head = f"largest {document.kind}: '{document.owner}' with {room:,} of {MAX_SECRET_BYTES:,} bytes, {free}% free"
    return f"{head}; most of it {parts}" if parts else head


def _contributors(document: Document) -> Iterator[tuple[str, int]]:
    """What takes the most room, two levels deep: an endpoint's or a model's part is what can be moved."""
    sizes: dict[str, int] = {}
    for name, part in document.plain().items():
        nested = document.kind != "CUSTOMER_LLM_CONFIG" and isinstance(part, dict) and part
        for inner, value in part.items() if nested else ((None, part),):
            sizes[f"{name}.{inner}" if inner else name] = len(compact(value))
    yield from sorted(sizes.items(), key=lambda each: (-each[1], each[0]))[:_SHOWN]


PROOF = Proof(
    "limits",
    "fallbacks keep type, realtime and batch ability, documents fit into secrets, no tier limits nothing",
    ("fallback-type", "fallback-batch", "route-type", "document-too-large", "tier-unreachable"),
    prove,
)
