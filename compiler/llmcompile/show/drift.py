"""Drift as text, as JSON, and as the body of an issue. Names of secrets and words of ours alone: nothing to escape."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import click

from llmcompile.push.drift import DRIFT_FORMAT, Drift

_MARKER = "<!-- llmcompile-drift -->"
_SHOWN = 200
"""Rows of an issue, which holds 65,536 characters: each has fewer than 300."""


def _text(drifted: Sequence[Drift], store: str, looked_at: int) -> str:
    lines = []
    for each in drifted:
        lines.append(f"{click.style('!', fg='yellow')} {each.secret}: {each.code}: {each.message}")
        lines.append(f"    next: {each.next_step}")
    return "\n".join([*lines, _headline(drifted, store, looked_at)])


def _json(drifted: Sequence[Drift], store: str, looked_at: int) -> str:
    rows = [asdict(each) for each in drifted]
    return json.dumps({"format": DRIFT_FORMAT, "store": store, "looked_at": looked_at, "drift": rows}, indent=2)


def _markdown(drifted: Sequence[Drift], store: str, looked_at: int) -> str:
    rows = [f"| `{each.secret}` | {each.code} | {each.message} | {each.next_step} |" for each in drifted[:_SHOWN]]
    more = [f"\n... and {len(drifted) - _SHOWN} more: `llmcompile drift`"] if len(drifted) > _SHOWN else []
    table = ["| secret | drift | what was found | next |", "|---|---|---|---|", *rows, *more] if drifted else []
    return "\n".join([_MARKER, f"**{_headline(drifted, store, looked_at)}**", "", *table])


def _headline(drifted: Sequence[Drift], store: str, looked_at: int) -> str:
    if not drifted:
        return f"{store} is what git says, all {looked_at} secrets"
    return f"{len(drifted)} of {looked_at} secrets in {store} are not what git says"


RENDERERS: dict[str, Callable[[Sequence[Drift], str, int], str]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
}
