"""The report as text and as JSON: first what is still to do, then what was left out, changed and carried."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from llmcompile.diagnostics import Severity
from llmcompile.importing.drafts import Fleet, Key, OAuth
from llmcompile.importing.report import Item, written
from llmcompile.importing.report import Outcome as ItemOutcome
from llmcompile.importing.run import Outcome, Request
from llmcompile.literals import mask
from llmcompile.refs import Ref
from llmcompile.show.located import Located

JSON_FORMAT = 1
_HEADS: dict[ItemOutcome, str] = {"left out": "Not carried over", "changed": "Changed", "carried": "Carried over"}
_PRICES = ("price-missing", "price-unit-missing")


def text(request: Request, outcome: Outcome) -> str:
    """The report for people."""
    parts = [_summary(request, outcome), *_to_do(request, outcome), *_variables(request, outcome)]
    for kind, head in _HEADS.items():
        lines = list(_items(request, [each for each in outcome.report.items if each.outcome == kind]))
        if lines:
            parts.append("\n".join([f"{head}:", *lines]))
    return "\n\n".join(mask_lines(each) for each in parts)


def mask_lines(lines: str) -> str:
    """Text of several lines, each fit to be shown."""
    return "\n".join(mask(each) for each in lines.splitlines())


def _summary(request: Request, outcome: Outcome) -> str:
    models, endpoints = len(outcome.fleet.models), len(outcome.fleet.endpoints)
    whose = f"account '{request.where.account}'" if request.where.own else f"region '{request.where.region}'"
    what = f"{_file(request)}: {outcome.carried} of {_count(outcome.deployments, 'deployment')}"
    if not outcome.files:
        return f"{what}; there is nothing to write"
    return f"{what} as {_count(models, 'model')} at {_count(endpoints, 'endpoint')} of {whose}: {request.out}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _to_do(request: Request, outcome: Outcome) -> Iterator[str]:
    if not outcome.files:
        return
    errors = [each for each in outcome.problems if each.diagnostic.severity is Severity.ERROR]
    head = f"Check does not pass yet, {_count(len(errors), 'error')}:" if errors else "Check passes."
    lines = [head, *(_problem(each) for each in outcome.problems)]
    if any(each.diagnostic.code in _PRICES for each in errors):
        lines.append("  --prices FILE fills in prices from litellm's model_prices_and_context_window.json")
    yield "\n".join(lines)
    if any(model.prices for model in outcome.fleet.models.values()):
        yield f"Prices hold from {request.where.start} on: the source has no dates, --start DATE says another."


def _problem(each: Located) -> str:
    at, diagnostic = each.at, each.diagnostic
    hint = f"; {diagnostic.hint}" if diagnostic.hint else ""
    return f"  {at.file}:{at.line}:{at.column} {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}{hint}"


def _variables(request: Request, outcome: Outcome) -> Iterator[str]:
    if not outcome.files:
        return
    made_up = {each.variable: each for each in outcome.report.made_up}
    if made_up:
        lines = [f"  {each.variable}: {_file(request)}:{each.line}:{each.column}" for each in made_up.values()]
        yield "\n".join(
            ["Set these variables to the secrets that belong there; revoke those that the file writes out:", *lines]
        )
    if others := sorted(variables(outcome.fleet) - made_up.keys()):
        yield "Set these variables, as before: " + ", ".join(others)


def variables(fleet: Fleet) -> set[str]:
    """The environment variables that the repository's refs point to."""
    return {ref.target for ref in _refs(fleet) if ref.scheme == "env"}


def _refs(fleet: Fleet) -> Iterator[Ref]:
    yield from fleet.credentials.values()
    for each in fleet.endpoints:
        if isinstance(each.target.auth, Key):
            yield each.target.auth.ref
        elif isinstance(each.target.auth, OAuth):
            yield each.target.auth.client_secret


def _items(request: Request, items: Iterable[Item]) -> Iterator[str]:
    """A line for each item; those of which the same is to be said in one section, or one list, share a line.

    No colon behind the item: where it is a secret's field, what follows would be masked as its value.
    """
    groups: dict[tuple[str, str], list[Item]] = {}
    for each in items:
        section = re.sub(r"\[\d+\]", "[]", written(each.route[:-1]))
        groups.setdefault((section, each.message), []).append(each)
    for group in groups.values():
        first = group[0]
        yield f"  {_file(request)}:{first.line}:{first.column} {written(first.route)}{_others(group)} - {first.message}"


def _others(group: list[Item]) -> str:
    """What else of a group's section has the same said of it."""
    names = list(dict.fromkeys(str(each.route[-1]) for each in group))
    if len(names) == 1:
        return f" (and {len(group) - 1} more)" if len(group) > 1 else ""
    return f" (and {', '.join(names[1:])}{f'; {len(group)} in all' if len(group) > len(names) else ''})"


def _file(request: Request) -> str:
    return request.config.name


def as_json(request: Request, outcome: Outcome) -> str:
    """The report for machines, with every item by itself."""
    data = {
        "format": JSON_FORMAT,
        "source": request.dialect.name,
        "file": _file(request),
        "deployments": outcome.deployments,
        "carried": outcome.carried,
        "written": list(outcome.files),
        "check": {"passed": outcome.passed, "problems": [_plain(each) for each in outcome.problems]},
        "variables": sorted(variables(outcome.fleet)) if outcome.files else [],
        "made_up": [
            {"variable": each.variable, "line": each.line, "column": each.column} for each in outcome.report.made_up
        ],
        "items": [
            {
                "outcome": each.outcome,
                "item": mask(written(each.route)),
                "line": each.line,
                "column": each.column,
                "message": mask(each.message),
            }
            for each in outcome.report.items
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _plain(each: Located) -> dict[str, Any]:
    at, diagnostic = each.at, each.diagnostic
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": mask(diagnostic.message),
        "hint": mask(diagnostic.hint),
        "file": at.file,
        "line": at.line,
        "column": at.column,
    }
