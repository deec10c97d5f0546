"""The fault matrix, of calls: no connection, no token, and what a status says; for answers see ``fault_answers.py``."""

from __future__ import annotations

from typing import Any

from faults import (
    BEGUN,
    GOOD,
    HTML,
    JSON,
    LENGTH,
    MOVES,
    NOT_REACHED,
    PAGE,
    TOKEN,
    Fault,
    Row,
    answered,
    both,
    client_error,
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
)
from scripted import End, Listens, Script
from worlds import SECRET

TOKEN_GOOD = http(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
LEAKY_TOKEN = {"error": {"message": f"bad token {TOKEN}", "code": "x"}}

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
