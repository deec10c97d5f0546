"""The fault matrix: what an upstream does, call by call, and what that comes to, in one place.

``docs/reliability.md`` shows it (``make golden`` writes it there); ``test_faults.py`` plays it through a real router.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

from faults import (
    BEGUN,
    CHUNKED,
    COST,
    DONE,
    EVENTS,
    FIRST,
    GOES_ON,
    GOOD,
    JSON,
    LAST,
    MOVES,
    NOT_REACHED,
    TOKEN,
    TOKENS,
    Fault,
    Row,
    answer,
    answered,
    both,
    broken,
    chunk,
    client_error,
    cut,
    error,
    fault,
    head,
    http,
    lost,
    moved,
    once,
    passed,
    status,
    unasked,
    unknown,
    unreadable,
    usage_event,
    words,
)
from scripted import Drip, End, Listens, Script
from worlds import HEADER_SECRET, SECRET

TOKEN_GOOD = http(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
LARGE = b'{"a": "' + b"y" * (9 << 20)
BOMB = gzip.compress(b"[" + b" " * (32 << 20) + b"]")
LEAKY_KEY = {"error": {"message": f"bad key {HEADER_SECRET}", "code": "x"}}
LEAKY_TOKEN = {"error": {"message": f"bad token {TOKEN}", "code": "x"}}
LEAKY = f"<html>authorization: Bearer {TOKEN}\napi-key: {HEADER_SECRET}</html>".encode()
HTML = "content-type: text/html"
PAGE = b"<!doctype html><html><body>Sign in to the proxy</body></html>"
HALF = FIRST[:40]
LENGTH = f"content-length: {len(FIRST)}"
STARTED = BEGUN + chunk(words("first"))
MID = "2 events, then error stream_broken"

CONNECTIONS = [
    fault("connection refused", (), listens=Listens.NEVER, **NOT_REACHED),
    fault("nobody accepts the connection", (), listens=Listens.FULL, impatient=True, **NOT_REACHED),
    fault("closed before the request", (End.CLOSE,), listens=Listens.DEAF, **NOT_REACHED),
    fault("reset before the request", (End.RESET,), listens=Listens.DEAF, **NOT_REACHED),
    fault("closed without an answer", (End.CLOSE,), **MOVES),
    fault("reset before the headers", (End.RESET,), **MOVES),
    fault("stalls before the first byte", (End.STALL,), impatient=True, **MOVES),
    fault("half a head, then closed", (b"HTTP/1.1 200 OK\r\ncontent-ty", End.CLOSE), **MOVES),
    fault("half a head, then stalls", (b"HTTP/1.1 200 OK\r\ncontent-ty", End.STALL), impatient=True, **MOVES),
    both("reset behind the headers", (head(200, JSON, LENGTH), End.RESET), (BEGUN, End.RESET), **MOVES),
    both("closed behind the headers", (head(200, JSON, LENGTH), End.CLOSE), (BEGUN, End.CLOSE), **MOVES),
    both(
        "stalls behind the headers",
        (head(200, JSON, LENGTH), End.STALL),
        (BEGUN, End.STALL),
        impatient=True,
        **MOVES,
    ),
    both(
        "closes each connection behind its answer, asked twice",
        (GOOD["plain"], End.CLOSE),
        (GOOD["streamed"], End.CLOSE),
        alone=(answered(), answered()),
        second=(answered(), answered()),
    ),
    fault(
        "a kept connection turns out to be closed when it is used again: sent once more",
        (GOOD["plain"],),
        (End.CLOSE,),
        (GOOD["plain"],),
        streamed=((GOOD["streamed"],), (End.CLOSE,), (GOOD["streamed"],)),
        alone=(answered(), answered(2, 1)),
        second=(answered(), answered(2, 1)),
    ),
    fault(
        "a kept connection ends in the middle of the second answer",
        (GOOD["plain"],),
        (GOOD["plain"][:30], End.CLOSE),
        streamed=((GOOD["streamed"],), (GOOD["streamed"][:30], End.CLOSE)),
        alone=(answered(), lost()),
        second=(answered(), moved()),
    ),
    fault("a certificate that nobody vouches for", (GOOD["plain"],), tls="unknown", **NOT_REACHED),
    fault(
        "no TLS where it is expected",
        (b"HTTP/1.1 400 X\r\n\r\n", End.CLOSE),
        listens=Listens.DEAF,
        tls="asked",
        **NOT_REACHED,
    ),
    fault(
        "a TLS handshake that never ends",
        (End.STALL,),
        listens=Listens.DEAF,
        tls="asked",
        impatient=True,
        **NOT_REACHED,
    ),
]

STATUSES = [
    status(408),
    status(500),
    status(502),
    status(503),
    status(504),
    status(529),
    status(999),
    fault("503 with Retry-After: 1", (error(503, "x", "retry-after: 1"),), alone=passed(503), second=moved()),
    fault("429 without Retry-After", (error(429),), alone=passed(429), second=moved()),
    once("429, Retry-After: 1, then well", "retry-after: 1"),
    once("429, retry-after-ms: 50, then well", "retry-after-ms: 50"),
    once("429, Retry-After as a date, then well", "retry-after: DATE+1.5"),
    once("429, Retry-After as a date in the past, then well", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT"),
    once("429, Retry-After: 0, then well", "retry-after: 0"),
    fault("429, Retry-After: 0, for good", (error(429, "x", "retry-after: 0"),), alone=passed(429, 2), second=moved()),
    unasked("429, Retry-After: 3600", "retry-after: 3600"),
    unasked("429, Retry-After as a date of tomorrow", "retry-after: DATE+86400"),
    unasked("429, Retry-After: 99999999999999999999", "retry-after: 99999999999999999999"),
    unasked("429, Retry-After: -5", "retry-after: -5"),
    unasked("429, Retry-After: soon", "retry-after: soon"),
    unasked("429, Retry-After: nan", "retry-after: nan"),
    unasked(
        "429, Retry-After as a date in no time zone",
        "retry-after: Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
    ),
    fault(
        "429, Retry-After: 600, asked twice",
        (error(429, "x", "retry-after: 600"),),
        alone=(passed(429), Row(429, "error rate_limit_exceeded", (0, 0), 0, "rate_limit_exceeded")),
        second=(moved(), moved(0, 1)),
    ),
    fault("wrong deployment (404)", (error(404, "DeploymentNotFound"),), alone=passed(404), second=moved()),
    client_error("400", 400),
    client_error("401", 401),
    client_error("403", 403),
    client_error("404", 404),
    client_error("422", 422),
    client_error("content filter (400)", 400, "content_filter"),
    client_error("context too long (400)", 400, "context_length_exceeded"),
    fault(
        "content filter, another model is configured for it",
        (error(400, "content_filter"),),
        fallbacks="content_policy_fallbacks",
        alone=passed(400),
        second=moved(),
    ),
    fault(
        "context too long, another model is configured for it",
        (error(400, "context_length_exceeded"),),
        fallbacks="context_window_fallbacks",
        alone=passed(400),
        second=moved(),
    ),
    *(
        fault(f"a redirect ({code})", (http(code, {"moved": True}, "location: ELSEWHERE/openai/x"),), **MOVES)
        for code in (301, 302, 307, 308)
    ),
    fault("304", (http(304),), **MOVES),
    fault(
        "flapping, asked four times: 503 and well in turn",
        *((error(503),), (GOOD["plain"],)) * 2,
        streamed=((error(503),), (GOOD["streamed"],)) * 2,
        alone=(passed(503), answered()) * 2,
        second=(moved(), answered()) * 2,
    ),
    fault(
        "down for good, asked five times: left alone after three failures, unless there is nobody else",
        (error(503),),
        alone=(passed(503),) * 5,
        second=(*(moved(),) * 3, moved(0, 1), moved(0, 1)),
    ),
]

ERROR_BODIES = [
    fault("500 without a body", (http(500),), alone=unreadable(500), second=moved()),
    fault("502 with a page of HTML", (http(502, PAGE, HTML),), alone=unreadable(502), second=moved()),
    fault(
        "403 with a page of HTML",
        (http(403, PAGE, HTML),),
        alone=unreadable(403),
        second=unreadable(403),
    ),
    fault(
        "400 with half of an error",
        (http(400, error(400)[-20:], JSON),),
        alone=unreadable(400),
        second=unreadable(400),
    ),
    fault(
        "400 in gzip",
        (http(400, gzip.compress(b"{}"), JSON, "content-encoding: gzip"),),
        alone=unreadable(400),
        second=unreadable(400),
    ),
    fault(
        "500 in a bomb of gzip",
        (http(500, BOMB, JSON, "content-encoding: gzip"),),
        alone=unreadable(500),
        second=moved(),
    ),
    fault(
        "500 with a page that shows the request's credentials",
        (http(500, LEAKY, HTML, f"x-debug: {HEADER_SECRET}"),),
        alone=unreadable(500),
        second=moved(),
    ),
    fault(
        "401 that tells the key it was sent",
        (http(401, LEAKY_KEY, f"x-debug: {HEADER_SECRET}"),),
        alone=passed(401, 1, "its error, less the key"),
        second=passed(401, 1, "its error, less the key"),
    ),
    fault("500 with a body of 9 MiB", (http(500, b"y" * (9 << 20)),), alone=unreadable(500), second=moved()),
    fault("500 that breaks off", (head(500, JSON, "content-length: 99") + b'{"er', End.CLOSE), **MOVES),
]

FRAMING = [
    fault("not HTTP", (b"\x00\x01\x02 hello\r\n\r\n", End.CLOSE), **MOVES),
    fault("HTTP/2 unasked", (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18, End.STALL), **MOVES),
    fault("a head of 100 KiB", (head(200, JSON, *["x-bomb: " + "y" * 1000] * 100, LENGTH) + FIRST,), **MOVES),
    fault("a head that does not end", (head(200, *["x-bomb: " + "y" * 1000] * 300)[:-2], End.STALL), **MOVES),
    fault("informational answers without end", (b"HTTP/1.1 103 X\r\nlink: x\r\n\r\n" * 9000, End.STALL), **MOVES),
    both(
        "100 and 103 before the answer",
        (b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 X\r\nlink: x\r\n\r\n" + GOOD["plain"],),
        (b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 X\r\nlink: x\r\n\r\n" + GOOD["streamed"],),
        **GOES_ON,
    ),
    fault("101 unasked", (b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", End.STALL), **MOVES),
    fault("both lengths", (head(200, JSON, LENGTH, CHUNKED) + chunk(FIRST) + LAST, End.STALL), **MOVES),
    fault("two lengths", (head(200, JSON, LENGTH, "content-length: 1") + FIRST, End.STALL), **MOVES),
    fault("longer than its length", (head(200, JSON, f"content-length: {len(FIRST) - 9}") + FIRST,), **MOVES),
    fault("shorter than its length", (head(200, JSON, LENGTH) + HALF, End.CLOSE), **MOVES),
    both(
        "a malformed chunk",
        (head(200, JSON, CHUNKED) + chunk(HALF) + b"zz\r\n", End.STALL),
        (STARTED + b"zz\r\n", End.STALL),
        **MOVES,
        **cut(MID),
    ),
    both(
        "half a chunk, then closed",
        (head(200, JSON, CHUNKED) + b"fff\r\n" + HALF, End.CLOSE),
        (STARTED + b"fff\r\n" + words("x")[:9], End.CLOSE),
        **MOVES,
        **cut(MID),
    ),
    both(
        "no last chunk",
        (head(200, JSON, CHUNKED) + chunk(FIRST), End.CLOSE),
        (GOOD["streamed"].removesuffix(LAST), End.CLOSE),
        **MOVES,
        alone_streamed=answered(),
        second_streamed=answered(),
    ),
    both(
        "chunks with extensions, and trailers",
        (head(200, JSON, CHUNKED) + chunk(FIRST, b';a="b"') + b"0;last\r\nx-trailer: 1\r\n\r\n",),
        (BEGUN + chunk(words("first") + usage_event() + DONE, b";a=b") + b"0;last\r\nx-trailer: 1\r\n\r\n",),
        **GOES_ON,
    ),
    both(
        "trailers without end",
        (head(200, JSON, CHUNKED) + chunk(FIRST) + b"0\r\nx-bomb: " + b"y" * (1 << 20), End.STALL),
        (GOOD["streamed"].removesuffix(b"\r\n") + b"x-bomb: " + b"y" * (1 << 20), End.STALL),
        **MOVES,
        alone_streamed=answered(),
        second_streamed=answered(),
    ),
    both(
        "a chunk's size without end",
        (head(200, JSON, CHUNKED) + b"5;" + b"y" * (1 << 20), End.STALL),
        (STARTED + b"5;" + b"y" * (1 << 20), End.STALL),
        **MOVES,
        **cut(MID),
    ),
    both(
        "more than was asked for, asked twice: nobody gets it",
        (GOOD["plain"] + error(500)[:40],),
        (GOOD["streamed"] + error(500)[:40],),
        alone=(answered(), answered()),
        second=(answered(), answered()),
    ),
    fault("reset before the request was read", (End.RESET,), listens=Listens.HEAD, padding=8 << 20, **MOVES),
    fault(
        "an answer before the request was read",
        (error(413), End.STALL),
        listens=Listens.HEAD,
        padding=8 << 20,
        alone=passed(413),
        second=passed(413),
    ),
]

BODIES = [
    fault("200 with a page of HTML", (http(200, PAGE, HTML),), **MOVES),
    fault("200 without a body", (http(200, b"", JSON),), **MOVES),
    fault("204", (head(204),), **MOVES),
    fault("200 with JSON that is cut", (http(200, HALF, JSON),), **MOVES),
    fault("200 with what is no JSON", (http(200, b"\xff\xfe{}", JSON),), **MOVES),
    fault("200 without a content-type", (http(200, FIRST),), **GOES_ON),
    fault(
        "200 in a bomb of gzip: passed on as it is, never unpacked",
        (http(200, BOMB, JSON, "content-encoding: gzip"),),
        alone=unknown("its bytes"),
        second=unknown("its bytes"),
    ),
    both(
        "no usage",
        (http(200, answer("first", usage="none"), JSON),),
        (BEGUN + chunk(words("first") + DONE) + LAST,),
        alone=unknown(),
        second=unknown(),
    ),
    both(
        "a usage below zero",
        (http(200, answer("first", usage={"prompt_tokens": -1, "completion_tokens": 4}), JSON),),
        (BEGUN + chunk(words("first") + usage_event(-1) + DONE) + LAST,),
        alone=unknown(tokens=(None, 4)),
        second=unknown(tokens=(None, 4)),
    ),
    both(
        "a usage of 10^30 tokens",
        (http(200, answer("first", usage={"prompt_tokens": 10**30, "completion_tokens": 4}), JSON),),
        (BEGUN + chunk(words("first") + usage_event(10**30) + DONE) + LAST,),
        alone=unknown(tokens=(None, 4)),
        second=unknown(tokens=(None, 4)),
    ),
    fault(
        "200 of 9 MiB that breaks off: too much to hold, so the client has seen the beginning",
        (head(200, JSON, f"content-length: {10 << 20}") + LARGE, End.CLOSE),
        alone=broken("cut off"),
        second=broken("cut off"),
    ),
    both("slow drip", (Drip(GOOD["plain"]),), (Drip(GOOD["streamed"]),), **GOES_ON),
]

STREAMS = [
    both("reset in mid-answer", (head(200, JSON, LENGTH) + HALF, End.RESET), (STARTED, End.RESET), **MOVES, **cut(MID)),
    both(
        "stalls in mid-answer",
        (head(200, JSON, LENGTH) + HALF, End.STALL),
        (STARTED, End.STALL),
        impatient=True,
        **MOVES,
        **cut(MID),
    ),
    both(
        "ends without its end",
        (head(200, JSON, CHUNKED) + chunk(HALF) + LAST,),
        (STARTED + LAST,),
        **MOVES,
        **cut(MID),
    ),
    both(
        "ends without its end, behind its usage",
        (head(200, JSON, LENGTH) + FIRST[:-1], End.CLOSE),
        (STARTED + chunk(usage_event()) + LAST,),
        **MOVES,
        **cut(MID, tokens=TOKENS, cost=COST),
    ),
    both(
        "half an event",
        (head(200, JSON, LENGTH) + HALF, End.CLOSE),
        (STARTED + chunk(words("x")[:30]) + LAST,),
        **MOVES,
        **cut(MID),
    ),
    both(
        "an event that is no JSON: passed on as it is",
        (http(200, HALF, JSON),),
        (STARTED + chunk(b'data: {"id": "c1", "cho\n\n' + usage_event() + DONE) + LAST,),
        **MOVES,
        alone_streamed=answered(sees="its bytes"),
        second_streamed=answered(sees="its bytes"),
    ),
    both(
        "a stream that ends before it begins",
        (head(200, EVENTS, CHUNKED) + LAST,),
        (head(200, EVENTS, CHUNKED) + LAST,),
        **MOVES,
    ),
    both(
        "no events in a stream",
        (http(200, PAGE, JSON),),
        (BEGUN + chunk(PAGE) + LAST,),
        **MOVES,
        **cut("0 events, then error stream_broken"),
    ),
    both(
        "an error in the stream, then its end",
        (error(500),),
        (STARTED + chunk(b'data: {"error": {"message": "overloaded", "code": "x"}}\n\n') + LAST,),
        alone=passed(500),
        second=moved(),
        **cut("3 events, then error stream_broken"),
    ),
    both(
        "stalls behind the end",
        (GOOD["plain"], End.STALL),
        (GOOD["streamed"].removesuffix(LAST), End.STALL),
        **GOES_ON,
    ),
    both(
        "reset behind the end",
        (GOOD["plain"], End.RESET),
        (GOOD["streamed"].removesuffix(LAST), End.RESET),
        **GOES_ON,
    ),
]

NO_TOKEN = {"alone": lost(0), "second": moved(0)}


def token_fault(name: str, *says: Script, **more: Any) -> Fault:
    """A token endpoint that gives none."""
    return fault(
        f"token endpoint: {name}",
        (GOOD["plain"],),
        streamed=((GOOD["streamed"],),),
        tokens=says,
        **{**NO_TOKEN, **more},
    )


OAUTH = [
    token_fault("down", (End.CLOSE,), tokens_listen=Listens.NEVER),
    token_fault("hangs", (End.STALL,), impatient=True),
    token_fault("500", (error(500),)),
    token_fault("401 that tells the secret", (http(401, {"error": SECRET}),)),
    token_fault("a redirect", (http(307, b"", "location: ELSEWHERE/token"),)),
    token_fault("a page of HTML", (http(200, PAGE, HTML),)),
    token_fault("half an answer", (TOKEN_GOOD[:-9], End.CLOSE)),
    token_fault("an empty token", (http(200, {"access_token": "", "expires_in": 3600}),)),
    token_fault("a token of two lines", (http(200, {"access_token": "a\r\nb", "expires_in": 3600}),)),
    token_fault("a lifetime of 10^400 s", (http(200, {"access_token": TOKEN, "expires_in": 10**400}),)),
    token_fault("two megabytes", (http(200, b" " * (2 << 20), JSON),)),
    fault(
        "token endpoint: down once, asked twice",
        (GOOD["plain"],),
        streamed=((GOOD["streamed"],),),
        tokens=((error(503),), (TOKEN_GOOD,)),
        alone=(lost(0), answered()),
        second=(moved(0), answered()),
    ),
    fault(
        "token revoked: fetched anew, once",
        (error(401),),
        (GOOD["plain"],),
        streamed=((error(401),), (GOOD["streamed"],)),
        tokens=((TOKEN_GOOD,),),
        alone=answered(2),
        second=answered(2),
    ),
    fault(
        "400 that tells the token it was sent",
        (http(400, LEAKY_TOKEN),),
        tokens=((TOKEN_GOOD,),),
        alone=passed(400, 1, "its error, less the key"),
        second=passed(400, 1, "its error, less the key"),
    ),
    fault(
        "token revoked, and the new one too",
        (error(401),),
        tokens=((TOKEN_GOOD,),),
        alone=passed(401, 2),
        second=passed(401, 2),
    ),
]

FAULTS: Mapping[str, list[Fault]] = {
    "Connections and TLS": CONNECTIONS,
    "Statuses": STATUSES,
    "Errors that cannot be read": ERROR_BODIES,
    "Framing": FRAMING,
    "Answers": BODIES,
    "Streams": STREAMS,
    "Access tokens": OAUTH,
}
