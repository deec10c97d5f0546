"""A plan as versioned JSON: everything, nothing cut. ``push --expect`` reads it back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from llmcompile.diff.impact import Impact
from llmcompile.push.guards import Refusal
from llmcompile.push.meaning import Fact
from llmcompile.push.plan import PLAN_FORMAT, Plan
from llmcompile.show.impact_machine import impact_object
from llmcompile.show.plan_words import counts, touched


def render_json(plan: Plan, refusals: Sequence[Refusal] = (), impact: Impact | None = None) -> str:
    """One object, the same for the same plan; with what becomes of decisions, where that was asked."""
    owners = touched(plan)
    data = {
        "format": PLAN_FORMAT,
        "store": plan.store,
        "digest": plan.digest,
        "counts": counts(plan),
        "touched": {
            "accounts": [each.id for each in owners if each.kind == "account"],
            "regions": [each.id for each in owners if each.kind == "region"],
        },
        "facts": [fact(each) for each in plan.facts],
        **({"impact": impact_object(impact)} if impact is not None else {}),
        "refusals": [asdict(each) for each in refusals],
        "changes": [asdict(each) for each in plan.changes],
    }
    return json.dumps(data, indent=2)


def fact(one: Fact) -> dict[str, Any]:
    """A fact as plain data."""
    return {
        "code": one.code,
        "severity": one.severity,
        "text": one.text,
        "owners": [str(each) for each in one.owners],
    }
