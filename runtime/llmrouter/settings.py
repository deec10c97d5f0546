"""What an operator may tune; everything else is in the documents."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmrouter.upstream import TimeLimits


@dataclass(frozen=True, slots=True)
class Settings:
    """The router's own knobs."""

    limits: TimeLimits = field(default_factory=TimeLimits)
    max_body: int = 32 << 20
    """Bytes of a request body."""
    region: str | None = None
    """Where this router runs; for logs and /readyz."""
