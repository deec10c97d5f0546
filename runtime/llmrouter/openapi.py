"""The router's own description as OpenAPI 3.1: each path and method of ``operations.ROUTES``, and how it refuses.

What models are asked and answer is their providers' to describe; the router reads of a body what is said here.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from llmrouter import __version__
from llmrouter.operations import ROUTES, Operation, Route

_Json = dict[str, Any]

_ERROR: _Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}
_MODEL: _Json = {
    "type": "object",
    "required": ["id", "object", "created", "owned_by"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "model"},
        "created": {"type": "integer"},
        "owned_by": {"type": "string"},
    },
}
_MODELS: _Json = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": _MODEL}},
}
_NAME: _Json = {"type": "string", "minLength": 1, "description": "A model or a route group that the key may call."}
_SCHEMAS: _Json = {"Name": _NAME, "Error": _ERROR, "Model": _MODEL, "Models": _MODELS}
_NAMED: _Json = {"$ref": "#/components/schemas/Name"}
_REQUEST_ID: _Json = {"required": True, "schema": {"type": "string"}, "description": "Of the log line."}
_TOLD_ALWAYS: _Json = {"x-request-id": {"$ref": "#/components/headers/RequestId"}}
_PATIENCE: _Json = {
    "retry-after": {"required": True, "schema": {"type": "string"}, "description": "Seconds."},
    "retry-after-ms": {"schema": {"type": "string"}, "description": "The same in milliseconds."},
}
_REFUSALS = {
    400: "The request makes no sense: its framing, its JSON or form, or no model in it.",
    401: "No key, or not one of this router's.",
    404: "No such model or response for this key.",
    413: "The body is over the limit.",
    429: "A limit or a budget of the account or key is reached, or all endpoints ask for patience.",
    500: "A fault of the router.",
    502: "No endpoint answered.",
    503: "Limits cannot be checked.",
}
_UPSTREAM: _Json = {
    "4XX": {"description": "The upstream's own answer, as it came."},
    "5XX": {"description": "The last upstream's answer, where all of them failed."},
}
_TOLD = {"health": "Whether it runs", "ready": "What is served since when, by digest", "openapi": "This description"}


@cache
def description() -> bytes:
    """The document as JSON."""
    return json.dumps(_document(), indent=1).encode()


def _document() -> _Json:
    info = {"title": "llmrouter", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "api-key": {"type": "apiKey", "in": "header", "name": "api-key"},
    }
    return {
        "openapi": "3.1.0",
        "info": info | {"description": "OpenAI-compatible traffic. Where the account has no keys, none is asked for."},
        "security": [{name: []} for name in schemes],
        "paths": {path: _path(route) for path, route in ROUTES.items()},
        "components": {
            "schemas": _SCHEMAS,
            "headers": {"RequestId": _REQUEST_ID},
            "responses": {f"Error{status}": _refusal(status) for status in _REFUSALS},
            "securitySchemes": schemes,
        },
    }


def _path(route: Route) -> _Json:
    return {method.lower(): _method(route, method) for method in route.methods} | _parameters(route)


def _method(route: Route, method: str) -> _Json:
    name = "_".join(part for part in route.template.replace("{", "").replace("}", "").split("/") if part)
    told: _Json = {"operationId": f"{method.lower()}_{name}", "summary": _summary(route)}
    if route.kind == "call" and route.operation is not None and route.operation.sends != "socket":
        told["requestBody"] = _asked(route.operation, "{model}" in route.template)
    return told | {"responses": _answers(route)} | ({"security": []} if route.kind in _TOLD else {})


def _summary(route: Route) -> str:
    if route.operation is not None:
        return f"{route.operation.path}{route.rest} of the OpenAI API"
    return _TOLD.get(route.kind, "What is counted, for Prometheus" if route.kind == "metrics" else "What may be called")


def _parameters(route: Route) -> _Json:
    found = []
    if "{model}" in route.template:
        found.append({"name": "model", "in": "path", "required": True, "schema": _NAMED})
    if "{response}" in route.template:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
        found.append({"name": "response", "in": "path", "required": True, "schema": schema})
    elif route.operation is not None and route.operation.sends == "socket" and not found:
        found += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("model", "deployment")]
    return {"parameters": found} if found else {}


def _asked(operation: Operation, is_named: bool) -> _Json:
    """What the router itself reads of a body: the model, unless the path names it."""
    schema: _Json = {"type": "object"}
    if not is_named:
        schema |= {"required": ["model"], "properties": {"model": _NAMED}}
    if operation.sends == "form":
        schema |= {
            "minProperties": 1,
            "patternProperties": {r'^[^"\\\r\n]+$': {"type": "string"}},
            "additionalProperties": False,
        }
    kind = "multipart/form-data" if operation.sends == "form" else "application/json"
    return {"required": True, "content": {kind: {"schema": schema}}}


def _answers(route: Route) -> _Json:
    match route.kind:
        case "call" | "state" if route.operation is not None and route.operation.sends == "socket":
            good: _Json = {"101": {"description": "A WebSocket, to the upstream's."}}
        case "call" | "state":
            kinds = ("application/json", "text/event-stream", "*/*")
            good = {
                "2XX": {"description": "The upstream's answer, as it came.", "content": {each: {} for each in kinds}}
            }
        case "models":
            schema = {"$ref": f"#/components/schemas/{'Model' if '{model}' in route.template else 'Models'}"}
            good = {
                "200": {"description": "What the key may call.", "content": {"application/json": {"schema": schema}}}
            }
        case "metrics":
            good = {"200": {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}}
        case _:
            content = {"application/json": {"schema": {"type": "object"}}}
            good = {"200": {"description": _TOLD[route.kind], "content": content}}
    good = {status: {"headers": _TOLD_ALWAYS} | told for status, told in good.items()}
    refused = {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in _refusals(route)}
    return good | refused | (_UPSTREAM if route.operation is not None else {})


def _refusals(route: Route) -> tuple[int, ...]:
    if route.operation is not None:
        return tuple(_REFUSALS)
    if route.kind in _TOLD:
        return (400, 500)
    return (400, 401, 404, 500) if "{model}" in route.template else (400, 401, 500)


def _refusal(status: int) -> _Json:
    told: _Json = {
        "description": _REFUSALS[status],
        "headers": _TOLD_ALWAYS | (_PATIENCE if status in (429, 503) else {}),
    }
    return told | {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
