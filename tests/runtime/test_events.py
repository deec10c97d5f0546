"""Event streams: every byte passes once, in order, in whole events."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrouter.events import EventStream
from llmrouter.operations import match

chat, responses = match("/v1/chat/completions"), match("/v1/responses")
assert chat is not None and chat.operation is not None  # noqa: PT018
assert responses is not None and responses.operation is not None  # noqa: PT018
DONE, RESPONSE_DONE = chat.operation.end, responses.operation.end
STREAM = (
    b': hello\n\ndata: {"a": "\\"usage\\" data: [DONE]"}\n\nevent: x\r\ndata: {"usage": null}\r\n\r\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 1}}\n\ndata: {"usage":null}\n\ndata: [DONE]\n\n'
)


@given(st.lists(st.integers(0, len(STREAM))))
def test_however_it_is_cut_it_passes_whole(borders: list[int]) -> None:
    edges = [0, *sorted(borders), len(STREAM)]
    stream, passed = EventStream(DONE), b""
    for start, end in pairwise(edges):
        piece = stream.feed(STREAM[start:end])
        assert piece.endswith((b"\n\n", b"\r\n\r\n")) or not piece
        passed += piece
    assert passed + stream.finish() == STREAM
    assert stream.done
    assert stream.usage_line is not None
    assert b'"prompt_tokens": 1' in stream.usage_line


@given(st.integers(0, len(STREAM) - len(b"data: [DONE]\n\n")))
def test_a_shorter_one_is_not_done(length: int) -> None:
    stream = EventStream(DONE)
    passed = stream.feed(STREAM[:length]) + stream.finish()
    assert not stream.done
    assert STREAM.startswith(passed)


def test_a_last_event_without_its_blank_line_counts() -> None:
    stream = EventStream(DONE)
    assert stream.feed(b"data: [DONE]\n") == b""
    assert stream.finish() == b"data: [DONE]\n"
    assert stream.done


@pytest.mark.parametrize("end", [None, DONE])
def test_an_unfinished_event_is_kept_back_where_the_end_is_known(end: re.Pattern[bytes] | None) -> None:
    stream = EventStream(end)
    stream.feed(b'data: {"cho')
    assert stream.finish() == (b"" if end else b'data: {"cho')


@pytest.mark.parametrize(
    ("data", "done"),
    [
        (b'event: response.completed\ndata: {"type":"response.completed"}\n\n', True),
        (b'data: {"type":"response.failed","response":{}}\n\n', True),
        (b'event: error\r\ndata: {"type":"error"}\r\n\r\n', True),
        (b'event: response.output_text.done\ndata: {"type":"x","text":"event: response.completed"}\n\n', False),
        (b"event: response.completed_not\ndata: {}\n\n", False),
    ],
)
def test_how_a_stream_of_the_responses_api_ends(data: bytes, done: bool) -> None:
    stream = EventStream(RESPONSE_DONE)
    assert stream.feed(data) == data
    assert stream.done == done


USAGE_ALONE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'


@given(st.lists(st.integers(0, len(STREAM) + len(USAGE_ALONE))))
def test_a_usage_that_only_the_router_asked_for_is_read_and_taken_out(borders: list[int]) -> None:
    whole = STREAM[: -len(b"data: [DONE]\n\n")] + USAGE_ALONE + b"data: [DONE]\n\n"
    stream, passed, kept = EventStream(DONE, strip_usage=True), b"", EventStream(DONE)
    for start, end in pairwise([0, *sorted(borders), len(whole)]):
        passed += stream.feed(whole[start:end])
        kept.feed(whole[start:end])
    assert b"prompt_tokens" not in passed
    assert passed.startswith(b': hello\n\ndata: {"a"')
    assert b'data: {"usage": null}' in passed
    assert passed.endswith(b"data: [DONE]\n\n")
    assert stream.usage_line is not None
    assert b'"completion_tokens":2' in stream.usage_line
    assert stream.usage_line == kept.usage_line  # control: what passes or not changes nothing of what is read
