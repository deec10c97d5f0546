"""The report of a run, for machines: what was done, what is left, what failed. Never a value."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmcompile.errors import OutsideError
from llmcompile.push.plan import Change, Plan

REPORT_FORMAT = 1


@dataclass(slots=True)
class Report:
    """How far a run came. Filled while it runs; what is pending is what is neither done nor failed."""

    plan: Plan
    revision: str
    run: int = 0
    """Its number in the ledger; 0 where it wrote nothing."""
    done: dict[str, int] = field(default_factory=dict)
    """Secret and version."""
    retired: list[str] = field(default_factory=list)
    failed: str = ""
    """The secret at which it stopped; empty where it did not, or at none."""
    message: str = ""
    """Why it stopped."""

    @property
    def pending(self) -> tuple[Change, ...]:
        """What was to be written and was not tried."""
        tried = {*self.done, self.failed}
        return tuple(each for each in self.plan.pending if each.secret not in tried)

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "format": REPORT_FORMAT,
            "store": self.plan.store,
            "plan": self.plan.digest,
            "revision": self.revision or None,
            "run": self.run or None,
            "complete": not (self.pending or self.message),
            "done": [{"secret": secret, "version": version} for secret, version in self.done.items()],
            "pending": [each.secret for each in self.pending],
            "failed": {"secret": self.failed or None, "message": self.message} if self.message else None,
            "retired": self.retired,
            "unchanged": len(self.plan.having("unchanged")),
        }

    def write(self, path: Path) -> None:
        """The report as a file, whole or not at all."""
        try:
            descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    stream.write(json.dumps(self.data(), indent=2) + "\n")
                Path(aside).replace(path)
            except BaseException:
                Path(aside).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise OutsideError(f"cannot write the report {path}: {error.strerror}") from error
