"""A difference as versioned JSON: everything, nothing cut, money as decimal strings."""

from __future__ import annotations

import json
from typing import Any

from llmcompile.diff.bill import Bill, Money
from llmcompile.diff.report import Report
from llmcompile.emit.canonical import money
from llmcompile.show import diff_words as words
from llmcompile.show.impact_machine import impact_object
from llmcompile.show.plan_machine import fact

JSON_FORMAT = 1


def render_json(report: Report) -> str:
    """One object, the same for the same difference."""
    data = {
        "format": JSON_FORMAT,
        "before": report.before,
        "after": report.after,
        "documents": report.documents,
        "facts": [fact(each) for each in report.facts],
        "impact": impact_object(report.impact),
        "renamed": [{"from": old, "to": new} for old, new in report.impact.renamed],
        "usage": _bill(report.bill) if report.bill else None,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "rows": bill.rows,
        "entries": [
            {"account": each.account, "model": each.model, **_pair(each.before, each.after)} for each in bill.entries
        ],
        "accounts": {name: _pair(*pair) for name, pair in bill.by("account").items()},
        "models": {name: _pair(*pair) for name, pair in bill.by("model").items()},
        "total": _pair(*bill.total),
    }


def _pair(before: Money, after: Money) -> dict[str, Any]:
    return {
        "before": _money(before),
        "after": _money(after),
        "difference": {currency: money(amount) for currency, amount in words.differences(before, after).items()},
    }


def _money(held: Money) -> dict[str, Any]:
    amounts = {currency: money(amount) for currency, amount in sorted(held.amounts.items())}
    return {"cost": amounts, "tokens_without_price": held.unpriced}
