"""What every check gets: the catalogue and the instant that counts as now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from llmcompile.diagnostics import Diagnostic
from llmcompile.link.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Context:
    """The whole fleet at an instant."""

    catalogue: Catalogue
    as_of: datetime
    """Now, UTC. Only checks know it; no output depends on it."""


Check = Callable[[Context], Iterator[Diagnostic]]
