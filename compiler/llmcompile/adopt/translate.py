"""A document as the YAML that compiles to it, as data: defaults left out, refs in place of secrets.

Says only what no YAML could say. Whether the rest makes sense is decided by the very checks that all YAML goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from llmcompile.adopt.reading import Existing
from llmcompile.adopt.reasons import Reasons, pointer
from llmcompile.diagnostics import Route
from llmcompile.inputs.values import ModelCode
from llmcompile.providers import PROVIDERS
from llmcompile.refs import Ref
from llmcompile.suggest import did_you_mean

OAUTH = ("oauth_token_url", "oauth_client_id", "oauth_client_secret", "scopes")
_EXTRAS = ("auth_header", "timeout_seconds", "weight", "tags")
CUSTOMER = ("provider", "version", "supported_models", "deployment_prefix", "base_url", "api_key", *OAUTH,
            "models", "path_style", *_EXTRAS)  # fmt: skip
PROVISIONED = ("api_key", "base_url", "provider", "version", "models", "path_style", *_EXTRAS)
_CODE = TypeAdapter(ModelCode)


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What an account's YAML says and its document does not."""

    regions: tuple[str, ...]
    source: str = "auto"


@dataclass(slots=True)
class Draft:
    """The YAML of one document, in the form in which YAML is loaded."""

    existing: Existing
    reasons: Reasons
    ref_to: Callable[[str], Ref]
    """A ref to the text at a JSON pointer of the version."""
    written: dict[str, Any] = field(default_factory=dict)
    refs: dict[Route, Ref] = field(default_factory=dict)
    """By the secret's route in the document."""
    codes: dict[str, None] = field(default_factory=dict)
    """The models that it names, in order."""

    def ref(self, route: Route, value: Any) -> str | None:
        """What is written in place of a secret; None where there is none to point to."""
        if not isinstance(value, str):
            self.reasons.say(route, "a secret that is not text")
            return None
        self.refs[route] = self.ref_to(pointer(route))
        return str(self.refs[route])

    def code(self, route: Route, name: Any) -> None:
        """A model that the catalogue has to know."""
        try:
            self.codes[_CODE.validate_python(name)] = None
        except ValidationError:
            what = "a model's code is made of letters, digits, '.', '_' and '-', up to 100"
            self.reasons.say(route, f"not the name of a model of the catalogue: {what}")


def account(draft: Draft, unsaid: Unsaid) -> None:
    """The YAML of an account."""
    written = draft.written
    written["account"] = draft.existing.subject.owner
    if len(unsaid.regions) == 1:
        written["region"] = unsaid.regions[0]
    else:
        written["regions"] = unsaid.regions
    if unsaid.source != "auto":
        written["source"] = unsaid.source
    data = _object(draft, (), draft.existing.data)
    if data:
        written["endpoints"] = {name: _own_endpoint(draft, (name,), each) for name, each in data.items()}


def region(draft: Draft) -> None:
    """The YAML of a region."""
    given = _known(draft, (), _object(draft, (), draft.existing.data), ("endpoints", "models"))
    draft.written["region"] = draft.existing.subject.owner
    for key in ("endpoints", "models"):
        if key not in given:
            draft.reasons.say((key,), "it is missing")
    endpoints = _object(draft, ("endpoints",), given.get("endpoints", {}))
    models = _object(draft, ("models",), given.get("models", {}))
    for name in models:
        draft.code(("models", name), name)
    if endpoints:
        draft.written["endpoints"] = {
            name: _platform_endpoint(draft, ("endpoints", name), each) for name, each in endpoints.items()
        }
    if models:
        draft.written["models"] = _as_loaded(models)


def _own_endpoint(draft: Draft, route: Route, data: Any) -> Any:
    if not isinstance(data, dict):
        return _as_loaded(data)  # the input model says what it should be
    given = _known(draft, route, data, CUSTOMER)
    written = _plain_fields(given, ("provider", "version", "base_url", "deployment_prefix"))
    written |= _supported(draft, route, given)
    written |= _key(draft, route, given)
    written |= _oauth(draft, route, given)
    return written | _plain_fields(given, _EXTRAS)


