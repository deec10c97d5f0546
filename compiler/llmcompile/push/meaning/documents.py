"""The three kinds of documents: who says what differs in them, and what their coming and going means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, NoReturn

from llmcompile.push.meaning import marks
from llmcompile.push.meaning.access import access_rules, account_gains
from llmcompile.push.meaning.budgets import budget_rules
from llmcompile.push.meaning.endpoints import endpoint_rules
from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.limits import limits_rules, shown_limits
from llmcompile.push.meaning.models import model_rules
from llmcompile.push.meaning.prices import price_rules
from llmcompile.push.meaning.routing import account_rules, policy_rules, region_rules
from llmcompile.push.meaning.shown import Unclear, name, names, number, texts
from llmcompile.push.meaning.walk import Place, Rule, Rules, Sayer, walk
from llmcompile.secret_ids import Kind


class Unreadable:
    """What stands for something that is no document."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE: Final = Unreadable()


def read(payload: bytes | None) -> Any:
    """A document of a store; ``UNREADABLE`` for bytes that are none, or none that can be had."""
    try:
        data = json.loads(payload.decode(), object_pairs_hook=_once, parse_constant=_never) if payload else None
    except (ValueError, RecursionError):
        return UNREADABLE
    return data if isinstance(data, dict) else UNREADABLE


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key occurs twice")
    return data


def _never(constant: str) -> NoReturn:
    raise ValueError(constant)


def _value(code: str, label: str, place: Place) -> Iterator[Said]:
    shown = number if code == "policy-format" else name
    yield say(code, f"{label} ", shown(place.new), " (was ", shown(place.old), ")")


RULES: Mapping[Kind, Rules] = {
    "CUSTOMER_LLM_CONFIG": Rules([*account_rules(), *endpoint_rules(("*",))]),
    "PROVISIONED_OPENAI_CONFIG": Rules([*region_rules(), *endpoint_rules(("endpoints", "*"))]),
    "ROUTER_POLICY": Rules(
        [
            Rule(("version",), partial(_value, "policy-format", "format")),
            Rule(("account",), partial(_value, "policy-account", "the policy is that of account")),
            *access_rules(),
            *limits_rules(),
            *budget_rules(),
            *model_rules(),
            *price_rules(),
            *policy_rules(),
        ],
        keyed=[(("keys",), "id")],
    ),
}

_EMPTY: Mapping[Kind, Mapping[str, Any]] = {
    "CUSTOMER_LLM_CONFIG": {},
    "PROVISIONED_OPENAI_CONFIG": {"endpoints": {}, "models": {}},
    "ROUTER_POLICY": {"teams": {}, "keys": [], "route_groups": {}},
}
"""What a document that is not there stands for."""
_AS_A_WHOLE = ("version", "account", "source", "limits", "allowed", "models")
"""What is said of a first policy as a whole."""


def said_of(kind: Kind, old: Any, new: Any, rules: Rules, rest: Sayer) -> Iterator[Said]:
    """What differs between two documents; None where there is none."""
    if new is None:
        yield from _removed(kind) if old is not None else ()
        return
    sides = {"old": old, "new": new}
    unreadable = [which for which, side in sides.items() if side is not None and not isinstance(side, dict)]
    for which in unreadable:
        yield say("document-unreadable", f"the {which} {kind} cannot be read as a document")
    if unreadable:
        return
    if old is None:
        yield from _created(kind, new)
        old = _before(kind, new)
    try:
        yield from list(walk(Place((), old, new), rules, rest))
    except RecursionError:
        yield say("difference", "changed: something nested too deep to be shown")


def _removed(kind: Kind) -> Iterator[Said]:
    if kind == "PROVISIONED_OPENAI_CONFIG":
        yield say("region-removed", "no longer in git; its secret stays")
        return
    yield say("account-removed", "no longer in git; its secrets stay", only=marks.ACCOUNT_REMOVED)
    yield say("document-removed", f"{kind} no longer in git; its secret stays", unless=marks.ACCOUNT_REMOVED)


def _created(kind: Kind, new: dict[str, Any]) -> Iterator[Said]:
    if kind == "PROVISIONED_OPENAI_CONFIG":
        yield say("region-created", "new region")
    elif kind == "CUSTOMER_LLM_CONFIG":
        yield say("document-created", f"gets a {kind}", unless=marks.ACCOUNT_CREATED)
    else:
        try:
            yield from _policy_created(new)
        except Unclear:
            yield say("document-created", f"gets a {kind} that cannot be read")


def _policy_created(new: dict[str, Any]) -> Iterator[Said]:
    allowed = texts(new.get("allowed"))
    brings = ("source ", name(new.get("source")), f", {shown_limits(new.get('limits'))}")
    yield say("account-created", "new account: ", *brings, only=marks.ACCOUNT_CREATED)
    for each in allowed:
        yield account_gains(each, new, only=marks.ACCOUNT_CREATED)
    may_call = (", may call ", names(allowed), " alone" if allowed else "")
    yield say("policy-created", "gets its first policy: ", *brings, *may_call, unless=marks.ACCOUNT_CREATED)


def _before(kind: Kind, new: dict[str, Any]) -> dict[str, Any]:
    """What a new document is compared with."""
    empty = _EMPTY[kind]
    kept = _AS_A_WHOLE if kind == "ROUTER_POLICY" else ()
    return {key: new[key] if key in kept else empty[key] for key in new if key in kept or key in empty}
