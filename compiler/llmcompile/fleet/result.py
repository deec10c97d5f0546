"""What ``check`` and ``build`` say of a fleet, without what it consists of. Imports nothing that takes time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcompile.diagnostics import Diagnostic, has_errors

if TYPE_CHECKING:
    from llmcompile.emit.dist import Entry
    from llmcompile.prove.outcome import Proven


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a repository comes to, without what it consists of."""

    scope: str
    """What was looked at, as the start of a sentence."""
    diagnostics: tuple[Diagnostic, ...]
    entries: tuple[Entry, ...] = ()
    """The manifest's, of what was written; of no use where there are errors."""
    proofs: tuple[Proven, ...] = ()
    """Empty unless they were asked for."""
    files: tuple[str, ...] = ()
    """What was looked at and could be loaded; of no use where everything was known already."""

    @property
    def failed(self) -> bool:
        """Whether anything stops the build."""
        return has_errors(self.diagnostics)
