"""What a repository means, read a second time and without the compiler: the oracle that says whether an edit matters.

It reads as leniently as can be (quoting, order where order says nothing, comments, unknown keys do not count) and works
out what every router would do: who may call what, over which endpoints in which order, at which price, within which
limits. It checks nothing: what leads nowhere is left out, what cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

import yaml

Tree = Any
_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
_UNITS = ("text_input", "cached_text_input", "text_output", "audio_input", "cached_audio_input", "audio_output")
_SHARED = ("provider", "base_url", "version", "api_key", "oauth", "auth_header", "sunset", "expires")
_OWN = ("timeout_seconds", "weight", "geo", "location")


class _Loader(yaml.CBaseLoader):
    """Scalars as text; a key that is written twice with two values has no meaning."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key, value in node.value:
            name, data = str(self.construct_object(key, deep=True)), self.construct_object(value, deep=True)
            if read.setdefault(name, data) != data:
                raise ValueError(f"{name} is written twice")
        return {name: data for name, data in read.items() if data not in ("", "~", "null")}


_Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))


def meaning(files: Mapping[str, bytes]) -> Tree | None:
    """What the repository means, for comparing; None where it means nothing at all."""
    try:
        return _fleet({file: _read(raw) for file, raw in files.items() if file.endswith(".yaml")})
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, IndexError, InvalidOperation):
        return None


@lru_cache(maxsize=256)
def _read(raw: bytes) -> Tree:
    return _plain(yaml.load(raw.decode("utf-8-sig"), _Loader))


