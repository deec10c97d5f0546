"""Who may call what: the account, its teams and its router keys. Of a key: its id, never its hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from llmcompile.push.meaning import marks
from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Unclear, name, names, text, texts
from llmcompile.push.meaning.walk import Place, Rule, difference, rewritten


def access_rules() -> list[Rule]:
    """The rules of ROUTER_POLICY for access."""
    return [
        Rule(("allowed",), _account),
        Rule(("models", "*"), _described, on="presence"),
        Rule(("teams", "*"), _team, on="presence"),
        Rule(("teams", "*", "allowed"), _team_models),
        Rule(("keys",), _any_keys, on="keys"),
        Rule(("keys", "*"), _key, on="presence"),
        Rule(("keys", "*", "sha256"), _key_replaced),
        Rule(("keys", "*", "team"), _key_team),
        Rule(("keys", "*", "allowed"), _key_models),
    ]


def _account(place: Place) -> Iterator[Said]:
    gained, lost = _gained_and_lost(place)
    for each in gained:
        yield account_gains(each, place.up().new)
    for each in lost:
        group = marks.group_lost(each) if each in _groups(place.up().old) else ""
        yield say("model-lost", "loses ", name(each), tells=(marks.lost(each),), unless=group)
    if not gained and not lost:
        yield from rewritten(place)


def account_gains(model: str, policy: Any, only: str = "") -> Said:
    """A model that an account may call from now on; of a route group its own fact says more."""
    group = marks.group_gained(model) if model in _groups(policy) else ""
    return say("model-gained", "gains ", name(model), tells=(marks.gained(model),), unless=group, only=only)


def _groups(policy: Any) -> dict[str, Any]:
    groups = policy.get("route_groups") if isinstance(policy, dict) else None
    return groups if isinstance(groups, dict) else {}


def _gained_and_lost(place: Place) -> tuple[list[str], list[str]]:
    old, new = (dict.fromkeys(texts(side)) for side in (place.old, place.new))
    return [each for each in new if each not in old], [each for each in old if each not in new]


def _described(place: Place) -> Iterator[Said]:
    """A model's type and prices come and go with the model."""
    mark = marks.lost(place.key) if place.new is MISSING else marks.gained(place.key)
    for each in difference(place):
        yield replace(each, unless=mark)


def _members(place: Place, code: str, who: tuple[str, ...]) -> Iterator[Said]:
    """What a team or key gains and loses; what the whole account loses is said of the account."""
    gained, lost = _gained_and_lost(place)
    for each in gained:
        yield say(f"{code}-model-gained", *who, " gains ", name(each))
    for each in lost:
        yield say(f"{code}-model-lost", *who, " loses ", name(each), unless=marks.lost(each))
    if not gained and not lost:
        yield from rewritten(place)


def _team(place: Place) -> Iterator[Said]:
    who = ("team ", name(place.key))
    if place.new is MISSING:
        yield say("team-unrestricted", *who, " may call what the account may")
    elif isinstance(place.new, dict) and place.new.keys() == {"allowed"}:
        yield say("team-restricted", *who, " may call ", *_only(place.new["allowed"]))


def _only(allowed: Any) -> tuple[str, ...]:
    return (names(allowed), " alone") if texts(allowed) else ("nothing",)


def _team_models(place: Place) -> Iterator[Said]:
    return _members(place, "team", ("team ", name(place.up().key)))


def _any_keys(place: Place) -> Iterator[Said]:
    """No key at all, and the first one, change who gets in; else only the order of keys is left to say."""
    if not isinstance(place.old, list) or not isinstance(place.new, list):
        raise Unclear
    if not place.new:
        yield say("keys-none", "has no router key any more: open to loopback alone")
    elif not place.old:
        yield say("keys-first", "asks for a router key from now on", unless=marks.ACCOUNT_CREATED)
    elif {each["id"] for each in place.old} == {each["id"] for each in place.new}:
        yield from rewritten(place)


def _key(place: Place) -> Iterator[Said]:
    who = ("router key ", name(place.key))
    if place.new is MISSING:
        yield say("key-lost", "loses ", *who)
        return
    if not isinstance(place.new, dict):
        raise Unclear
    team, allowed = place.new.get("team"), place.new.get("allowed")
    of_team = (" of team ", name(team)) if team is not None else ()
    may_call = (" that may call ", *_only(allowed)) if allowed is not None else ()
    yield say("key-gained", "gains ", *who, *of_team, *may_call)


def _key_replaced(place: Place) -> Iterator[Said]:
    yield say("key-replaced", "router key ", name(place.up().key), " replaced")


def _key_team(place: Place) -> Iterator[Said]:
    old, new = ("none" if side is MISSING else name(text(side)) for side in (place.old, place.new))
    if old == new:
        raise Unclear
    yield say("key-team", "router key ", name(place.up().key), ": team ", new, " (was ", old, ")")


def _key_models(place: Place) -> Iterator[Said]:
    who = ("router key ", name(place.up().key))
    if place.old is MISSING:
        yield say("key-restricted", *who, " may call ", *_only(place.new))
    elif place.new is MISSING:
        yield say("key-unrestricted", *who, " may call what its team or account may")
    else:
        yield from _members(place, "key", who)
