"""One more endpoint of an account or a region, at its place in the order of priority."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmcompile.edit.draft import Draft
from llmcompile.edit.render import Braces
from llmcompile.edit.scalars import Quoted
from llmcompile.errors import UsageError
from llmcompile.literals import quote
from llmcompile.providers import split_prefix
from llmcompile.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the order: behind another one, first, or (neither) last."""

    after: str | None = None
    first: bool = False

    def index(self, names: Iterable[str]) -> int:
        """The index among names; last where the one to follow is not among them."""
        order = list(names)
        return 0 if self.first else order.index(self.after) + 1 if self.after in order else len(order)


def fields(given: dict[str, Any], oauth: dict[str, Any]) -> dict[str, Any]:
    """An endpoint's fields, without those that were not given."""
    if version := given.get("version"):
        given = {**given, "version": Quoted(version)}
    kept = {key: value for key, value in given.items() if value not in (None, (), {})}
    login = {key: value for key, value in oauth.items() if value not in (None, ())}
    return kept | ({"oauth": login} if login else {})


def listed(models: Iterable[str], known: Collection[str]) -> dict[str, str | None]:
    """Models as the command line has them, ``a,b=upstream``, with the upstream's own name where one is given."""
    found: dict[str, str | None] = {}
    for each in (part.strip() for text in models for part in text.split(",")):
        name, _, upstream = each.partition("=")
        code = split_prefix(name)[1]
        if code not in known:
            raise UsageError(f"no model {quote(code)}", did_you_mean(code, known, "llmcompile model add"))
        if name in found:
            raise UsageError(f"{quote(name)} is given twice", "list each model once")
        found[name] = upstream or None
    return found


def add_to_account(
    draft: Draft,
    held: Mapping[str, object],
    name: str,
    written: dict[str, Any],
    models: dict[str, str | None],
    at: Place,
) -> Draft:
    """The account's file with the endpoint. ``UsageError`` where its name is taken, or the one to follow unknown."""
    _check(held, name, at)
    renamed = any(models.values())
    supported = Braces({each: models[each] or each for each in models}) if renamed else tuple(models)
    return draft.put(("endpoints",), name, _with(written, "supported_models", supported), at.index(held))


def add_to_region(
    draft: Draft,
    held: Mapping[str, object],
    name: str,
    written: dict[str, Any],
    models: dict[str, str | None],
    at: Place,
) -> Draft:
    """The region's file with the endpoint, and with it in the list of each of its models."""
    _check(held, name, at)
    renamed = Braces({each: upstream for each, upstream in models.items() if upstream})
    draft = draft.put(("endpoints",), name, _with(written, "models", renamed), at.index(held))
    for model in models:
        draft = _list_for(draft, model, name, at)
    return draft


def _list_for(draft: Draft, model: str, name: str, at: Place) -> Draft:
    lists = draft.get(("models",)) or {}
    code = split_prefix(model)[1]
    there = next((each for each in (model, *lists) if each in lists and split_prefix(each)[1] == code), None)
    if there is None:
        return draft.put(("models",), model, (name,))
    return draft.put(("models", there), None, name, at.index(lists[there]))


def _check(held: Mapping[str, object], name: str, at: Place) -> None:
    if name in held:
        raise UsageError(f"there is an endpoint {quote(name)} already", "edit that one, or take another name")
    if at.after is not None and at.after not in held:
        raise UsageError(f"no endpoint {quote(at.after)} to follow", did_you_mean(at.after, held))


def _with(written: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The fields with one more before those that come last."""
    if not value:
        return written
    late = ("timeout_seconds", "weight", "tags", "oauth")
    early = {name: each for name, each in written.items() if name not in late}
    return early | {key: value} | {name: written[name] for name in late if name in written}
