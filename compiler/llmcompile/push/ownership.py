"""What says in a store that a secret is ours, and which version of it we wrote: a label and annotations.

Nothing here is a secret, nor a digest of one: whoever may read a secret's metadata could guess a weak key by it. The
digest is of the document with refs in place of values, as in ``dist/manifest.json``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from llmcompile.push.store import Held

LABELS: Mapping[str, str] = {"managed-by": "llmcompile"}
_PREFIX = "llmcompile-"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_OURS = re.compile(r"(sha256:)?[0-9a-f]{40,64}(-dirty)?")
"""A digest or a commit."""
_RETIRED = f"{_PREFIX}retired"


def is_ours(held: Held) -> bool:
    """Whether the secret carries our label."""
    return all(held.labels.get(key) == value for key, value in LABELS.items())


@dataclass(frozen=True, slots=True)
class Record:
    """What a push notes on a secret as it claims it, before it adds the version."""

    version: int
    """The number that the version gets."""
    document: str
    """The digest of the document with refs; empty for a rollback."""
    revision: str
    """The git commit; empty where there is none."""
    plan: str
    """The digest of the plan."""

    @classmethod
    def of(cls, held: Held) -> Self | None:
        """What the secret says of itself; None where it says nothing that we could have written."""
        return cls.of_annotations(held.annotations)

    @classmethod
    def of_annotations(cls, annotations: Mapping[str, str]) -> Self | None:
        """The same of its annotations."""
        version, *others = (annotations.get(f"{_PREFIX}{each.name}", "") for each in fields(cls))
        known = [each if _OURS.fullmatch(each) else "" for each in others]  # anyone may have edited them
        return cls(int(version), *known) if _NUMBER.fullmatch(version) else None

    def onto(self, annotations: Mapping[str, str]) -> dict[str, str]:
        """The annotations of others, with ours; a secret that is written is no longer retired."""
        return unretire(annotations) | {f"{_PREFIX}{each.name}": str(getattr(self, each.name)) for each in fields(self)}


def retired(held: Held) -> bool:
    """Whether someone confirmed that its account or region has left."""
    return _RETIRED in held.annotations


def retire(annotations: Mapping[str, str], revision: str) -> dict[str, str]:
    """The annotations of a secret whose account or region has left."""
    return {**annotations, _RETIRED: revision or "unknown"}


def unretire(annotations: Mapping[str, str]) -> dict[str, str]:
    """The annotations of a secret whose account or region is back, or was never gone."""
    return {key: value for key, value in annotations.items() if key != _RETIRED}