def _platform_endpoint(draft: Draft, route: Route, data: Any) -> Any:
    if not isinstance(data, dict):
        return _as_loaded(data)
    given = {"provider": "azure", **_known(draft, route, data, PROVISIONED)}
    for name in given["models"] if isinstance(given.get("models"), dict) else ():
        draft.code((*route, "models", name), name)
    written = _plain_fields(given, ("provider", "version", "base_url"))
    written |= _key(draft, route, given)
    return written | _plain_fields(given, ("models", *_EXTRAS))


def _object(draft: Draft, route: Route, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    draft.reasons.say(route, "not an object")
    return {}


def _known(draft: Draft, route: Route, data: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """What is used: null says the same as nothing."""
    for key, value in data.items():
        if key not in keys:
            hint = did_you_mean(key, keys)
            draft.reasons.say((*route, key), "a key that llmcompile does not know" + (f"; {hint}" if hint else ""))
        elif value == "":
            draft.reasons.say((*route, key), "it is empty; null is what says that it is not used")
    return {key: data[key] for key in keys if data.get(key) not in (None, "")}


def _plain_fields(given: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The fields that are the same in YAML, without a URL that is the provider's own."""
    known = PROVIDERS.get(given["provider"]) if isinstance(given.get("provider"), str) else None
    defaults = {"base_url": known.base_url} if known else {}
    used = (key for key in keys if key in given and defaults.get(key) != given[key])
    return {key: _as_loaded(given[key]) for key in used}


def _supported(draft: Draft, route: Route, given: Mapping[str, Any]) -> dict[str, Any]:
    """A list of codes, or all of them with the upstream's own names: YAML has no third way."""
    at = (*route, "supported_models")
    if "supported_models" not in given:
        draft.reasons.say(at, "it is missing")
        return {}
    listed, renamed = given["supported_models"], given.get("models")
    if not isinstance(listed, list):
        draft.reasons.say(at, "not a list")
        return {}
    for index, name in enumerate(listed):
        draft.code((*at, index), name)
    if renamed is None:
        return {"supported_models": _as_loaded(listed)}
    if not isinstance(renamed, dict):
        draft.reasons.say((*route, "models"), "not an object")
    elif sorted(map(repr, listed)) != sorted(map(repr, renamed)):
        message = "it does not name each of supported_models once: in YAML an endpoint renames all of them or none"
        draft.reasons.say((*route, "models"), message)
    else:
        return {"supported_models": {code: _as_loaded(renamed[code]) for code in listed}}
    return {"supported_models": _as_loaded(listed)}


def _key(draft: Draft, route: Route, given: Mapping[str, Any]) -> dict[str, Any]:
    ref = draft.ref((*route, "api_key"), given["api_key"]) if "api_key" in given else None
    return {"api_key": ref} if ref else {}


def _oauth(draft: Draft, route: Route, given: Mapping[str, Any]) -> dict[str, Any]:
    if not any(key in given for key in OAUTH):
        return {}
    for key in OAUTH:
        if key not in given:
            draft.reasons.say((*route, key), "it is missing, and other parts of OAuth are there")
    written = {key.removeprefix("oauth_"): _as_loaded(given[key]) for key in OAUTH if key in given}
    if "client_secret" in written:
        written["client_secret"] = draft.ref((*route, "oauth_client_secret"), given["oauth_client_secret"])
    return {"oauth": written}


def _as_loaded(value: Any) -> Any:
    """A JSON value as the YAML loader has it."""
    if isinstance(value, dict):
        return {key: _as_loaded(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_as_loaded(item) for item in value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**15 else Decimal(repr(value))
    return value


def json_route(kind: str, route: Route) -> Route:
    """Where that which is at a route of the YAML stands in the document; all of it for what it does not say."""
    if route[:1] not in (("endpoints",), ("models",)) or (kind == "account" and route[0] == "models"):
        return ()
    if kind == "region":
        return route
    name, below = route[1:2], route[2:]
    if below[:1] == ("oauth",):
        # The whole of it is not at one place in the document, which spells it out.
        below = (_oauth_key(str(below[1])), *below[2:]) if below[1:] else ()
    if below[:1] == ("supported_models",) and below[1:] and isinstance(below[1], str):
        below = ("models", *below[1:])
    return (*name, *below)


def _oauth_key(field: str) -> str:
    return field if field == "scopes" else f"oauth_{field}"
