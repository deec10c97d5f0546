"""Where a request would go, and at which price: the router's own decision, asked offline of the compiled documents.

Nothing here sees a secret, nor a ref to one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llmcompile.emit.canonical import compact, instant, money, plain
from llmcompile.emit.documents import Document
from llmrouter.documents import parse
from llmrouter.entities import Budget, Candidate, Limits
from llmrouter.operations import OPERATION_OF_TYPE
from llmrouter.prices import TokenCost, price_at
from llmrouter.resolve import Unreachable, callable_names, resolve
from llmrouter.snapshot import Snapshot

JSON_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    account: str
    region: str
    model: str
    """A model's code or a route group's name."""
    at: datetime
    down: tuple[str, ...]
    """Endpoints to leave out: ``name``, ``tenant:name`` or ``platform:name``."""


def snapshot_of(documents: Iterable[Document], account: str, region: str) -> Snapshot:
    """The router's picture of an account in a region."""
    # Something stands in place of every secret: whether there is one matters, what it is does not.
    held = {(each.kind, each.owner): compact(plain(each.content, lambda ref: "-")) for each in documents}
    return Snapshot.build(
        parse(
            held["CUSTOMER_LLM_CONFIG", account],
            held["PROVISIONED_OPENAI_CONFIG", region],
            held["ROUTER_POLICY", account],
        )
    )


def explain(snapshot: Snapshot, question: Question) -> dict[str, Any]:
    """The answer as plain data. Raises the router's ``Unknown`` or ``NotAllowed`` where there is none."""
    try:
        chain = resolve(snapshot, question.model, down=frozenset(question.down), draw=lambda: 0.0)
    except Unreachable:
        chain = ()
    group = snapshot.route_groups.get(question.model)
    keys = [key.id for key in snapshot.keys if question.model in callable_names(snapshot, key)]
    return {
        "format": JSON_FORMAT,
        "account": question.account,
        "region": question.region,
        "source": snapshot.source,
        "model": question.model,
        "at": instant(question.at),
        "down": list(question.down),
        "route_group": {
            "policy": group.policy,
            "members": [
                {"model": each.model, "endpoint": each.endpoint, "weight": each.weight} for each in group.members
            ],
        }
        if group
        else None,
        "limits": _limits(snapshot.limits),
        "budget": _budget(snapshot.budget),
        "key_budgets": {each.id: _budget(each.budget) for each in snapshot.keys if each.budget and each.id in keys},
        "keys": keys if snapshot.keys else None,
        "chain": [_step(snapshot, candidate, question.at) for candidate in chain],
    }


def _limits(limits: Limits | None) -> dict[str, int] | None:
    if limits is None:
        return None
    names = ("requests_per_minute", "tokens_per_day", "concurrent")
    return {name: value for name in names if (value := getattr(limits, name)) is not None}


def _budget(budget: Budget | None) -> dict[str, Any] | None:
    return {level: money(line) for level, line in budget.lines} | {"currency": budget.currency} if budget else None


def _step(snapshot: Snapshot, candidate: Candidate, at: datetime) -> dict[str, Any]:
    model, endpoint = snapshot.models[candidate.model], candidate.endpoint
    return {
        "model": candidate.model,
        "endpoint": endpoint.name,
        "source": endpoint.source,
        "provider": endpoint.provider,
        "url": candidate.url(OPERATION_OF_TYPE[model.type or "chat"]),
        "deployment": candidate.upstream_model,
        "auth": candidate.auth_kind,
        "headers": list(candidate.header_names),
        "scopes": list(endpoint.scopes),
        "timeout_seconds": endpoint.timeout_seconds,
        "limited": endpoint.source == "platform" and snapshot.limits is not None,
        "default_params": dict(model.default_params),
        "price": _price(price_at(model.token_costs, at)),
    }


def _price(row: TokenCost | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": row.id,
        "start": instant(row.start),
        "end": instant(row.end) if row.end else None,
        "currency": row.currency,
        "per_million_tokens": {unit: money(price) for unit, price in row.per_million_tokens.items()},
    }


def render_text(answer: dict[str, Any]) -> str:
    """The answer for people."""
    lines = [
        f"{answer['model']} for account {answer['account']} in {answer['region']} (source: {answer['source']})",
        f"  at      {answer['at']}" + (f", without {', '.join(answer['down'])}" if answer["down"] else ""),
        f"  limits  {_words(answer['limits'])}",
        f"  keys    {_keys(answer['keys'])}",
    ]
    if answer["budget"]:
        lines.insert(3, f"  budget  {_money(answer['budget'])} (platform endpoints)")
    lines += [
        f"  budget  of {key}: {_money(budget)} (all its requests)" for key, budget in answer["key_budgets"].items()
    ]
    if answer["route_group"]:
        lines.append(f"  group   {_group(answer['route_group'])}")
    if not answer["chain"]:
        lines.append("  chain   nothing remains: requests are refused")
    for place, step in enumerate(answer["chain"], 1):
        lines += ["", *_step_lines(place, step)]
    return "\n".join(lines)


def _words(limits: dict[str, int] | None) -> str:
    if not limits:
        return "none"
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in limits.items()) + " (platform endpoints)"


def _money(budget: dict[str, str]) -> str:
    lines = ", ".join(f"{level} {budget[level]}" for level in ("soft", "hard") if level in budget)
    return f"{lines} {budget['currency']} a month"


def _keys(keys: list[str] | None) -> str:
    if keys is None:
        return "no router keys: open to loopback alone"
    return ", ".join(keys) or "none of the account's keys may call it"


def _group(group: dict[str, Any]) -> str:
    members = [
        each["model"]
        + (f" on {each['endpoint']}" if each["endpoint"] else "")
        + (f" (weight {each['weight']})" if group["policy"] == "weighted" else "")
        for each in group["members"]
    ]
    return f"{group['policy']}: {', '.join(members)}"


def _step_lines(place: int, step: dict[str, Any]) -> list[str]:
    extra = f", scopes {' '.join(step['scopes'])}" if step["scopes"] else ""
    extra += f", timeout {step['timeout_seconds']:g} s" if step["timeout_seconds"] else ""
    lines = [
        f"  {place}. {step['model']} on {step['source']}:{step['endpoint']} ({step['provider']})",
        f"     url         {step['url']}",
        f"     deployment  {step['deployment']}",
        f"     auth        {step['auth']}, headers {', '.join(step['headers']) or 'none'}{extra}",
        f"     price       {_price_words(step['price'])}",
    ]
    if step["default_params"]:
        lines.append(
            "     defaults    " + ", ".join(f"{name}={value}" for name, value in step["default_params"].items())
        )
    return lines


def _price_words(price: dict[str, Any] | None) -> str:
    if price is None:
        return "no price at that time"
    units = ", ".join(f"{unit} {amount}" for unit, amount in price["per_million_tokens"].items())
    until = f", until {price['end']}" if price["end"] else ""
    return f"{price['currency']} per million tokens: {units} ({price['id']}{until})"
