"""Decisions that change, as plain data: the same for a difference and for a plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from llmcompile.diff.answers import Span
from llmcompile.diff.figures import PriceChange
from llmcompile.diff.impact import Group, Impact
from llmcompile.emit.canonical import instant, money
from llmcompile.push.meaning.shown import name


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


def _figure(figure: tuple[str, Decimal] | None) -> dict[str, str] | None:
    return {"currency": figure[0], "per_million_tokens": money(figure[1])} if figure else None
