"""Diagnostics for machines: versioned JSON, and GitHub's workflow commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from llmcompile.diagnostics import Severity
from llmcompile.literals import mask
from llmcompile.load.locate import Location
from llmcompile.show.located import Located

JSON_FORMAT = 1
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_json(found: Sequence[Located]) -> str:
    """One object: the format's version, the diagnostics in order, and counts by severity."""
    counts = {f"{each}s": sum(one.diagnostic.severity is each for one in found) for each in Severity}
    data = {"format": JSON_FORMAT, "diagnostics": [_object(each) for each in found], "summary": counts}
    return json.dumps(data, indent=2, ensure_ascii=False)


def _object(each: Located) -> dict[str, Any]:
    diagnostic = each.diagnostic
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": mask(diagnostic.message),
        "hint": mask(diagnostic.hint),
        **_location(each.at),
        "related": [{**_location(at), "label": label} for at, label in each.related],
    }


def _location(at: Location) -> dict[str, Any]:
    return {
        "file": mask(at.file),
        "line": at.line,
        "column": at.column,
        "end_line": at.end_line,
        "end_column": at.end_column,
    }


def render_github(found: Sequence[Located]) -> str:
    """A workflow command per line; GitHub turns them into annotations at the pull request's lines."""
    return "\n".join(_command(each) for each in found)


def _command(each: Located) -> str:
    diagnostic, at = each.diagnostic, each.at
    properties = {
        "file": mask(at.file),
        "line": at.line,
        "endLine": at.end_line,
        "col": at.column,
        "endColumn": at.end_column,
        "title": diagnostic.code,
    }
    written = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in properties.items())
    related = "".join(f"\n{label}: {at.file}:{at.line}:{at.column}" for at, label in each.related)
    hint = f"\n{diagnostic.hint}" if diagnostic.hint else ""
    body = "\n".join(mask(line) for line in f"{diagnostic.message}{hint}{related}".split("\n"))
    return f"::{_COMMANDS[diagnostic.severity]} {written}::{_escape(body, '')}"


def _escape(text: str, also: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for each in also:
        escaped = escaped.replace(each, f"%{ord(each):02X}")
    return escaped
