"""The fault matrix, of answers: errors and answers that cannot be read, broken framing, streams that break."""

from __future__ import annotations

import gzip

from faults import (
    BEGUN,
    CHUNKED,
    COST,
    DONE,
    EVENTS,
    FIRST,
    GOES_ON,
    GOOD,
    HTML,
    JSON,
    LAST,
    LENGTH,
    MOVES,
    PAGE,
    TOKEN,
    TOKENS,
    answer,
    answered,
    both,
    broken,
    chunk,
    cut,
    error,
    fault,
    head,
    http,
    moved,
    passed,
    unknown,
    unreadable,
    usage_event,
    words,
)
from scripted import Drip, End, Listens
from worlds import HEADER_SECRET

LARGE = b'{"a": "' + b"y" * (9 << 20)
BOMB = gzip.compress(b"[" + b" " * (32 << 20) + b"]")
LEAKY_KEY = {"error": {"message": f"bad key {HEADER_SECRET}", "code": "x"}}
LEAKY = f"<html>authorization: Bearer {TOKEN}\napi-key: {HEADER_SECRET}</html>".encode()
HALF = FIRST[:40]
STARTED = BEGUN + chunk(words("first"))
MID = "2 events, then error stream_broken"

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
