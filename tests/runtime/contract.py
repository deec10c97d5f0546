"""What Azure's specification (2024-10-21, and 2025-03-01-preview for what came later) has a request look like.

Written by hand from it: path, query, headers and body of each operation that the router forwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from standin import Seen

_VERSION = re.compile(r"api-version=20\d\d-\d\d-\d\d(-preview)?")
_DEPLOYMENT = re.compile(r"/openai/deployments/([A-Za-z0-9._-]+)/(.+)")
_TOP = re.compile(r"/openai/(responses(/resp_[A-Za-z0-9]+(/cancel|/input_items)?)?|realtime)")
_EXPECTED = {"host", "content-length", "content-type", "accept", "accept-encoding", "user-agent", "x-request-id"}
_EXPECTED |= {"api-key", "authorization", "traceparent", "tracestate", "openai-beta"}
_SOCKET = {"connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"}


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _input(value: Any) -> bool:
    return _text(value) or (isinstance(value, list) and bool(value))


def _messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_text(each.get("role")) for each in value)


_BODIES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "chat/completions": {"messages": _messages},
    "completions": {"prompt": _input},
    "embeddings": {"input": _input},
    "images/generations": {"prompt": _text},
    "audio/speech": {"input": _text, "voice": _text},
    "audio/transcriptions": {"file": bool},
    "responses": {"model": _text, "input": _input},
}


def violations(seen: Seen) -> list[str]:
    """Everything that Azure would not accept, or that has no place in a request to it."""
    found, operation = [], ""
    if match := _DEPLOYMENT.fullmatch(seen.path):
        operation = match[2]
        if operation not in _BODIES or operation == "responses":
            found.append(f"no such operation of a deployment: {operation}")
    elif match := _TOP.fullmatch(seen.path):
        operation = match[1].partition("/")[0]
    else:
        found.append(f"no such path: {seen.path}")
    first, *rest = seen.query.split("&")
    if not _VERSION.fullmatch(first) or any(each.startswith("api-version") for each in rest):
        found.append(f"wrong query: {seen.query}")
    return found + _headers(seen, operation) + _body(seen, operation)


def _headers(seen: Seen, operation: str) -> list[str]:
    known = _EXPECTED | _SOCKET if operation == "realtime" else _EXPECTED
    found = [f"header that is not Azure's: {name}" for name in seen.headers if name not in known]
    if ("api-key" in seen.headers) == (seen.headers.get("authorization", "").startswith("Bearer ")):
        found.append("needs one of api-key and a bearer token")
    return found


def _body(seen: Seen, operation: str) -> list[str]:
    if seen.method != "POST" or seen.path.endswith("/cancel"):
        return ["a body where none belongs"] if seen.body else []
    wanted = "multipart/form-data; boundary=" if operation == "audio/transcriptions" else "application/json"
    found = [] if seen.headers.get("content-type", "").startswith(wanted) else ["wrong content-type"]
    fields: dict[str, Any] = dict(seen.form) or seen.json
    found += [f"bad {name}" for name, good in _BODIES.get(operation, {}).items() if not good(fields.get(name))]
    return found
