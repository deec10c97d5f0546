"""Token usage as upstreams report it. What is missing or contradicts itself is unknown, never zero."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from llmrouter.prices import Usage
from llmrouter.strict_json import quickly

_WHOLE_BYTES = 256 << 10  # of a larger answer only the end is read: a usage stands behind the data
_TAIL_BYTES = 4 << 10
_ABSURD = 1 << 53  # what readers of JSON take as an exact number ends here
_DECODER = json.JSONDecoder()


class Reported(NamedTuple):
    """What was reported: totals for the log, kinds for the price. None: unknown."""

    tokens_input: int | None = None
    tokens_output: int | None = None
    usage: Usage | None = None
    model: str | None = None
    """Who answered, in the upstream's words."""


UNKNOWN = Reported()


def reported(text: bytes | None) -> Reported:
    """The usage in the data of an event; unknown where there is none."""
    return (told(text) if text else None) or UNKNOWN


def told(body: bytes) -> Reported | None:
    """The usage in a JSON answer; the Responses API has it inside of ``response``. None: it is no JSON.

    A large answer is looked at from both ends alone.
    """
    try:
        data = _whole(body) if len(body) <= _WHOLE_BYTES else _ends(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return UNKNOWN
    inner = data.get("response")
    if isinstance(inner, dict) and not data.get("usage"):
        data = inner
    usage, model = data.get("usage"), data.get("model")
    return _read(usage, model if isinstance(model, str) else None) if isinstance(usage, dict) else UNKNOWN


def added(sum_: Reported | None, more: Reported) -> Reported:
    """Two reports as one. What one of them does not know, their sum does not."""
    if sum_ is None:
        return more
    known = sum_.usage is not None and more.usage is not None
    kinds = Usage(*map(sum, zip(sum_.usage or (), more.usage or (), strict=True))) if known else None
    return Reported(_sum(sum_.tokens_input, more.tokens_input), _sum(sum_.tokens_output, more.tokens_output), kinds)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _whole(body: bytes) -> Any:
    """Raises ValueError."""
    # All but the exotic are UTF-8 that begins at once; json.loads looks for every other way to write JSON first.
    is_plain = body[:1] == b"{" and body[1:2] != b"\0"
    return quickly(body.decode(errors="surrogatepass"), _DECODER) if is_plain else json.loads(body)


def _ends(body: bytes) -> Any:
    """What stands for a long answer: the usage at its end, read as if it stood alone. Raises ValueError."""
    if body[:_TAIL_BYTES].lstrip()[:1] not in (b"{", b"[") or body[-_TAIL_BYTES:].rstrip()[-1:] not in (b"}", b"]"):
        raise ValueError
    with suppress(ValueError, RecursionError):
        return _last(body[-_TAIL_BYTES:])
    return None


def _last(tail: bytes) -> Any:
    found = tail.rfind(b'"usage"')
    text = tail[found + len(b'"usage"') :].decode(errors="replace").lstrip(" \t\r\n:") if found >= 0 else "null"
    return {"usage": _DECODER.raw_decode(text)[0]}


def _read(usage: Mapping[str, Any], model: str | None) -> Reported:
    given = _count(usage, "prompt_tokens", "input_tokens")
    made = _count(usage, "completion_tokens", "output_tokens")
    if made is None and given is not None and _count(usage, "total_tokens") == given:
        made = 0  # an operation that makes no tokens, such as embeddings
    if given is None or made is None:
        return Reported(given, made, None, model)
    return Reported(given, made, _by_kind(usage, given, made), model)


def _by_kind(usage: Mapping[str, Any], given: int, made: int) -> Usage | None:
    inputs = _below(usage, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outputs = _below(usage, "completion_tokens_details", "output_tokens_details", "output_token_details")
    if not inputs and not outputs:
        return Usage(text_input=given, text_output=made)
    cached, audio = _count(inputs, "cached_tokens") or 0, _count(inputs, "audio_tokens") or 0
    cached_audio = _count(_below(inputs, "cached_tokens_details"), "audio_tokens") or 0
    audio_made = _count(outputs, "audio_tokens") or 0
    cached_text = cached - cached_audio
    found = Usage(
        text_input=given - audio - cached_text,
        cached_text_input=cached_text,
        text_output=made - audio_made,
        audio_input=audio - cached_audio,
        cached_audio_input=cached_audio,
        audio_output=audio_made,
    )
    return found if min(found) >= 0 else None


def _count(data: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = data.get(name)
        if type(value) is int and 0 <= value < _ABSURD:  # not bool
            return value
    return None


def _below(data: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        found = data.get(name)
        if isinstance(found, dict):
            return found
    return {}
