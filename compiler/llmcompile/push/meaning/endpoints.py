"""What the fields of an endpoint say, an account's own and the platform's.

Of a credential they say that it was added, replaced or removed, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from llmcompile.push.meaning import marks
from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Name, Unclear, name, names, number, text, texts, url
from llmcompile.push.meaning.walk import Place, Rule, Sayer, rewritten

_AUTH_FIELDS = ("api_key", "oauth_token_url", "oauth_client_id", "oauth_client_secret", "scopes")
_HARMLESS_FORMAT = re.compile(r"((Bearer|Basic|Token|Key|Api-Key) )?\{api_key\}")
_DEFAULT = "the router's default"


def endpoint_rules(at: tuple[str, ...]) -> list[Rule]:
    """The rules for endpoints that stand at a pattern."""
    fields: dict[str, Sayer] = {
        "provider": partial(_field, "endpoint-provider", "provider", name, "azure"),
        "base_url": partial(_field, "endpoint-url", "base_url", url, "none"),
        "version": partial(_field, "endpoint-version", "version", name, _DEFAULT),
        "deployment_prefix": partial(_field, "endpoint-prefix", "deployment_prefix", name, "none"),
        "path_style": partial(_field, "endpoint-path-style", "path_style", name, "azure"),
        "timeout_seconds": partial(_field, "endpoint-timeout", "timeout_seconds", number, _DEFAULT),
        "weight": partial(_field, "endpoint-weight", "weight", number, "1"),
        "tags": partial(_field, "endpoint-tags", "tags", names, "none"),
        "auth_header": partial(_field, "endpoint-header", "auth_header", _header, "the provider's"),
        "supported_models": _models,
        "api_key": partial(_auth, partial(_hidden, "endpoint-credential", "API key")),
        "oauth_client_secret": partial(_auth, partial(_hidden, "endpoint-credential", "OAuth secret")),
        "oauth_client_id": partial(_auth, partial(_hidden, "endpoint-oauth", "OAuth client")),
        "oauth_token_url": partial(_auth, partial(_field, "endpoint-oauth", "OAuth token URL", url, "none")),
        "scopes": partial(_auth, partial(_field, "endpoint-oauth", "OAuth scopes", names, "none")),
    }
    return [
        Rule(at, _comes_or_goes, on="presence"),
        *(Rule((*at, field), sayer) for field, sayer in fields.items()),
        Rule((*at, "models", "*"), _upstream_name),
    ]


def _given(value: Any) -> Any:
    """Null and absent mean the same."""
    return None if value is MISSING else value


def _field(code: str, label: str, shown: Callable[[Any], str], absent: str, place: Place) -> Iterator[Said]:
    given = _given(place.old), _given(place.new)
    old, new = (absent if side is None else shown(side) for side in given)
    start = ("endpoint ", name(place.up().key), f": {label} ")
    if old != new:
        yield say(code, *start, new, " (was ", old, ")")
    elif None in given:
        yield from rewritten(place)  # what is left out, spelled out
    else:
        yield say(code, *start, "changed in what is not shown")


def _hidden(code: str, label: str, place: Place) -> Iterator[Said]:
    """A field of which nothing is shown."""
    old, new = _given(place.old), _given(place.new)
    if not all(side is None or isinstance(side, str) for side in (old, new)):
        raise Unclear
    if old == new:
        yield from rewritten(place)
        return
    verb = "added" if old is None else "removed" if new is None else "replaced"
    yield say(code, "endpoint ", name(place.up().key), f": {label} {verb}")


def _auth(otherwise: Sayer, place: Place) -> Iterator[Said]:
    """One fact for all fields where the kind of authentication changes."""
    endpoint = place.up()
    old, new = (_style(side) for side in (endpoint.old, endpoint.new))
    if old == new:
        yield from otherwise(place)
    else:
        yield say("endpoint-auth", "endpoint ", name(endpoint.key), f": authenticates with {new} (was {old})")


def _style(endpoint: Any) -> str:
    held = {field for field in _AUTH_FIELDS if isinstance(endpoint, dict) and endpoint.get(field) is not None}
    styles = [*(["an API key"] if "api_key" in held else []), *(["OAuth"] if held - {"api_key"} else [])]
    return " and ".join(styles) or "nothing"


def _header(value: Any) -> Name:
    """The name; the format where it is nothing but the placeholder and a well-known word."""
    if not isinstance(value, dict) or value.keys() != {"name", "format"}:
        raise Unclear
    shown = text(value["format"])
    return Name(f"{name(value['name'])}: {shown if _HARMLESS_FORMAT.fullmatch(shown) else 'a format of its own'}")


def _comes_or_goes(place: Place) -> Iterator[Said]:
    if place.new is MISSING:
        yield say("endpoint-lost", "loses endpoint ", name(place.key))
        return
    if not isinstance(place.new, dict):
        raise Unclear
    yield say("endpoint-gained", "gains endpoint ", name(place.key), *_summary(place.new))


def _summary(endpoint: dict[str, Any]) -> list[str]:
    """What an endpoint is, as far as it can be read."""
    try:
        where = [name(endpoint.get("provider", "azure")), ", ", url(endpoint["base_url"])]
        models = endpoint.get("supported_models")
        served = [", for ", names(models)] if models is not None else []
    except (KeyError, Unclear):
        return []
    return [" (", *where, *served, ")"]


def _models(place: Place) -> Iterator[Said]:
    """Models of an endpoint that stays: said here where the account as a whole neither gains nor loses them."""
    endpoint = place.up().key
    old, new = (dict.fromkeys(texts(side)) for side in (place.old, place.new))
    if old.keys() == new.keys():
        yield from rewritten(place)
    start = ("endpoint ", name(endpoint))
    for each in new.keys() - old.keys():
        yield say("endpoint-model-gained", *start, " serves ", name(each), unless=marks.gained(each))
    for each in old.keys() - new.keys():
        tells = (marks.stopped(endpoint, each),)
        yield say("endpoint-model-lost", *start, " no longer serves ", name(each), tells=tells, unless=marks.lost(each))


def _upstream_name(place: Place) -> Iterator[Said]:
    """What an endpoint calls a model; nothing new where it stopped serving it."""
    endpoint = place.up(2).key
    old, new = ("its own name" if side is MISSING else name(side) for side in (place.old, place.new))
    is_called = ("endpoint ", name(endpoint), ": calls ", name(place.key), " ")
    how = (new, " (was ", old, ")") if new != old else ("otherwise, in what is not shown",)
    unless = marks.stopped(endpoint, place.key) if place.new is MISSING else ""
    yield say("endpoint-upstream-name", *is_called, *how, unless=unless)
