"""ROUTER_POLICY, read into entities: who may call what, prices, fallbacks, defaults and route groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, cast

from llmrouter.entities import Budget, Limits, Member, Model, RouteGroup, Source
from llmrouter.operations import OPERATION_OF_TYPE
from llmrouter.prices import TokenCost
from llmrouter.reader import Node

FORMAT_VERSION = 1

_SHA256 = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """A key as written: ``allowed`` None means what the team, or else the account, may call."""

    id: str
    sha256: str
    team: str | None
    allowed: frozenset[str] | None
    limits: Limits | None
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one account."""

    account: str
    source: Source
    limits: Limits | None
    budget: Budget | None
    limits_closed: bool
    """Whether nothing limited is let in while what counts it is out of reach."""
    allowed: frozenset[str]
    teams: Mapping[str, frozenset[str]]
    keys: tuple[KeyGrant, ...]
    models: Mapping[str, Model]
    route_groups: Mapping[str, RouteGroup]


def read_policy(root: Node) -> Policy:
    """The policy in a document; a format newer than this router's is refused, not guessed at."""
    version = root.field("version")
    if version.value is True or version.value != FORMAT_VERSION:
        newer = isinstance(version.value, int) and version.value > FORMAT_VERSION
        problem = "is a newer format than this router reads" if newer else "is no format that this router reads"
        version.fail(f"{problem} ({FORMAT_VERSION})", "upgrade llmrouter" if newer else "")
    limits, unavailable = root.nullable("limits"), root.optional("limits_unavailable")
    teams = {name: _names(node.field("allowed")) for name, node in root.field("teams").fields().items()}
    return Policy(
        account=root.field("account").text(),
        source=cast(Source, root.field("source").one_of("auto", "platform", "tenant", "local")),
        limits=_limits(limits) if limits else None,
        budget=_budget(root.optional("budget")),
        limits_closed=unavailable is not None and unavailable.one_of("open", "closed") == "closed",
        allowed=_names(root.field("allowed")),
        teams=teams,
        keys=tuple(_key(node, teams) for node in root.field("keys").items()),
        models={code: _model(code, node) for code, node in root.field("models").fields().items()},
        route_groups={name: _group(name, node) for name, node in root.field("route_groups").fields().items()},
    )


def _names(node: Node) -> frozenset[str]:
    return frozenset(node.texts())


def _limits(node: Node) -> Limits:
    names = ("requests_per_minute", "tokens_per_day", "concurrent")
    written = {name: node.optional(name) for name in names}
    return Limits(**{name: each.count() for name, each in written.items() if each})


def _budget(node: Node | None) -> Budget | None:
    if node is None:
        return None
    month = node.field("monthly")
    soft, hard = (_amount(month.optional(name)) for name in ("soft", "hard"))
    return Budget(month.field("currency").text(), soft, hard)


def _amount(node: Node | None) -> Decimal | None:
    return Decimal(node.matching(_DECIMAL, "a decimal number in quotes")) if node else None


def _key(node: Node, teams: Mapping[str, frozenset[str]]) -> KeyGrant:
    team, allowed, limits = node.optional("team"), node.optional("allowed"), node.optional("limits")
    if team and team.text() not in teams:
        team.fail("names a team that this document does not have")
    return KeyGrant(
        id=node.field("id").text(),
        sha256=node.field("sha256").matching(_SHA256, "a SHA-256 of 64 lowercase hexadecimal digits"),
        team=team.text() if team else None,
        allowed=_names(allowed) if allowed else None,
        limits=_limits(limits) if limits else None,
        budget=_budget(node.optional("budget")),
    )


def _model(code: str, node: Node) -> Model:
    defaults = node.optional("default_params")
    if defaults:
        defaults.fields()
    chains = {name: node.optional(name) for name in _FALLBACKS}
    return Model(
        code=code,
        type=node.field("type").one_of(*OPERATION_OF_TYPE),
        realtime=node.field("realtime").boolean(),
        token_costs=tuple(_token_cost(each) for each in node.field("token_costs").items()),
        default_params=defaults.value if defaults else {},
        **{name: each.texts() for name, each in chains.items() if each},
    )


def _token_cost(node: Node) -> TokenCost:
    end = node.nullable("end")
    prices = node.field("per_million_tokens").fields()
    return TokenCost(
        id=node.field("id").text(),
        start=_instant(node.field("start")),
        end=_instant(end) if end else None,
        currency=node.field("currency").text(),
        per_million_tokens={
            unit: Decimal(price.matching(_DECIMAL, "a decimal number in quotes")) for unit, price in prices.items()
        },
    )


def _instant(node: Node) -> datetime:
    text = node.matching(_INSTANT, "an instant like 2025-01-31T00:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        node.fail("is no day of the calendar")


def _group(name: str, node: Node) -> RouteGroup:
    policy = cast(Literal["ordered", "weighted"], node.field("policy").one_of("ordered", "weighted"))
    return RouteGroup(name, policy, tuple(_member(each) for each in node.field("members").items()))


def _member(node: Node) -> Member:
    endpoint, weight = node.optional("endpoint"), node.optional("weight")
    return Member(
        model=node.field("model").text(),
        endpoint=endpoint.text() if endpoint else None,
        weight=weight.count() if weight else 1,
    )
