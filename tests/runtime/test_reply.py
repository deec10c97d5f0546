"""Replies without sockets: what is an answer, what is JSON, and what an error may tell."""

from __future__ import annotations

import asyncio
import json

import pytest

from llmrouter.reply import Reply, begun, problem
from llmrouter.upstream_fake import FakeAnswer
from llmrouter.usage import UNKNOWN, told

USAGE = b'"usage": {"prompt_tokens": 1, "completion_tokens": 2}}'
JSON, TEXT, NONE = b"application/json", b"text/plain", b""


def reply(status: int, kind: bytes, *chunks: bytes, coding: bytes = b"") -> Reply:
    headers = [(b"content-type", kind)] if kind else []
    headers += [(b"content-encoding", coding)] if coding else []
    return asyncio.run(begun(FakeAnswer(status, headers, chunks)))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[1]", True),
        (b'\xef\xbb\xbf{"a": 1}', True),  # with a byte order mark, which clients read
        (b"{", False),
        (b"", False),
        (b"[" * 100_000, False),
        (b'{"a": "' + b"x" * 300_000 + b'"}\n', True),
        (b'{"a": "' + b"x" * 300_000, False),
        (b"<p>" + b"x" * 300_000 + b"}", False),
    ],
)
def test_what_is_json(body: bytes, expected: bool) -> None:
    assert told(body) == (UNKNOWN if expected else None)


def test_the_usage_of_a_long_answer_stands_at_its_end() -> None:
    found = told(b'{"data": "' + b"x" * 300_000 + b'", ' + USAGE)
    assert found is not None
    assert (found.tokens_input, found.tokens_output) == (1, 2)


@pytest.mark.parametrize(
    ("found", "method", "expected"),
    [
        (reply(200, JSON, b"{}"), "POST", None),
        (reply(200, NONE, b"{}"), "POST", None),
        (reply(200, NONE, b"{"), "POST", None),  # it does not say that it is JSON
        (reply(200, TEXT, b"1 00:00:00"), "POST", None),
        (reply(204, NONE), "DELETE", None),
        (reply(204, NONE), "POST", ("failure", "answered nothing")),
        (reply(200, JSON, b"{"), "POST", ("failure", "answered what is no JSON")),
        (reply(200, JSON, b"\x1f\x8b", coding=b"gzip"), "POST", None),
        (reply(200, b"text/html", b"<p>"), "GET", ("failure", "answered with a web page")),
        (reply(200, b"text/event-stream"), "POST", ("failure", "ended its stream before the first event")),
    ],
)
def test_what_is_an_answer(found: Reply, method: str, expected: object) -> None:
    assert problem(found, method) == expected


def test_an_error_that_is_json_passes_as_it_is() -> None:
    found = reply(422, JSON, b'[{"error"', b': {"message": "no"}}]')
    assert (found.head, found.rest) == (b'[{"error": {"message": "no"}}]', None)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (429, "rate_limit_error"), (503, "server_error")]
)
def test_an_error_that_is_not_is_told_in_the_apis_words(status: int, kind: str) -> None:
    found = reply(status, TEXT, b"upstream connect error", coding=b"br")
    found.headers.append((b"retry-after", b"3"))
    error = json.loads(found.head)["error"]
    assert (error["type"], error["code"], error["param"]) == (kind, "upstream_error", None)
    assert "connect" not in error["message"]
    assert found.headers == [(b"content-type", b"application/json"), (b"retry-after", b"3")]


def test_a_credential_is_hidden_however_json_spells_it() -> None:
    key = 'sk-"\\ecret'
    body = json.dumps({"error": {"message": f"bad key {key}, key {key}"}}).encode()
    found = Reply(401, [(b"x-debug", key.encode())], body, None)
    found.hide(key)
    assert json.loads(found.head) == {"error": {"message": "bad key ***, key ***"}}
    assert found.headers == [(b"x-debug", b"***")]


def test_what_is_too_short_for_a_credential_stays() -> None:
    found = Reply(401, [], b'{"error": "bad key"}', None)
    found.hide("key")
    found.hide("")
    assert found.head == b'{"error": "bad key"}'
