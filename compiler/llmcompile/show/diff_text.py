"""A difference as text: documents, decisions from the fewest to the most, money, and the sum above the prompt."""

from __future__ import annotations

from collections.abc import Iterator

import click

from llmcompile.diff.bill import Bill
from llmcompile.diff.impact import Group
from llmcompile.diff.report import Report
from llmcompile.show import diff_words as words
from llmcompile.show.plan_text import fact

_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


def render_text(report: Report) -> str:
    """The difference for people. Styled; the caller strips styles where there is no terminal."""
    impact = report.impact
    blocks = [
        [fact(each) for each in report.facts],
        *(list(_group(each)) for each in impact.groups),
        ["blast radius", *(f"  {''.join(each)}" for each in words.blast(impact))] if impact.count else [],
        ["usage", *(f"  {each}" for each in bill_lines(report.bill))] if report.bill else [],
        list(_summary(report)),
    ]
    return "\n\n".join("\n".join(each) for each in blocks if each)


def _group(group: Group) -> Iterator[str]:
    yield click.style("".join(words.head(group)), bold=True)
    for line in words.lines(group.change):
        yield f"  {click.style(line.sign, fg=_COLOURS[line.sign])} {''.join(line.parts)}"


def bill_lines(bill: Bill) -> Iterator[str]:
    """Before, after and the difference: each account, each model, everything."""
    rows = [("", "before", "after", "difference"), *words.bill_rows(bill)]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for name, *figures in rows:
        yield "  ".join(
            [name.ljust(widths[0]), *(each.rjust(widths[at]) for at, each in enumerate(figures, 1))]
        ).rstrip()


def _summary(report: Report) -> Iterator[str]:
    impact = report.impact
    for each in words.renamed(impact):
        yield "".join(each)
    documents = f"{report.documents:,} documents differ" if report.documents != 1 else "1 document differs"
    yield f"{report.before} -> {report.after}: {documents if report.documents else 'no document differs'}"
    if impact.count:
        yield words.radius(impact)
    yield click.style(words.changed(impact.count), bold=True)
