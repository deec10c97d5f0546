"""The repository as text: one file for the project, each model, the region and the account, as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from llmcompile.emit.yaml_text import Bare, Flow, dump, schema_line
from llmcompile.importing.drafts import Endpoint, Fleet, Key, Member, Model, Named, OAuth, RouteGroup, Target
from llmcompile.importing.texts import Data
from llmcompile.inputs.model import UNITS


@dataclass(frozen=True, slots=True)
class Where:
    """Where the repository's endpoints go."""

    region: str
    account: str
    own: bool
    """Whether they are the account's own; else the platform's, and the account uses them."""
    start: str
    """From when on prices hold, as our YAML has it."""


def render(fleet: Fleet, where: Where, origin: str) -> dict[str, str]:
    """Every file, by its path below the root."""
    files = {"llmcompile.yaml": _text("project", ".", origin, _project(fleet))}
    for code in sorted(fleet.models):
        files[f"models/{code}.yaml"] = _text("model", "..", origin, _model(fleet.models[code], where.start))
    files[f"regions/{where.region}.yaml"] = _text("region", "..", origin, _region(fleet, where))
    files[f"accounts/{where.account}.yaml"] = _text("account", "..", origin, _account(fleet, where))
    return files


def _text(kind: str, root: str, origin: str, data: Mapping[str, Any]) -> str:
    return f"{schema_line(kind, root)}# Imported from {origin}.\n{dump(data)}"


def _project(fleet: Fleet) -> dict[str, Any]:
    data: dict[str, Any] = {"version": 1, "stores": {"local": "dir:.llmcompile/store"}}
    if fleet.credentials:
        data["credentials"] = {name: {"api_key": str(ref)} for name, ref in sorted(fleet.credentials.items())}
    return data


def _model(model: Model, start: str) -> dict[str, Any]:
    data: dict[str, Any] = {"code": model.code}
    if model.name != model.code:
        data["name"] = model.name[:500]
    data["type"] = model.kind.type
    if model.kind.realtime:
        data["realtime"] = True
    if model.groups:
        data["access_groups"] = model.groups
    if model.defaults:
        data["default_params"] = _flow(model.defaults)
    data |= {field: tuple(codes) for field, codes in model.fallbacks.items() if codes}
    if model.batch_inputs is not None:
        data["upstream_max_batch_inputs"] = model.batch_inputs
    if model.prices:
        row = {"start": Bare(start), "currency": "USD", "per_million_tokens": Flow(_by_unit(model.prices))}
        data["token_costs"] = [row]
    return data


def _by_unit(prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {unit: prices[unit] for unit in UNITS if unit in prices}


def _flow(value: Data) -> Any:
    if isinstance(value, dict):
        return Flow({key: _flow(each) for key, each in value.items()})
    return tuple(_flow(each) for each in value) if isinstance(value, tuple) else value


def _region(fleet: Fleet, where: Where) -> dict[str, Any]:
    data: dict[str, Any] = {"region": where.region}
    if not where.own:
        data["endpoints"] = {each.name: _platform_endpoint(each) for each in fleet.endpoints}
        data["models"] = {code: tuple(each.name for each in chain) for code, chain in fleet.chains.items()}
    return data


def _platform_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    renamed = {code: upstream for code, upstream in endpoint.models.items() if code != upstream}
    return {**_target(endpoint.target), **({"models": _names(renamed)} if renamed else {})}


def _account(fleet: Fleet, where: Where) -> dict[str, Any]:
    data: dict[str, Any] = {"account": where.account, "region": where.region}
    data["source"] = "tenant" if where.own else "platform"
    if where.own:
        data["endpoints"] = {each.name: _own_endpoint(each) for each in fleet.endpoints}
    if fleet.route_groups:
        data["route_groups"] = {each.name: _route_group(each) for each in fleet.route_groups}
    return data


def _own_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    models = endpoint.models
    same = all(code == upstream for code, upstream in models.items())
    return {**_target(endpoint.target), "supported_models": tuple(models) if same else _names(models)}


def _names(models: Mapping[str, str]) -> Any:
    """Upstream names: in one line where they fit."""
    return Flow(models) if len(models) < 3 and len(str(models)) < 90 else dict(models)


def _target(target: Target) -> dict[str, Any]:
    data: dict[str, Any] = {"provider": target.provider}
    data |= _written(base_url=target.base_url, version=target.version)
    match target.auth:
        case Key(ref):
            data["api_key"] = str(ref)
        case Named(name):
            data["credential"] = name
        case OAuth(token_url, client_id, client_secret, scope):
            data["oauth"] = {
                "token_url": token_url,
                "client_id": client_id,
                "client_secret": str(client_secret),
                "scopes": (scope,),
            }
    if target.header:
        data["auth_header"] = Flow(name=target.header[0], format=target.header[1])
    data |= _written(timeout_seconds=target.timeout, weight=target.weight, tags=target.tags or None)
    return data | ({"chat_batching": Flow(target.batching)} if target.batching else {})


def _written(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _route_group(group: RouteGroup) -> dict[str, Any]:
    data: dict[str, Any] = {"policy": group.policy}
    if group.groups:
        data["access_groups"] = group.groups
    data["members"] = [_member(each, weighted=group.policy == "weighted") for each in group.members]
    return data


def _member(member: Member, *, weighted: bool) -> Flow:
    weight = member.weight if weighted and member.weight > 1 else None
    return Flow(_written(model=member.model, endpoint=member.endpoint, weight=weight))
