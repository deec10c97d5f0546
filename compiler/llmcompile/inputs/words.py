"""Names that lead somewhere: which of the repository's own words a field takes, for the editor's schemas.

Checks nothing: a name that leads nowhere is for ``check.references``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["model", "served", "callable", "group", "region", "tier", "credential", "provider", "endpoint", "geo"]
"""served: a model as an endpoint lists it, with or without a provider's prefix. callable: a model or a route group."""
KINDS: tuple[Kind, ...] = get_args(Kind)
MARK = "x-word"
"""The key that marks such a field in a schema, until the words take its place."""


@dataclass(frozen=True, slots=True)
class Word:
    """Annotates text that names something of the repository."""

    kind: Kind
    new: bool = False
    """Whether what it names may first be named here."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(schema), MARK: {"kind": self.kind, "new": self.new}}
