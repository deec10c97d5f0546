"""Diagnostics for machines: versioned JSON, and GitHub's workflow commands.

``show.sarif`` and ``show.junit`` have the other formats; ``show.step_summary`` is the page beside the annotations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmcompile.diagnostics import Severity
from llmcompile.literals import mask
from llmcompile.load.locate import Location
from llmcompile.show.located import Located

JSON_FORMAT = 1
MAX_ANNOTATIONS = 10
"""Annotations of one kind that GitHub keeps of a step; it drops the rest without a word."""
_MAX_MESSAGE = 4000
"""Characters of an annotation; GitHub's runner cuts at 4,096 UTF-16 units."""
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_json(found: Sequence[Located], more: Mapping[str, Any] | None = None) -> str:
    """One object: the format's version, the diagnostics in order, counts by severity, and what there is ``more``."""
    counts = {f"{each}s": sum(one.diagnostic.severity is each for one in found) for each in Severity}
    data = {"format": JSON_FORMAT, "diagnostics": [_object(each) for each in found], "summary": counts, **(more or {})}
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


def render_github(found: Sequence[Located], prefix: str = "") -> str:
    """A workflow command per line; GitHub turns them into annotations at the pull request's lines.

    Errors come first. Of each kind there are at most ``MAX_ANNOTATIONS``: where there are more, the last says how many,
    and all the others follow as plain lines, for the step's log. ``prefix`` leads from the top of the git repository
    to the root of the YAML.
    """
    commands, others = [], []
    for severity in Severity:
        kind = [each for each in found if each.diagnostic.severity is severity]
        shown = kind if len(kind) <= MAX_ANNOTATIONS else kind[: MAX_ANNOTATIONS - 1]
        commands += [_command(each, prefix) for each in shown]
        if len(shown) < len(kind):
            commands.append(_rest(severity, len(kind) - len(shown)))
            others += kind[len(shown) :]
    return "\n".join([*commands, *_log(others, prefix)])


def _command(each: Located, prefix: str) -> str:
    diagnostic, at = each.diagnostic, each.at
    properties = {"file": mask(f"{prefix}{at.file}"), "line": at.line, "endLine": at.end_line}
    if at.line == at.end_line:  # GitHub takes columns within one line only
        properties |= {"col": at.column, "endColumn": at.end_column}
    properties["title"] = diagnostic.code
    written = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in properties.items())
    related = "".join(f"\n{label}: {prefix}{at.file}:{at.line}:{at.column}" for at, label in each.related)
    hint = f"\n{diagnostic.hint}" if diagnostic.hint else ""
    body = "\n".join(mask(line) for line in f"{diagnostic.message}{hint}{related}".split("\n"))
    return f"::{_COMMANDS[diagnostic.severity]} {written}::{_escape(body[:_MAX_MESSAGE], '')}"


def _rest(severity: Severity, count: int) -> str:
    plural = "s" if count > 1 else ""
    title, message = f"{count:,} more {severity}{plural}", "the step's summary and log have them; so has --format sarif"
    return f"::{_COMMANDS[severity]} title={_escape(title, ':,')}::{message}"


def _log(others: Sequence[Located], prefix: str) -> Iterator[str]:
    """The rest in a group of the log. No line of it may read as a command: neither '::' first nor '##[' anywhere."""
    if not others:
        return
    yield f"::group::{len(others):,} more"
    for each in others:
        diagnostic, at = each.diagnostic, each.at
        hint = f"; {diagnostic.hint}" if diagnostic.hint else ""
        where = f"{prefix}{at.file}:{at.line}:{at.column}"
        line = f"{diagnostic.severity}[{diagnostic.code}] {where}: {diagnostic.message}{hint}"
        yield mask(line.replace("\n", " ")).replace("##[", "## [")
    yield "::endgroup::"


def _escape(text: str, also: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for each in also:
        escaped = escaped.replace(each, f"%{ord(each):02X}")
    return escaped
