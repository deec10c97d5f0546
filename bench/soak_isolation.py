"""What an endpoint of the soak may be sent: its own credential and no other, its own model, one request's own content.

Pure: a request goes in, everything that should not be there comes out as a line of text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from soak_documents import PLACES, deployed, holds_router_key, keys_of
from soak_plan import KINDS, Plan, content

_CREDENTIALS = ("authorization", "api-key", "x-spare-key", "cookie", "proxy-authorization")
_keys_of = cache(keys_of)


class Asked(NamedTuple):
    """A request as it came to an endpoint."""

    name: str
    endpoint: str
    headers: Mapping[str, str]
    path: str
    """Behind the endpoint's base URL."""
    query: str
    body: bytes

    @property
    def plan(self) -> Plan:
        """What its id says."""
        return Plan.read(self.name)

    @property
    def data(self) -> dict[str, Any]:
        """Its JSON; empty where it is none."""
        found: dict[str, Any] = json.loads(self.body) if self.body.startswith(b"{") else {}
        return found


def strange(asked: Asked) -> list[str]:
    """Everything that should not be there."""
    found = [*_credentials(asked), *_addressed(asked), *_mixed(asked)]
    return [f"{asked.name} at {asked.endpoint}: {each}" for each in found]


def _credentials(asked: Asked) -> Iterator[str]:
    place = PLACES[asked.endpoint]
    shown = [each for each in _CREDENTIALS if each in asked.headers]
    if shown != [place.header or "authorization"]:
        yield f"the credentials sent are {shown}"
    elif place.header and asked.headers[place.header] not in _keys_of(asked.endpoint):
        yield f"the credential in {place.header} is not its own"
    sent = "\n".join([*asked.headers.values(), asked.path, asked.query]).encode() + asked.body
    if holds_router_key(sent):
        yield "a router key is in it"


def _addressed(asked: Asked) -> Iterator[str]:
    """The deployment that its document names, by the path or in the body."""
    place, kind, model = PLACES[asked.endpoint], asked.plan.kind, deployed(asked.endpoint, asked.plan.kind)
    path = KINDS[kind].path
    named = path in ("responses", "realtime") or not place.azure
    wanted = ("openai/" if place.azure else "") + (path if named else f"deployments/{model}/{path}")
    if kind == "state":
        wanted += f"/resp_{asked.endpoint}"  # one that it keeps
    if asked.path != wanted:
        yield f"it was asked for {asked.path} and not for {wanted}"
    if place.azure and "api-version" not in parse_qs(asked.query):
        yield "no API version is named"
    if kind == "realtime":
        told = parse_qs(asked.query).get("deployment" if place.azure else "model")
    elif kind == "hear":
        told = [model] if f'name="model"\r\n\r\n{model}\r\n'.encode() in asked.body else None
    else:
        told = [asked.data["model"]] if "model" in asked.data else None
    if kind != "state" and told != [model] and (named or told):
        yield f"it was asked for the model {told} and not for {model}"


def _mixed(asked: Asked) -> Iterator[str]:
    """Whose content it is."""
    if asked.plan.kind == "hear":
        if content(asked.name) not in asked.body:
            yield "the file is not what its client sent"
    elif asked.plan.kind not in ("state", "realtime") and asked.data.get("user") != asked.name:
        yield f"it has the content of {asked.data.get('user')}"
