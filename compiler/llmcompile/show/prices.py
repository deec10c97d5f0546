"""What a model costs at an instant, from the catalogue or as the router would bill an account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from llmcompile.emit.canonical import instant
from llmcompile.emit.policy import token_costs
from llmcompile.errors import UsageError
from llmcompile.link.catalogue import Model
from llmcompile.literals import quote
from llmcompile.pipeline import Compiled
from llmcompile.show import explain
from llmcompile.suggest import did_you_mean
from llmrouter.resolve import Refused, Unknown

JSON_FORMAT = 1


def of_model(models: Mapping[str, Model], code: str, at: datetime) -> dict[str, Any]:
    """The price of a model of the catalogue. ``UsageError`` where there is none of this code."""
    if code not in models:
        raise UsageError(f"no model {quote(code)}", did_you_mean(code, models, "see llmcompile models list"))
    return _answer(None, None, code, at, [_at(models[code], at)])


def of_account(compiled: Compiled, account: str, region: str, name: str, at: datetime) -> dict[str, Any]:
    """The price of each model that the router would try for an account, in order. ``UsageError`` where it has none."""
    snapshot = explain.snapshot_of(compiled.documents, account, region)
    try:
        answer = explain.explain(snapshot, explain.Question(account, region, name, at, ()))
    except Refused as error:
        what = "knows no model or route group" if isinstance(error, Unknown) else "may not call"
        hint = f"did you mean '{error.suggestion}'?" if error.suggestion else "see llmcompile models list"
        raise UsageError(f"account '{account}' {what} {quote(name)}", hint) from error
    tried: dict[str, dict[str, Any]] = {}
    for step in answer["chain"]:
        found = _at(compiled.linked.models[step["model"]], at) | {"price": step["price"], "endpoints": []}
        tried.setdefault(step["model"], found)["endpoints"].append(f"{step['source']}:{step['endpoint']}")
    return _answer(account, region, name, at, list(tried.values()))


def _answer(
    account: str | None, region: str | None, name: str, at: datetime, prices: list[dict[str, Any]]
) -> dict[str, Any]:
    head = {"format": JSON_FORMAT, "model": name, "at": instant(at), "account": account, "region": region}
    return head | {"prices": prices}


def _at(model: Model, at: datetime) -> dict[str, Any]:
    """The row that holds at an instant, and the one that starts next."""
    rows, moment = token_costs(model.input.code, model.input.token_costs), instant(at)
    holds = [row for row in rows if row["start"] <= moment and (row["end"] is None or moment < row["end"])]
    follows = [row for row in rows if row["start"] > moment]
    return {
        "model": model.input.code,
        "price": holds[0] if holds else None,
        "next": follows[0] if follows else None,
    }


def render_text(answer: dict[str, Any]) -> str:
    """The answer for people."""
    whose = f" for account {answer['account']} in {answer['region']}" if answer["account"] else ""
    lines = [f"{answer['model']}{whose} at {answer['at']}, per million tokens"]
    for each in answer["prices"]:
        on = f" on {', '.join(each['endpoints'])}" if "endpoints" in each else ""
        lines += ["", f"  {each['model']}{on}", *_row_lines(each["price"]), *_next_lines(each["next"])]
    if not answer["prices"]:
        lines.append("  nothing would serve it: requests are refused")
    return "\n".join(lines)


def _row_lines(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return ["    no price at that time"]
    prices = row["per_million_tokens"]
    width = max(map(len, prices))
    until = f"until {row['end']}" if row["end"] else "with no end"
    units = [f"    {unit:<{width}}  {row['currency']} {price}" for unit, price in prices.items()]
    return [*units, f"    since {row['start']}, {until}"]


def _next_lines(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    units = ", ".join(f"{unit} {price}" for unit, price in row["per_million_tokens"].items())
    return [f"    next: from {row['start']} {row['currency']} {units}"]
