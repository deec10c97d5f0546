"""What is possible and probably a slip: names of deployments, ids of OAuth, request parameters, types of models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.endpoint import Authenticated
from llmcompile.link.catalogue import Endpoint, Model, Served
from llmcompile.literals import quote
from llmcompile.load.root import PROJECT_FILE
from llmcompile.suggest import did_you_mean, fix_for, holds_misspelled

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_SHORT_GUID = 28
_ALMOST_GUID = re.compile(r"(?=.*-.*-)[0-9a-f-]{28,40}", re.I)
_RANGES: dict[str, tuple[float, float] | None] = {
    "temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
    "max_tokens": (1, 10**7), "max_completion_tokens": (1, 10**7), "max_output_tokens": (1, 10**7), "n": (1, 128),
    "top_logprobs": (0, 20),
    **dict.fromkeys(
        ("seed", "stop", "logprobs", "logit_bias", "response_format", "reasoning_effort", "parallel_tool_calls",
         "tool_choice", "tools", "user", "store", "service_tier", "verbosity", "modalities", "audio", "metadata",
         "dimensions", "encoding_format", "voice", "speed", "size", "quality", "language", "prompt")
    ),
}  # fmt: skip
"""The parameters of OpenAI's API, with the range of those that have one."""
_TYPES = {
    "embedding": "embedding",
    "embed": "embedding",
    "whisper": "audio_transcription",
    "transcribe": "audio_transcription",
    "tts": "audio_speech",
    "realtime": "realtime",
    "rerank": "rerank",
    "image": "image_generation",
}
"""What a word in a model's code says about its type."""
_NEVER = {
    "embedding": ("text_output", "audio_output"),
    "rerank": ("text_output", "audio_output"),
    "audio_transcription": ("audio_output",),
    "audio_speech": ("audio_input",),
}
"""Units that a type has no use for."""


def deployments(context: Context) -> Iterator[Diagnostic]:
    """An upstream's own name for a model spells the model's code as it is, and not that of its neighbour."""
    for owner in context.owners:
        for endpoint in owner.endpoints.values():
            for served in endpoint.served:
                yield from _deployment(context, endpoint, served)


def _deployment(context: Context, endpoint: Endpoint, served: Served) -> Iterator[Diagnostic]:
    if served.upstream is None or served.upstream in context.catalogue.models:
        return
    place = served.place
    if len(place.route) > 2 and place.route[0] == "models":  # a region's list; the name is written at its endpoint
        place = endpoint.place / "models" / served.code
    named = max((code for code in context.catalogue.models if code in served.upstream), key=len, default="")
    if named not in ("", served.code) and named in endpoint.codes:
        message = f"'{served.code}' is {quote(served.upstream)} upstream, which is named after '{named}'"
        yield Diagnostic("deployment-unlikely", message, place, "swapped?")
    elif not named and holds_misspelled(served.upstream, served.code):
        message = f"{quote(served.upstream)} is almost named after '{served.code}'"
        yield Diagnostic("deployment-unlikely", message, place, f"did you mean '{served.code}' in it?")


def oauth(context: Context) -> Iterator[Diagnostic]:
    """Ids of OAuth are whole, and scopes of client credentials end in /.default."""
    for name, credential in context.credentials.items():
        yield from _oauth(Place(PROJECT_FILE, ("credentials", name, "oauth")), credential)
    for owner in context.owners:
        for name, endpoint in owner.input.endpoints.items():
            yield from _oauth(Place(owner.file, ("endpoints", name, "oauth")), endpoint)


def _oauth(place: Place, written: Authenticated) -> Iterator[Diagnostic]:
    if written.oauth is None:
        return
    for field, text in (("client_id", written.oauth.client_id), ("token_url", written.oauth.token_url)):
        broken = [
            each
            for each in text.split("/")
            if len(each) >= _SHORT_GUID and _ALMOST_GUID.fullmatch(each) and not _GUID.fullmatch(each)
        ]
        if broken:
            message = f"{quote(broken[0])} is almost an id of 8-4-4-4-12 hexadecimal digits"
            yield Diagnostic("oauth-unlikely", message, place / field, "copy it again")
    for index, scope in enumerate(written.oauth.scopes):
        if scope.startswith(("api://", "https://")) and not scope.endswith("/.default"):
            stem = scope.rpartition("/")[0] if re.search(r"/\.?d[a-z]+$", scope) else scope.rstrip("/")
            message = "client credentials ask for all that an application was granted: a scope ends in /.default"
            yield Diagnostic("oauth-unlikely", message, place / "scopes" / index, f"write '{stem}/.default'")


def parameters(context: Context) -> Iterator[Diagnostic]:
    """Request parameters that the router adds are called as the API calls them, and lie in its ranges."""
    for model in context.models:
        for name, value in model.input.default_params.items():
            place = Place(model.file, ("default_params", name))
            if name in _RANGES:
                yield from _in_range(place, name, value)
            elif re.search("[ :=]", name) or fix_for(name, _RANGES, closed=True):
                message = f"no request parameter is called {quote(name)}"
                hint = did_you_mean(re.split("[ :=]", name)[0], _RANGES)
                yield Diagnostic("param-unlikely", message, place.key(), hint)


def _in_range(place: Place, name: str, value: Any) -> Iterator[Diagnostic]:
    bounds = _RANGES[name]
    if bounds is None or value is None:
        return
    low, high = bounds
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        message = f"{name} is a number from {low:,} to {high:,}"
        yield Diagnostic("param-unlikely", message, place, "correct it, or leave it to the client")


def types(context: Context) -> Iterator[Diagnostic]:
    """A model is of the type that its code speaks of, and has no price that its type has no use for."""
    for model in context.models:
        said = next((_TYPES[word] for word in re.split(r"[^a-z]+", model.input.code.lower()) if word in _TYPES), None)
        place = Place(model.file, ("type",))
        if said not in (None, model.input.type) and not (
            said == "realtime" and model.realtime and model.input.type == "chat"
        ):
            message = f"'{model.input.code}' is {model.input.type} here, and called like {said}"
            yield Diagnostic("type-unlikely", message, place, f"did you mean '{said}'?")
        else:
            yield from _useless_units(model, place)


def _useless_units(model: Model, place: Place) -> Iterator[Diagnostic]:
    for index, row in enumerate(model.input.token_costs):
        if model.input.type in ("embedding", "rerank") and row.per_million_tokens.text_input is None:
            continue  # a unit that is missing is said, and is the same slip
        for unit, price in row.per_million_tokens.items():
            if unit in _NEVER.get(model.input.type, ()) and price:
                at = Place(model.file, ("token_costs", index, "per_million_tokens", unit))
                message = f"a model of type {model.input.type} has no {unit}"
                yield Diagnostic(
                    "type-unlikely",
                    message,
                    place,
                    "correct the type, or remove the price",
                    (Related(at, "its price"),),
                )
                return
