"""Diagnostics as text: the line, carets under the place, and the hint behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from llmcompile.diagnostics import Severity
from llmcompile.literals import mask
from llmcompile.load.locate import Location
from llmcompile.show.located import Located, summary, worst

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_WIDEST = 160


def render(found: Iterable[Located]) -> str:
    """All of them, a blank line between two. Styled; the caller strips styles where there is no terminal."""
    return "\n".join(_one(each) for each in found)


def render_worst(found: Sequence[Located], most: int) -> str:
    """The ``most`` worst of them (0: all), and how many are left out."""
    shown = worst(found, most)
    if len(shown) == len(found):
        return render(shown)
    kept = {id(each) for each in shown}
    left = [each.diagnostic for each in found if id(each) not in kept]
    return f"{render(shown)}\n... and {len(left):,} more: {summary(left)}"


def _one(each: Located) -> str:
    diagnostic, at = each.diagnostic, each.at
    colour = _COLOURS[diagnostic.severity]
    head = click.style(f"{diagnostic.severity}[{diagnostic.code}]", fg=colour, bold=True)
    lines = [f"{head}: {click.style(mask(diagnostic.message), bold=True)}", f"  --> {_where(at)}"]
    width = len(str(at.line))
    if at.text.strip():
        lines += _excerpt(at, width, colour, diagnostic.hint)
    elif diagnostic.hint:
        lines.append(f"{' ' * width}  = hint: {mask(diagnostic.hint)}")
    lines += [f"{' ' * width}  = {label}: {_where(location)}" for location, label in each.related]
    return "\n".join(lines) + "\n"


def _where(at: Location) -> str:
    return f"{mask(at.file)}:{at.line}:{at.column}"


def _excerpt(at: Location, width: int, colour: str, hint: str) -> list[str]:
    text, column = at.text, at.column - 1
    end = at.end_column - 1 if at.end_line == at.line else len(text)
    if len(text) > _WIDEST:  # a long line is shown around its place
        start = max(0, column - _WIDEST // 2)
        text, column, end = text[start : start + _WIDEST], column - start, min(end - start, _WIDEST)
    carets = click.style("^" * max(1, end - column), fg=colour, bold=True)
    bar = f"{' ' * width} |"
    return [
        bar,
        f"{at.line} | {text.rstrip()}",
        f"{bar} {' ' * column}{carets}" + (f" {click.style(mask(hint), fg=colour)}" if hint else ""),
    ]
