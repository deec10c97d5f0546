"""Event streams: every byte passes once, in order, in whole events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrouter.events import EventStream

STREAM = (
    b': hello\n\ndata: {"a": "\\"usage\\" data: [DONE]"}\n\nevent: x\r\ndata: {"usage": null}\r\n\r\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 1}}\n\ndata: {"usage":null}\n\ndata: [DONE]\n\n'
)


@given(st.lists(st.integers(0, len(STREAM))))
def test_however_it_is_cut_it_passes_whole(borders: list[int]) -> None:
    edges = [0, *sorted(borders), len(STREAM)]
    stream, passed = EventStream(), b""
    for start, end in pairwise(edges):
        piece = stream.feed(STREAM[start:end])
        assert piece.endswith((b"\n\n", b"\r\n\r\n")) or not piece
        passed += piece
    assert passed + stream.finish(True) == STREAM
    assert stream.done
    assert stream.usage_line is not None
    assert b'"prompt_tokens": 1' in stream.usage_line


@given(st.integers(0, len(STREAM) - len(b"data: [DONE]\n\n")))
def test_a_shorter_one_is_not_done(length: int) -> None:
    stream = EventStream()
    passed = stream.feed(STREAM[:length]) + stream.finish(True)
    assert not stream.done
    assert STREAM.startswith(passed)


def test_a_last_event_without_its_blank_line_counts() -> None:
    stream = EventStream()
    assert stream.feed(b"data: [DONE]\n") == b""
    assert stream.finish(True) == b"data: [DONE]\n"
    assert stream.done


@pytest.mark.parametrize("ends_with_done", [False, True])
def test_an_unfinished_event_is_kept_back_where_the_end_is_known(ends_with_done: bool) -> None:
    stream = EventStream()
    stream.feed(b'data: {"cho')
    assert stream.finish(ends_with_done) == (b"" if ends_with_done else b'data: {"cho')
