"""What a fault is and what a request through it comes to, and the words to write many of them down.

A fault is tried at an endpoint that stands alone and at one with a healthy second behind it, asked for a whole answer
and for a stream. The faults themselves are in ``fault_matrix.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from scripted import Listens, Script

Mode = Literal["plain", "streamed"]
World = Literal["alone", "second"]
MODES: tuple[Mode, ...] = ("plain", "streamed")
WORLDS: tuple[World, ...] = ("alone", "second")

TOKENS = (10, 4)
COST = "0.000065"
TOKEN = "canary-token-of-the-endpoint"


@dataclass(frozen=True, slots=True)
class Row:
    """What one request comes to."""

    status: int
    """The client's; the log line has the same."""
    sees: str
    """What the client gets, in the words of ``test_faults.seen``."""
    calls: tuple[int, int]
    """Requests that came to the faulty endpoint and to the second."""
    attempts: int
    error: str | None = None
    """The code in the log line."""
    tokens: tuple[int | None, int | None] = (None, None)
    cost: str | None = None


Rows = tuple[Row, ...]  # one for each request, which follow each other


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of bad day."""

    name: str
    calls: Mapping[Mode, tuple[Script, ...]]
    rows: Mapping[tuple[World, Mode], Rows]
    listens: Listens = Listens.WHOLE
    tls: Literal["", "unknown", "asked"] = ""
    """``unknown``: a certificate that nobody vouches for; ``asked``: none, though the URL is https."""
    tokens: tuple[Script, ...] = ()
    """The token endpoint, where the faulty one is called with OAuth."""
    tokens_listen: Listens = Listens.WHOLE
    impatient: bool = False
    """Whether the router's time limits are short."""
    fallbacks: str = ""
    """A list of fallbacks of the model; then the second endpoint serves another one."""
    padding: int = 0
    """Bytes that the request is longer."""
    keys: Mapping[str, Any] = field(default_factory=dict)


def http(status: int, body: bytes | dict[str, Any] = b"", *headers: str) -> bytes:
    """A whole answer."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    kind = ["content-type: application/json"] if isinstance(body, dict) else []
    return head(status, *kind, *headers, f"content-length: {len(data)}") + data


def head(status: int, *headers: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", *headers, "")).encode()


def error(status: int, code: str = "x", *headers: str) -> bytes:
    """An error as an upstream tells it."""
    return http(status, {"error": {"message": f"it said {status}", "code": code}}, *headers)


def answer(name: str, **more: Any) -> bytes:
    """A completion; usage is 10 and 4 unless told otherwise."""
    message = {"role": "assistant", "content": f"hello from {name}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    told = {"usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}} | more
    found = {"id": "c1", "object": "chat.completion", "created": 1, "model": "upstream", "choices": [choice], **told}
    return json.dumps({name: value for name, value in found.items() if value != "none"}).encode()


def _event(delta: dict[str, Any], **more: Any) -> bytes:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "upstream"}
    choices = [{"index": 0, "delta": delta, "finish_reason": None}]
    return b"data: " + json.dumps({**chunk, "choices": choices, **more}).encode() + b"\n\n"


def words(name: str) -> bytes:
    """Two events."""
    return _event({"content": "hello "}) + _event({"content": f"from {name}"})


def usage_event(given: Any = 10, made: Any = 4) -> bytes:
    """What tells the usage; the client did not ask for it."""
    return _event({}, choices=[], usage={"prompt_tokens": given, "completion_tokens": made})


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """A chunk of a chunked body."""
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


JSON, EVENTS = "content-type: application/json", "content-type: text/event-stream"
CHUNKED = "transfer-encoding: chunked"
DONE, LAST = b"data: [DONE]\n\n", b"0\r\n\r\n"
BEGUN = head(200, EVENTS, CHUNKED)
FIRST, SECOND = answer("first"), answer("second")
HTML = "content-type: text/html"
PAGE = b"<!doctype html><html><body>Sign in to the proxy</body></html>"
LENGTH = f"content-length: {len(FIRST)}"
GOOD: dict[Mode, bytes] = {"plain": http(200, FIRST, JSON)}
GOOD["streamed"] = BEGUN + chunk(words("first")) + chunk(usage_event()) + chunk(DONE) + LAST
HEALTHY: dict[Mode, bytes] = {"plain": http(200, SECOND, JSON)}
HEALTHY["streamed"] = BEGUN + chunk(words("second") + usage_event() + DONE) + LAST


def dated(seconds: float) -> str:
    """A Retry-After with the date of so many seconds from when it is written."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


