"""ROUTER_POLICY: what the endpoint documents cannot say and that is no secret.

It is one per account and does not depend on the region.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmcompile.emit.canonical import Plain, instant, money, plain
from llmcompile.inputs.account import Key, RouteGroup
from llmcompile.inputs.budget import Budget
from llmcompile.inputs.model import FALLBACKS, TokenCost
from llmcompile.inputs.values import format_instant
from llmcompile.link.access import account_grant, allowed, callable_groups, key_grant, team_grant
from llmcompile.link.catalogue import Account, Catalogue, Endpoint, Model

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class PolicyEmitter:
    """Emits policies of one catalogue; remembers what a model contributes, which is the same for all accounts."""

    catalogue: Catalogue
    _models: dict[tuple[str, ...], Plain] = field(default_factory=dict)
    """By the code and the targets of its fallbacks that are left."""

    def policy(self, account: Account) -> dict[str, Any]:
        """The policy of one account."""
        written, catalogue = account.input, self.catalogue
        groups = callable_groups(catalogue, account)
        names = sorted({*catalogue.reachable(account), *written.route_groups} & groups.keys())
        callable_names = allowed(account_grant(written), names, groups)
        teams = {
            name: {"allowed": list(allowed(team_grant(written, name), callable_names, groups))}
            for name, team in written.teams.items()
            if team.mode == "restrict"
        }
        policy: dict[str, Any] = {
            "version": FORMAT_VERSION,
            "account": account.id,
            "source": written.source,
            "limits": self._limits(written.tier),
            "allowed": list(callable_names),
            "teams": teams,
            "keys": [
                self._key(key, teams, allowed(key_grant(written, key), callable_names, groups)) for key in written.keys
            ],
            "models": {
                name: self._model(catalogue.models[name], callable_names)
                for name in callable_names
                if name in catalogue.models
            },
            "route_groups": {
                name: _route_group(group) for name, group in written.route_groups.items() if name in callable_names
            },
        }
        if written.budget:
            policy["budget"] = _budget(written.budget)
        if catalogue.project.limits.when_unavailable == "closed":
            policy["limits_unavailable"] = "closed"
        batching = self._batching(account)
        return policy | ({"batching": batching} if batching else {})

    def _limits(self, tier: str | None) -> dict[str, int] | None:
        return self.catalogue.project.tiers[tier].model_dump(exclude_none=True) if tier else None

    def _key(self, key: Key, teams: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {"id": key.id, "sha256": key.sha256}
        if key.team in teams:
            data["team"] = key.team
        if key.mode == "restrict":
            data["allowed"] = list(names)
        if key.tier:
            data["limits"] = self._limits(key.tier)
        if key.budget:
            data["budget"] = _budget(key.budget)
        return data

    def _model(self, model: Model, callable_names: Sequence[str]) -> Plain:
        # A fallback that this account cannot reach or call would be dead weight in its document.
        targets = {
            kind: left
            for kind in FALLBACKS
            if (left := [each for each in getattr(model.input, kind) if each in callable_names])
        }
        known = (model.input.code, *(f"{kind} {each}" for kind, left in targets.items() for each in left))
        if known not in self._models:
            self._models[known] = Plain(plain(_model(model, targets)))
        return self._models[known]

    def _batching(self, account: Account) -> dict[str, Any]:
        tenant = _batching_of(account.endpoints)
        platform = {}
        for region in account.input.all_regions:
            of_region = _batching_of(self.catalogue.regions[region].endpoints)
            if of_region and account.input.source in ("auto", "platform"):
                platform[region] = of_region
        data: dict[str, Any] = {"tenant": tenant} if tenant else {}
        return data | ({"platform": platform} if platform else {})


def _model(model: Model, fallbacks: Mapping[str, list[str]]) -> dict[str, Any]:
    written = model.input
    data: dict[str, Any] = {
        "type": written.type,
        "realtime": model.realtime,
        "token_costs": token_costs(written.code, written.token_costs),
    }
    if written.default_params:
        data["default_params"] = written.default_params
    data.update(fallbacks)
    if (written.upstream_max_batch_inputs or 1) > 1:
        data["upstream_max_batch_inputs"] = written.upstream_max_batch_inputs
    return data


def token_costs(code: str, rows: tuple[TokenCost, ...]) -> list[dict[str, Any]]:
    """The whole timeline with every end filled in: a row without one ends where the next one starts."""
    starts = [row.start for row in rows[1:]]
    ends = [row.end or start for row, start in zip(rows, [*starts, None], strict=False)]
    return [
        {
            "id": f"{code}@{format_instant(row.start)}",
            "start": instant(row.start),
            "end": instant(end) if end else None,
            "currency": row.currency,
            "per_million_tokens": {unit: money(price) for unit, price in row.per_million_tokens.items()},
        }
        for row, end in zip(rows, ends, strict=True)
    ]


def _budget(budget: Budget) -> dict[str, Any]:
    month = budget.monthly
    lines = {"soft": month.soft, "hard": month.hard}
    drawn = {name: money(line) for name, line in lines.items() if line is not None}
    return {"monthly": {**drawn, "currency": month.currency}}


def _route_group(group: RouteGroup) -> dict[str, Any]:
    members = []
    for member in group.members:
        data: dict[str, Any] = {"model": member.model}
        if member.endpoint:
            data["endpoint"] = member.endpoint
        if member.weight != 1:
            data["weight"] = member.weight
        members.append(data)
    return {"policy": group.policy, "members": members}


def _batching_of(endpoints: dict[str, Endpoint]) -> dict[str, Any]:
    written = {name: each.chat_batching for name, each in endpoints.items()}
    return {name: each.model_dump(exclude_none=True) for name, each in written.items() if each}
