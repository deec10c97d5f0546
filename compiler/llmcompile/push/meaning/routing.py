"""Where requests go: a region's failover order, an account's source and order of endpoints, route groups, batching."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmcompile.push.meaning import marks
from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Name, Unclear, name, names, number, text, texts
from llmcompile.push.meaning.walk import Place, Rule, rewritten


def region_rules() -> list[Rule]:
    """The rules of PROVISIONED_OPENAI_CONFIG for routing."""
    return [Rule(("models", "*"), _failover)]


def account_rules() -> list[Rule]:
    """The rules of CUSTOMER_LLM_CONFIG for routing."""
    return [Rule((), _priority, on="keys")]


def policy_rules() -> list[Rule]:
    """The rules of ROUTER_POLICY for routing."""
    group = ("route_groups", "*")
    return [
        Rule(("source",), _source),
        Rule(group, _group, on="presence"),
        Rule((*group, "policy"), _group_policy),
        Rule((*group, "members"), _group_members),
        Rule(("batching", "tenant", "*"), _batching),
        Rule(("batching", "platform", "*", "*"), _batching),
    ]


def _failover(place: Place) -> Iterator[Said]:
    old, new = ([] if side is MISSING else texts(side) for side in (place.old, place.new))
    tells = tuple(marks.stopped(endpoint, place.key) for endpoint in old if endpoint not in new)
    model = name(place.key)
    if place.new is MISSING:
        yield say("region-model-lost", "no longer serves ", model, tells=tells)
    elif place.old is MISSING:
        yield say("region-model-gained", "serves ", model, " (", names(new), ")")
    else:
        order = (names(new), " (was ", names(old), ")")
        yield say("failover-order", "failover order of ", model, ": ", *order, tells=tells)


def _priority(place: Place) -> Iterator[Said]:
    """The order of an account's own endpoints, unless a new one only comes last."""
    old, new = list(place.old), list(place.new)
    stayed = [each for each in old if each in new]
    if new != [*stayed, *(each for each in new if each not in old)]:
        yield say("endpoint-order", "own endpoints by priority: ", names(new), " (was ", names(old), ")")


def _source(place: Place) -> Iterator[Said]:
    yield say("source", "source ", name(place.new), " (was ", name(place.old), ")")


def _group(place: Place) -> Iterator[Said]:
    group = name(place.key)
    if place.new is MISSING:
        yield say("route-group-lost", "loses route group ", group, tells=(marks.group_lost(place.key),))
        return
    if not isinstance(place.new, dict) or place.new.keys() != {"policy", "members"}:
        raise Unclear
    shown = (" (", name(place.new["policy"]), ": ", _members(place.new["members"]), ")")
    yield say("route-group-gained", "gains route group ", group, *shown, tells=(marks.group_gained(place.key),))


def _group_policy(place: Place) -> Iterator[Said]:
    group = name(place.up().key)
    yield say("route-group-policy", "route group ", group, ": ", name(place.new), " (was ", name(place.old), ")")


def _group_members(place: Place) -> Iterator[Said]:
    old, new = (_members(side) for side in (place.old, place.new))
    if old == new:
        yield from rewritten(place)
    else:
        group = name(place.up().key)
        yield say("route-group-members", "members of route group ", group, ": ", new, " (was ", old, ")")


def _members(side: Any) -> Name:
    if not isinstance(side, list):
        raise Unclear
    return names([_member(each) for each in side])


def _member(member: Any) -> str:
    if not isinstance(member, dict) or not member.keys() <= {"model", "endpoint", "weight"}:
        raise Unclear
    endpoint = f" on {text(member['endpoint'])}" if "endpoint" in member else ""
    weight = f" x{number(member['weight'])}" if "weight" in member else ""
    return f"{text(member.get('model'))}{endpoint}{weight}"


def _batching(place: Place) -> Iterator[Said]:
    where = "own endpoint " if place.steps[1] == "tenant" else "platform endpoint "
    of_region = (" of ", name(place.up().key)) if place.steps[1] == "platform" else ()
    old, new = (_mode(side) for side in (place.old, place.new))
    if old == new:
        yield from rewritten(place)
    else:
        yield say("batching", "batching on ", where, name(place.key), *of_region, ": ", new, " (was ", old, ")")


def _mode(side: Any) -> Name:
    if side is MISSING:
        return Name("none")
    if not isinstance(side, dict):
        raise Unclear
    mode, settings = text(side.get("mode")), {key: value for key, value in side.items() if key != "mode"}
    return name(", ".join([mode, *(f"{key} {_plain(value)}" for key, value in sorted(settings.items()))]))


def _plain(value: Any) -> str:
    return "yes" if value is True else number(value)