# What it comes to, in the cases that are many.


def answered(calls: int = 1, attempts: int | None = None, sees: str = "the answer") -> Row:
    """The endpoint's own answer after all."""
    return Row(200, sees, (calls, 0), attempts or calls, None, TOKENS, COST)


def unknown(sees: str = "the answer", tokens: tuple[int | None, int | None] = (None, None)) -> Row:
    """Its answer, without a cost."""
    return Row(200, sees, (1, 0), 1, None, tokens)


def lost(calls: int = 1, attempts: int = 1) -> Row:
    """Nobody gave an answer that could be passed on."""
    return Row(502, "error upstream_failed", (calls, 0), attempts, "upstream_failed")


def passed(status: int, calls: int = 1, sees: str = "its error") -> Row:
    """The endpoint's own error."""
    return Row(status, sees, (calls, 0), calls)


def unreadable(status: int) -> Row:
    """The status of an error that was none of the API's, in an error of the router's own."""
    return passed(status, 1, "error upstream_error")


def moved(calls: int = 1, attempts: int = 2) -> Row:
    """The second's answer."""
    return Row(200, "the second's answer", (calls, 1), attempts, None, TOKENS, COST)


def broken(sees: str, tokens: tuple[int | None, int | None] = (None, None), cost: str | None = None) -> Row:
    """A stream that did not come to its end."""
    return Row(200, sees, (1, 0), 1, "stream_broken", tokens, cost)


def fault(
    name: str,
    *plain: Script,
    streamed: tuple[Script, ...] = (),
    alone: Row | Rows,
    second: Row | Rows,
    **more: Any,
) -> Fault:
    """A fault; ``alone_streamed`` and ``second_streamed`` where a stream comes to something else."""
    kept = {"alone": alone, "second": second}
    rows = {(world, mode): more.pop(f"{world}_{mode}", kept[world]) for world in WORLDS for mode in MODES}
    whole = {place: each if isinstance(each, tuple) else (each,) for place, each in rows.items()}
    return Fault(name, {"plain": plain, "streamed": streamed or plain}, whole, **more)


def both(name: str, plain: Script, streamed: Script, **more: Any) -> Fault:
    """A fault in one call, that looks different in a stream."""
    return fault(name, plain, streamed=(streamed,), **more)


MOVES = {"alone": lost(), "second": moved()}
"""There is no answer, and the next endpoint is asked."""
NOT_REACHED = {"alone": lost(0), "second": moved(0)}
GOES_ON = {"alone": answered(), "second": answered()}
"""Nobody notices."""


def cut(sees: str, **more: Any) -> dict[str, Row]:
    """A stream that had begun: no second endpoint can help."""
    row = broken(sees, **more)
    return {"alone_streamed": row, "second_streamed": row}


def status(code: int, *headers: str) -> Fault:
    """A status that another endpoint may not have."""
    return fault(f"{code}", (error(code, "x", *headers),), alone=passed(code), second=moved())


def client_error(name: str, code: int, word: str = "x") -> Fault:
    """A status that is the client's."""
    return fault(name, (error(code, word),), alone=passed(code), second=passed(code))


def once(name: str, header: str) -> Fault:
    """A 429 that asks for patience, then an answer."""
    busy = (error(429, "x", header),)
    plain, stream = (busy, (GOOD["plain"],)), (busy, (GOOD["streamed"],))
    return fault(name, *plain, streamed=stream, alone=answered(2), second=moved())


def unasked(name: str, header: str) -> Fault:
    """A 429 that is not waited for."""
    return fault(name, (error(429, "x", header),), alone=passed(429), second=moved())
