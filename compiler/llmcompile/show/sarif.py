"""Diagnostics as SARIF 2.1.0, for GitHub's code scanning and every other tool that reads it.

One run, with a rule for each code that occurs. Paths are those of the git repository, below %SRCROOT%.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llmcompile import __version__
from llmcompile.codes import CODES
from llmcompile.diagnostics import Diagnostic, Severity
from llmcompile.literals import mask
from llmcompile.load.locate import Location
from llmcompile.show.located import Located

if TYPE_CHECKING:
    from llmcompile.edit.replacements import Replacement

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 25_000
"""Results of a run that code scanning takes; it refuses a file with more."""
_ORDER = list(Severity)
_SUMMARY = re.compile(r"^\*\*.*?\n\n(?P<text>.+?)\n\n", re.DOTALL | re.MULTILINE)
_PAGE_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\.md\)")


def render(found: Sequence[Located], prefix: str = "", fixes: Mapping[Diagnostic, Replacement] | None = None) -> str:
    """The whole log. ``prefix`` leads from the top of the git repository to the root of the YAML.

    ``fixes`` are what ``llmcompile fix`` would replace, for viewers that offer it.
    """
    counted: Counter[str] = Counter()
    prints = [_fingerprint(each, counted) for each in found]
    codes = sorted({each.diagnostic.code for each in found})
    # The worst first: what does not fit, and what code scanning does not show, is the least.
    order = sorted(range(len(found)), key=lambda at: _ORDER.index(found[at].diagnostic.severity))
    run = {
        "tool": {"driver": _driver(codes)},
        "automationDetails": {"id": f"llmcompile/{prefix}"},
        "invocations": [{"executionSuccessful": True, **_left_out(len(found) - MAX_RESULTS)}],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(found[at], prints[at], codes, prefix) | _fixes(found[at].diagnostic, fixes or {}, prefix)
            for at in order[:MAX_RESULTS]
        ],
    }
    # ASCII: the bytes are the same under any locale.
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _driver(codes: Sequence[str]) -> dict[str, Any]:
    return {"name": "llmcompile", "semanticVersion": __version__, "rules": [_rule(each) for each in codes]}


def _rule(code: str) -> dict[str, Any]:
    row, page = CODES[code], _page(code)
    summary = _SUMMARY.search(page)
    return {
        "id": code,
        "name": code,
        "shortDescription": {"text": row.title},
        "fullDescription": {"text": " ".join(summary["text"].split()) if summary else row.title},
        "help": {"text": page or row.title, "markdown": page or row.title},
        "defaultConfiguration": {"level": row.severity},
    }


@cache
def _page(code: str) -> str:
    """The code's page of the documentation: from the package, else from the checkout; empty where there is neither."""
    here = Path(__file__)
    for folder in (here.parents[1] / "docs" / "codes", here.parents[3] / "docs" / "codes"):
        path = folder / f"{code}.md"
        if path.is_file():
            return _PAGE_LINK.sub(r"\1", path.read_text(encoding="utf-8"))  # pages beside it are not there to follow
    return ""


def _left_out(count: int) -> dict[str, Any]:
    if count <= 0:
        return {}
    text = f"{count:,} more results are not listed here: the limit is {MAX_RESULTS:,}"
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _result(each: Located, fingerprint: str, codes: Sequence[str], prefix: str) -> dict[str, Any]:
    diagnostic = each.diagnostic
    result = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": str(diagnostic.severity),
        "message": {"text": _message(each, prefix)},
        "locations": [{"physicalLocation": _physical(each.at, prefix)}],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }
    if each.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": mask(label)}, "physicalLocation": _physical(at, prefix)}
            for number, (at, label) in enumerate(each.related, 1)
        ]
    return result


def _message(each: Located, prefix: str) -> str:
    """The message, the hint, and a link to each related place; nothing in people's own words may become a link."""
    diagnostic = each.diagnostic
    lines = [mask(diagnostic.message), *([mask(diagnostic.hint)] if diagnostic.hint else [])]
    text = "\n".join(lines).replace("](", "] (")
    for number, (at, label) in enumerate(each.related, 1):
        where = re.sub(r"([\[\]\\])", r"\\\1", mask(f"{prefix}{at.file}:{at.line}:{at.column}"))
        text += f"\n{mask(label).replace('](', '] (')}: [{where}]({number})"
    return text


def _fixes(diagnostic: Diagnostic, fixes: Mapping[Diagnostic, Replacement], prefix: str) -> dict[str, Any]:
    if (fix := fixes.get(diagnostic)) is None:
        return {}
    replacement = {"deletedRegion": _region(fix.at), "insertedContent": {"text": fix.text}}
    change = {"artifactLocation": _artifact(fix.at, prefix), "replacements": [replacement]}
    return {"fixes": [{"description": {"text": f"write {fix.text}"}, "artifactChanges": [change]}]}


def _physical(at: Location, prefix: str) -> dict[str, Any]:
    return {"artifactLocation": _artifact(at, prefix), "region": _region(at)}


def _artifact(at: Location, prefix: str) -> dict[str, Any]:
    return {"uri": quote(mask(f"{prefix}{at.file}")), "uriBaseId": "%SRCROOT%"}


def _region(at: Location) -> dict[str, Any]:
    return {"startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column}


def _fingerprint(each: Located, counted: Counter[str]) -> str:
    """What stays the same while lines move, in the form that code scanning gives its own: a hash and a count.

    Neither the line's number nor a place in a list counts, and no message: some name the day.
    """
    place = each.diagnostic.place
    names = [step for step in place.route if isinstance(step, str)]
    parts = [each.diagnostic.code, place.file, place.at, *names, each.at.text.strip()]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
    counted[digest] += 1
    return f"{digest}:{counted[digest]}"
