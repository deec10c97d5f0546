"""A difference as a comment: found again by its first line, never longer than GitHub takes, names in code spans."""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.diff.bill import Bill
from llmcompile.diff.report import Report
from llmcompile.show import diff_words as words
from llmcompile.show.plan_markdown import LIMIT, Section, code, fact, fitted, folded, impact_sections, marked, prose

MARKER = "<!-- llmcompile-diff -->"


def render_markdown(report: Report, limit: int = LIMIT) -> str:
    """The difference as Markdown, shorter than ``limit`` bytes."""
    head = (
        f"{MARKER}\n### {words.changed(report.impact.count)}\n\n"
        f"{prose(report.before)} → {prose(report.after)}. {prose(words.radius(report.impact))}.\n"
    )
    command = code("llmcompile diff")
    return fitted(head, [each for each in _sections(report) if each.rows], command, limit)


def _sections(report: Report) -> Iterator[Section]:
    impact = report.impact
    yield from impact_sections(impact)
    yield folded("renamed", [f"- {marked(each)}\n" for each in words.renamed(impact)])
    if report.bill:
        yield _usage(report.bill)
    yield folded("what differs in the documents", [fact(each) for each in report.facts])


def _usage(bill: Bill) -> Section:
    opening = "\n#### Usage\n\n| | before | after | difference |\n|---|---|---|---|\n"
    rows = [f"| {' | '.join(prose(each) for each in row)} |\n" for row in words.bill_rows(bill)]
    return Section(opening, rows, "")
