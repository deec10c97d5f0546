"""Token usage as upstreams report it. What is missing or contradicts itself is unknown, never zero."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmrouter.prices import Usage


@dataclass(frozen=True, slots=True)
class Reported:
    """What was reported: totals for the log, kinds for the price. None: unknown."""

    tokens_input: int | None = None
    tokens_output: int | None = None
    usage: Usage | None = None


UNKNOWN = Reported()


def reported(body: bytes | None) -> Reported:
    """The usage in a JSON answer, or in the data of an event."""
    if not body or b'"usage"' not in body:
        return UNKNOWN
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return UNKNOWN
    usage = data.get("usage") if isinstance(data, dict) else None
    return _read(usage) if isinstance(usage, dict) else UNKNOWN


def _read(usage: Mapping[str, Any]) -> Reported:
    given = _count(usage, "prompt_tokens", "input_tokens")
    made = _count(usage, "completion_tokens", "output_tokens")
    if made is None and given is not None and _count(usage, "total_tokens") == given:
        made = 0  # an operation that makes no tokens, such as embeddings
    if given is None or made is None:
        return Reported(given, made)
    return Reported(given, made, _by_kind(usage, given, made))


def _by_kind(usage: Mapping[str, Any], given: int, made: int) -> Usage | None:
    inputs = _below(usage, "prompt_tokens_details", "input_tokens_details")
    outputs = _below(usage, "completion_tokens_details", "output_tokens_details")
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
    return found if all(getattr(found, kind) >= 0 for kind in Usage.__slots__) else None


def _count(data: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _below(data: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((data[name] for name in names if isinstance(data.get(name), dict)), {})
