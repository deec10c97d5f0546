"""Delivery without sockets: headers that stay here, and endings of streams that have no ``[DONE]``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmrouter.deliver import Delivery, deliver
from llmrouter.forward import Reply
from llmrouter.operations import Operation
from llmrouter.upstream_fake import FakeAnswer

EVENTS = ((b"Content-Type", b"text/event-stream; charset=utf-8"),)


def delivered(reply: Reply, operation: Operation) -> tuple[Delivery, list[Any]]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    delivery = Delivery()
    asyncio.run(deliver(send, reply, operation, [(b"x-request-id", b"1")], delivery))
    return delivery, messages


def test_headers_of_the_other_connection_stay_behind() -> None:
    dropped = {
        b"Connection": b"close, X-Hop",
        b"X-Hop": b"1",
        b"Transfer-Encoding": b"chunked",
        b"Content-Length": b"99",
        b"Set-Cookie": b"a=b",
        b"X-LLMRouter-Endpoint": b"forged",
        b"X-Request-Id": b"theirs",
    }
    kept = {b"Content-Type": b"application/json", b"Retry-After": b"3", b"apim-request-id": b"7"}
    _, messages = delivered(Reply(200, [*dropped.items(), *kept.items()], b"{}", None), Operation("embeddings"))
    headers = messages[0]["headers"]
    expected = [*((name.lower(), value) for name, value in kept.items()), (b"x-request-id", b"1")]
    assert headers == [*expected, (b"content-length", b"2")]


@pytest.mark.parametrize(("breaks", "error"), [(True, "stream_broken"), (False, None)])
def test_a_stream_without_done_is_complete_unless_it_breaks(breaks: bool, error: str | None) -> None:
    rest = FakeAnswer(headers=EVENTS, chunks=[b'data: {"b": 2}\n'], breaks=breaks)
    delivery, messages = delivered(Reply(200, EVENTS, b'data: {"a": 1}\n\n', rest), Operation("other"))
    sent = b"".join(each.get("body", b"") for each in messages)
    assert delivery.error == error
    assert (b"stream_broken" in sent) == breaks
    assert (b'"b": 2' in sent) == (not breaks)
    assert rest.closed


def test_what_is_encoded_passes_as_it_is() -> None:
    headers = (*EVENTS, (b"content-encoding", b"gzip"))
    rest = FakeAnswer(chunks=[b"\x01\x02"], breaks=True)
    delivery, messages = delivered(Reply(200, headers, b"\x1f\x8b", rest), Operation("chat", ends_with_done=True))
    assert [each.get("body") for each in messages[1:]] == [b"\x1f\x8b", b"\x01\x02"]
    assert messages[-1]["more_body"]  # left unfinished: nothing readable could be put in
    assert delivery.error == "stream_broken"
    assert (b"content-encoding", b"gzip") in messages[0]["headers"]
