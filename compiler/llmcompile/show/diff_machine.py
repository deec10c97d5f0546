"""A difference as versioned JSON: everything, nothing cut, money as decimal strings."""

from __future__ import annotations

import json
from typing import Any

from llmcompile.diff.answers import Span
from llmcompile.diff.bill import Bill, Money
from llmcompile.diff.figures import PriceChange
from llmcompile.diff.impact import Group, Impact
from llmcompile.diff.report import Report
from llmcompile.emit.canonical import instant, money
from llmcompile.push.meaning.shown import name
from llmcompile.show import diff_words as words
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
        **impact_object(report.impact),
        "renamed": [{"from": old, "to": new} for old, new in report.impact.renamed],
        "usage": _bill(report.bill) if report.bill else None,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def impact_object(impact: Impact) -> dict[str, Any]:
    """The decisions that change, and whom they hit."""
    return {
        "decisions": {
            "changed": impact.count,
            "asked": impact.asked,
            "routers_asked": impact.routers,
            "routers": impact.all_routers,
        },
        "blast_radius": {
            "accounts": {name: dict(sorted(regions.items())) for name, regions in impact.accounts.items()},
            "regions": impact.regions,
        },
        "changes": [_group(each) for each in impact.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    change = group.change
    return {
        "names": list(group.names),
        "after": change.after,
        "down": sorted(change.situation.down),
        "tags": sorted(change.situation.tags),
        "decisions": group.count,
        "callers": [
            {"account": each.account, "region": each.region, "key": each.key or None} for each in group.callers
        ],
        "before": [str(name(each)) for each in change.was],
        "now": [str(name(each)) for each in change.now],
        "fields": [
            {
                "step": str(name(each.step)),
                "field": each.field,
                "before": str(name(str(each.before))),
                "after": str(name(str(each.after))),
            }
            for each in change.fields
        ],
        "prices": [_price(each) for each in change.prices],
    }


def _price(change: PriceChange) -> dict[str, Any]:
    return {
        "model_before": change.was_model,
        "model": change.model,
        "unit": change.unit,
        **_span(change.span),
        "before": _figure(change.before),
        "after": _figure(change.after),
        "percent": None if change.percent is None else money(change.percent),
    }


def _span(span: Span) -> dict[str, str | None]:
    return {"start": instant(span.start) if span.start else None, "end": instant(span.end) if span.end else None}


def _figure(figure: Any) -> dict[str, str] | None:
    return {"currency": figure[0], "per_million_tokens": money(figure[1])} if figure else None


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