def _plain(tree: Tree) -> Tree:
    """Numbers by value, everything else as text."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(each) for each in tree]
    try:
        return Decimal(tree) if tree[:1].isdigit() and "_" not in tree else tree
    except InvalidOperation:
        return tree


def _fleet(trees: dict[str, Tree]) -> Tree:
    project = trees["llmcompile.yaml"]
    by_id: dict[str, dict[str, Tree]] = {"accounts": {}, "models": {}, "regions": {}}
    names = {"accounts": "account", "models": "code", "regions": "region"}
    for file, tree in trees.items():
        folder = PurePath(file).parts[0]
        if folder in by_id and file.count("/") == 1:
            found = str(tree[names[folder]])
            if found != PurePath(file).stem:
                raise ValueError(f"{file} says that it is {found}")
            by_id[folder][found] = tree
    models = {code: _model(tree) for code, tree in by_id["models"].items()}
    regions = {name: _region(project, tree) for name, tree in by_id["regions"].items()}
    return {
        "project": {key: project.get(key) for key in ("version", "stores", "guards", "price_horizon_days")},
        "models": models,
        "regions": regions,
        "accounts": {name: _account(project, models, regions, tree) for name, tree in by_id["accounts"].items()},
    }


def _model(tree: Tree) -> Tree:
    return {
        "type": tree["type"],
        "realtime": tree.get("realtime") == "true" or tree["type"] == "realtime",
        "groups": frozenset(tree.get("access_groups", ())),
        "params": tree.get("default_params", {}),
        "batch": tree.get("upstream_max_batch_inputs", Decimal(1)),
        "retires": _instant(tree.get("retires")),
        "prices": _prices(tree.get("token_costs", [])),
        **{field: [str(each) for each in tree.get(field, ())] for field in _FALLBACKS},
    }


def _prices(rows: list[Tree]) -> list[Tree]:
    """From when to when what costs how much; what follows at the same price is one time."""
    timeline: list[Tree] = []
    for row, following in zip_longest(rows, rows[1:]):
        start = _instant(row["start"])
        end = _instant(row.get("end") or (following or {}).get("start"))
        costs = row["currency"], {unit: Decimal(row["per_million_tokens"].get(unit, -1)) for unit in _UNITS}
        if timeline and timeline[-1][1:] == [start, costs]:
            timeline[-1][1] = end
        else:
            timeline.append([start, end, costs])
    return timeline


def _instant(text: Tree) -> datetime | None:
    if text is None:
        return None
    read = datetime.fromisoformat(str(text))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _endpoint(project: Tree, tree: Tree, upstream: str) -> Tree:
    """One upstream as a request meets it."""
    shared = project.get("credentials", {})[tree["credential"]] if "credential" in tree else {}
    merged = {field: shared.get(field, tree.get(field)) for field in _SHARED} | {each: tree.get(each) for each in _OWN}
    merged["provider"] = {"azure_openai": "azure"}.get(merged["provider"], merged["provider"])
    merged["base_url"] = str(merged["base_url"]).rstrip("/")
    batching = (
        {"require_homogeneous_params": "true", **tree.get("chat_batching", {})} if "chat_batching" in tree else None
    )
    return merged | {"upstream": upstream, "tags": frozenset(tree.get("tags", ())), "batching": batching}


def _region(project: Tree, tree: Tree) -> Tree:
    """For each model its endpoints by priority."""
    endpoints = tree.get("endpoints", {})
    chains = {}
    for listed, names in tree.get("models", {}).items():
        code = listed.rpartition("/")[2]
        known = [endpoints[name] for name in names if name in endpoints]
        chains[code] = [_endpoint(project, each, str(each.get("models", {}).get(code, code))) for each in known]
    return {"survive": tree.get("survive"), "chains": chains}


def _own(project: Tree, tree: Tree) -> dict[str, list[Tree]]:
    chains: dict[str, list[Tree]] = {}
    for written in tree.get("endpoints", {}).values():
        models, prefix = written["supported_models"], str(written.get("deployment_prefix", ""))
        for listed in models:
            code = listed.removeprefix(f"{written.get('provider')}/")
            upstream = str(models[listed]) if isinstance(models, dict) else prefix + code
            chains.setdefault(code, []).append(_endpoint(project, written, upstream))
    return chains


def _account(project: Tree, models: Tree, regions: Tree, tree: Tree) -> Tree:
    own, source = _own(project, tree), tree.get("source", "auto")
    groups = {code: model["groups"] for code, model in models.items()}
    aliases = tree.get("route_groups", {})
    groups |= {name: frozenset(each.get("access_groups", ())) for name, each in aliases.items()}
    everyone = _given(tree["access"], groups) if "access" in tree else frozenset(groups)
    routers = {}
    for region in tree["regions"] if "regions" in tree else [tree["region"]]:
        platform = regions.get(region, {}).get("chains", {})
        chains = {"platform": platform, "auto": {**platform, **own}}.get(source, own)
        routers[region] = {code: chain for code, chain in chains.items() if code in everyone}
    teams = {
        name: everyone & _given(team, groups) if team.get("mode") == "restrict" else everyone
        for name, team in tree.get("teams", {}).items()
    }
    return {
        "routers": routers,
        "allowed": everyone,
        "limits": _limits(project, tree),
        "survive": tree.get("survive"),
        "residency": frozenset(tree.get("residency", ())),
        "teams": teams,
        "keys": [_key(project, teams, everyone, groups, key) for key in tree.get("keys", ())],
        "aliases": {name: _alias(each) for name, each in aliases.items() if name in everyone},
    }


def _given(written: Tree, groups: Mapping[str, frozenset[str]]) -> frozenset[str]:
    granted = frozenset(written.get("groups", ()))
    return frozenset(name for name, carried in groups.items() if name in written.get("models", ()) or granted & carried)


def _limits(project: Tree, tree: Tree) -> Tree:
    return project["tiers"][tree["tier"]] if "tier" in tree else None


def _key(project: Tree, teams: Tree, everyone: frozenset[str], groups: Tree, key: Tree) -> Tree:
    parent = teams[key["team"]] if "team" in key else everyone
    allowed = parent & _given(key, groups) if key.get("mode") == "restrict" else parent
    return {
        "id": key["id"],
        "sha256": key["sha256"],
        "team": key.get("team"),
        "limits": _limits(project, key),
        "allowed": allowed,
    }


def _alias(tree: Tree) -> Tree:
    members = [(each["model"], each.get("endpoint"), each.get("weight", Decimal(1))) for each in tree["members"]]
    return tree.get("policy", "ordered"), members
