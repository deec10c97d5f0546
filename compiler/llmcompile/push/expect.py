"""The reviewed plan that a push is held to: by its digest, or whole, so that a difference can be named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from llmcompile.errors import RefusedError, UsageError
from llmcompile.literals import quote
from llmcompile.push.look import Seen
from llmcompile.push.plan import Change, Plan, make_plan

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was reviewed."""

    digest: str
    changes: dict[str, Any] | None = None
    """By secret; None where only the digest is known."""

    @classmethod
    def of(cls, text: str) -> Self:
        """A digest, or the path of what ``plan --format json`` wrote. Raises ``UsageError`` for anything else."""
        if _DIGEST.fullmatch(text):
            return cls(text)
        try:
            data = json.loads(Path(text).read_bytes())
            found = cls(data["digest"], {each["secret"]: each for each in data["changes"]})
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"--expect {quote(text)} is neither a digest nor a plan"
            raise UsageError(
                message, "give the digest of a plan, or a file of llmcompile plan --format json"
            ) from error
        if not _DIGEST.fullmatch(str(found.digest)):
            raise UsageError(f"the plan in {quote(text)} has no digest")
        return found

    def plan(self, seen: Sequence[Seen], store: str) -> Plan:
        """What is left of the reviewed plan. Raises ``RefusedError`` where another one would be carried out."""
        plan = make_plan(seen, store, resume=self.digest)
        if plan.digest == self.digest:
            return plan
        differences = list(self._differences(plan))
        more = [f"  and {len(differences) - _SHOWN} more"] if len(differences) > _SHOWN else []
        message = "\n".join(
            ["this is not the plan that was reviewed; nothing was written", *differences[:_SHOWN], *more]
        )
        raise RefusedError(message, "review the plan as it is now: llmcompile plan")

    def _differences(self, plan: Plan) -> Iterator[str]:
        yield f"  reviewed: {self.digest}"
        yield f"  now:      {plan.digest}"
        if self.changes is None:
            yield from (f"  now {_said(each)}" for each in plan.changes if each.action not in ("unchanged", "retired"))
            return
        now = {each.secret: each for each in plan.changes}
        for secret in sorted(now.keys() | self.changes.keys()):
            before = _said_of(secret, self.changes.get(secret))
            after = _said(now[secret]) if secret in now else _said_of(secret, None)
            if before != after:
                yield f"  reviewed {before}, now {after}"


def _said(change: Change) -> str:
    return _said_of(
        change.secret, {"action": change.action, "old_version": change.old_version, "new_size": change.new_size}
    )


def _said_of(secret: str, change: Any) -> str:
    if not isinstance(change, dict):
        return f"{secret}: not there"
    at = f"version {change.get('old_version')}" if change.get("old_version") else "no version"
    return f"{secret}: {change.get('action')} at {at}, {change.get('new_size')} bytes"
