"""Delivery without sockets: headers that stay here, and endings of streams that have no ``[DONE]``."""

from __future__ import annotations

import asyncio
import re

import pytest
from wires import FakeWire

from llmrouter.deliver import deliver
from llmrouter.documents import Documents
from llmrouter.exchange import Exchange
from llmrouter.forward import Reply
from llmrouter.operations import Operation
from llmrouter.record import Record
from llmrouter.snapshot import Snapshot
from llmrouter.upstream_fake import FakeAnswer

EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]


def delivered(reply: Reply, operation: Operation) -> tuple[Record, bytes, bytes]:
    """The record, and the head and the body that the client was sent."""
    wire, record = FakeWire(), Record("1", Snapshot.build(Documents()))
    asyncio.run(deliver(Exchange(wire), reply, operation, [(b"x-request-id", b"1")], record))
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    return record, head, body


def test_headers_of_the_other_connection_stay_behind() -> None:
    dropped = [
        (b"connection", b"close, X-Hop,\tx-tab "),
        (b"x-hop", b"1"),
        (b"x-tab", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"99"),
        (b"set-cookie", b"a=b"),
        (b"x-llmrouter-endpoint", b"forged"),
        (b"x-request-id", b"theirs"),
    ]
    kept = [(b"content-type", b"application/json"), (b"retry-after", b"3"), (b"apim-request-id", b"7")]
    _, head, body = delivered(Reply(200, [*dropped, *kept], b"{}", None), Operation("embeddings"))
    expected = [b"HTTP/1.1 200 OK", *(b": ".join(each) for each in kept), b"x-request-id: 1", b"content-length: 2"]
    assert head.split(b"\r\n") == expected
    assert body == b"{}"


@pytest.mark.parametrize(("breaks", "error"), [(True, "stream_broken"), (False, None)])
def test_a_stream_without_done_is_complete_unless_it_breaks(breaks: bool, error: str | None) -> None:
    rest = FakeAnswer(headers=EVENTS, chunks=[b'data: {"b": 2}\n'], breaks=breaks)
    record, _, body = delivered(Reply(200, EVENTS, b'data: {"a": 1}\n\n', rest), Operation("other"))
    assert record.error == error
    assert (b"stream_broken" in body) == breaks
    assert (b'"b": 2' in body) == (not breaks)
    assert body.endswith(b"0\r\n\r\n")
    assert rest.closed


def test_what_is_encoded_passes_as_it_is() -> None:
    headers = [*EVENTS, (b"content-encoding", b"gzip")]
    rest = FakeAnswer(chunks=[b"\x01\x02"], breaks=True)
    record, head, body = delivered(Reply(200, headers, b"\x1f\x8b", rest), Operation("chat", end=re.compile(b"done")))
    assert body == b"2\r\n\x1f\x8b\r\n2\r\n\x01\x02\r\n"  # left unfinished: nothing readable could be put in
    assert record.error == "stream_broken"
    assert b"content-encoding: gzip" in head
