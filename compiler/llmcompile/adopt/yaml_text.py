"""The YAML's text, as a person would write it: what the strict loader reads back is what was meant, or it is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmcompile.adopt.reading import Existing
from llmcompile.adopt.translate import Draft, json_route
from llmcompile.codes import CODES
from llmcompile.diagnostics import Route
from llmcompile.emit.yaml_text import dump, schema_line
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load


def document_text(draft: Draft) -> str:
    """The text of an account's or region's file."""
    return schema_line(draft.existing.subject.kind) + _origin(draft.existing, bool(draft.refs)) + dump(draft.written)


def _origin(existing: Existing, refs: bool) -> str:
    kept = ", into which the refs point: keep that version until they point elsewhere" if refs else ""
    return f"# Adopted from {existing.name}{kept}.\n"


def model_text(code: str, file: str) -> str:
    """The text of a model's file with all that no document says left open: ``check`` asks for it, line by line."""
    return (
        schema_line("model")
        + f"# Adopted with {file}, which lists it. What it is and what it costs stands in no document: fill it in.\n"
        + dump({"code": code})
        + "type:  # chat, realtime, embedding, image_generation, audio_speech, audio_transcription or rerank\n"
        + "token_costs:\n"
        + "  - start:  # the day from which the price holds, such as 2026-01-01\n"
        + "    currency:  # such as USD\n"
        + "    per_million_tokens:  # such as {text_input: ..., text_output: ...}\n"
    )


def say_unwritable(draft: Draft, text: str) -> None:
    """Says what the strict loader would not read back as it was written."""
    problem = _lost(draft.existing.subject.file, text, draft.written)
    if problem is None:
        return
    kind = draft.existing.subject.kind
    for route, alone in _leaves(draft.written):
        if (of_leaf := _lost("", dump(alone), alone)) is not None:
            draft.reasons.say(json_route(kind, route), of_leaf)
    if not draft.reasons:
        draft.reasons.say((), problem)


def _lost(file: str, text: str, data: Any) -> str | None:
    """Why a text does not say the data; None where it does."""
    found, problems = load(Source(file, text))
    if problems:
        code = problems[0].code
        return f"YAML cannot have it: {CODES[code].title} [{code}]"
    return None if found == data else "YAML cannot say it"


def _leaves(value: Any, route: Route = ()) -> Iterator[tuple[Route, Any]]:
    """Every scalar and every key, each in a mapping of its own."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*route, key), {key: 0}
            yield from _leaves(item, (*route, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*route, index))
    else:
        yield route, {"x": value}
