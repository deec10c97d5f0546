"""Limits: a fallback can do what it stands in for, documents fit where they go, tiers limit someone.

The checks decide it; this counts what they cover, and says how much room is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmcompile.emit.canonical import compact
from llmcompile.emit.contract import MAX_SECRET_BYTES, RESERVED_BYTES, size
from llmcompile.emit.documents import Document, Made
from llmcompile.inputs.model import FALLBACKS
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Finding, Look, Outcome, Proof

_REF = re.compile(rb'"(ref\+[ !#-\[\]-~]*)"')
_SHOWN = 3
"""Contributors to a document's size that are listed."""


def look(ground: Ground) -> Look:
    """How many documents there are, and each that is larger than all of its kind that were looked at before it."""
    most: dict[str, int] = {}
    return lambda subject: (len(subject.made), tuple(_larger(subject.made, most)))


def tell(ground: Ground, findings: Sequence[Finding]) -> Outcome:
    """The fallbacks and documents that there are, and the largest document of each kind, of equals the first."""
    models = ground.catalogue.models.values()
    fallbacks = sum(len(getattr(model.input, field)) for model in models for field in FALLBACKS)
    documents = len(ground.made) + sum(count for count, _ in findings)
    largest: dict[str, tuple[int, str]] = {}
    for larger in (tuple(_larger(ground.made, {})), *(larger for _, larger in findings)):
        for kind, room, said in larger:
            if room > largest.get(kind, (0, ""))[0]:
                largest[kind] = room, said
    says = f"holds for {fallbacks:,} fallback{'s' if fallbacks != 1 else ''} and {documents:,} documents"
    details = tuple(said for _, said in largest.values())
    return Outcome(fallbacks + documents, "fallbacks and documents", (), says, details)


def _larger(made: Iterable[Made], most: dict[str, int]) -> Iterator[tuple[str, int, str]]:
    """The kind, size and description of each that is larger than the ``most`` so far, which then is its own size."""
    for each in made:
        document, least = each.document, most.get(each.document.kind, 0)
        if not document.content or _at_most(each.encoded) <= least:
            continue  # nearly always; the exact sum walks the whole document
        room = size(document, each.encoded)
        if room > least:
            most[document.kind] = room
            yield document.kind, room, _sizes(room, document)


def _at_most(encoded: bytes) -> int:
    """No less than the bytes that it takes in a store: a ref that is plain text is as long as it looks."""
    plain = _REF.findall(encoded)
    reserved = sum(max(0, RESERVED_BYTES - len(each)) for each in plain)
    return len(encoded) + reserved + (encoded.count(b"ref+") - len(plain)) * RESERVED_BYTES


def _sizes(room: int, document: Document) -> str:
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
    look,
    tell,
)
