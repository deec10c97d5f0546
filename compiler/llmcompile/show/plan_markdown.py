"""A plan as the comment on a pull request: found again by its first line, and never longer than GitHub takes.

Names stand in code spans and the rest is escaped: no name becomes markup, an HTML comment or a mention.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmcompile.diff.impact import Group, Impact
from llmcompile.push.guards import Refusal
from llmcompile.push.meaning import SEVERITIES, Fact, Name, Severity
from llmcompile.push.plan import Change, Plan
from llmcompile.show import diff_words as words
from llmcompile.show.diff_words import reach
from llmcompile.show.plan_words import headline, listed, number_of, printable, touched, versions, whose

MARKER = "<!-- llmcompile-plan -->"
LIMIT = 65_536
"""Characters of a comment. Bytes are counted here, which are never fewer, however GitHub counts."""
SMALLEST = 4_096
"""Below this there is no room for the counts."""

_MOST = 10
"""Names of owners shown with a fact."""
_OPEN = 20
"""Changes or gains that are shown unfolded; losses always are."""
_REFUSALS = 4
"""Refusals get at most this part of the room: a quarter."""
_PLURAL: dict[Severity, str] = {"loss": "losses", "change": "changes", "gain": "gains"}
_MARKUP = re.compile(r"([\\`*_{}\[\]<|~$!&])")
_REFERENCE = re.compile(r"([@#])")


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of which as many are shown as there is room for."""

    opening: str
    rows: Sequence[str]
    closing: str
    part: int = 1
    """It gets at most one part in so many of the room that is left."""


def render_markdown(
    plan: Plan, refusals: Sequence[Refusal] = (), limit: int = LIMIT, impact: Impact | None = None
) -> str:
    """The plan as Markdown, shorter than ``limit`` bytes. Raises ``ValueError`` where that is below 4,096."""
    if limit < SMALLEST:
        raise ValueError(f"a plan has no room in {limit} bytes")
    command = code(f"llmcompile plan --to {shlex.quote(plan.store)}"[:300])
    sections = [each for each in _sections(plan, refusals, impact) if each.rows]
    return fitted(_head(plan, impact), sections, command, limit)


def fitted(head: str, sections: Sequence[Section], command: str, limit: int) -> str:
    """A head and as much of its sections as there is room for; ``command`` shows the rest."""
    # What is always there is paid first: the head, and the frame and the count of every section.
    most = {id(each): _more(len(each.rows), command) for each in sections}
    frames = sum(_size(f"{each.opening}{most[id(each)]}{each.closing}") for each in sections)
    room, text = limit - 1 - _size(head) - frames, [head]
    for section in sections:
        shown = _fitting(section.rows, room // section.part)
        room -= sum(_size(each) for each in shown)
        left = len(section.rows) - len(shown)
        text += [section.opening, *shown, _more(left, command) if left else "", section.closing]
    return "".join(text)


def _size(text: str) -> int:
    return len(text.encode())


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    shown: list[str] = []
    for row in rows:
        room -= _size(row)
        if room < 0:
            break
        shown.append(row)
    return shown


def _more(left: int, command: str) -> str:
    return f"- … and {left:,} more; all of it: {command}\n"


def _head(plan: Plan, impact: Impact | None) -> str:
    owners = touched(plan)
    touches = f"Touches {number_of(owners)}. " if owners else ""
    decisions = f"{reach(impact)}. " if impact is not None else ""
    return (
        f"{MARKER}\n### Plan: {headline(plan)}\n\n"
        f"Store {code(plan.store[:200])}. {touches}{decisions}Digest {code(plan.digest[:200])}.\n"
    )


def _sections(plan: Plan, refusals: Sequence[Refusal], impact: Impact | None) -> Iterator[Section]:
    """What a reviewer has to see, most important first."""
    refused = [_refusal(each) for each in refusals]
    yield Section("\n#### A push refuses this\n\n", refused, "", _REFUSALS)
    for severity in SEVERITIES:
        rows = [fact(each) for each in plan.facts if each.severity == severity]
        title = f"{len(rows):,} {severity if len(rows) == 1 else _PLURAL[severity]}"
        yield Section(f"\n#### {title}\n\n", rows, "") if severity == "loss" else folded(title, rows)
    if impact is not None:
        yield from impact_sections(impact)
    owners = touched(plan)
    names = [f"- {each.kind} {code(each.id)}\n" for each in owners]
    yield folded(f"{number_of(owners)} touched", names, most_open=0)
    secrets = [_secret(each) for each in listed(plan)]
    yield folded(f"{len(secrets):,} secret{'s' if len(secrets) != 1 else ''}", secrets, most_open=0)


def folded(title: str, rows: Sequence[str], most_open: int = _OPEN) -> Section:
    """Rows that stand open where there are few of them."""
    tag = "<details open>" if len(rows) <= most_open else "<details>"
    return Section(f"\n{tag}<summary>{title}</summary>\n\n", rows, "\n</details>\n")


def fact(one: Fact) -> str:
    """A fact as an item of a list."""
    who = whose(one.owners, [code(each.id) for each in one.owners[:_MOST]], _MOST)
    return f"- {who}: {marked(one.parts)}\n"


def impact_sections(impact: Impact) -> Iterator[Section]:
    """The decisions that change, and whom they hit."""
    yield folded(words.changed(impact.count), [_group(each) for each in impact.groups], most_open=0)
    yield folded("blast radius", [f"- {marked(each)}\n" for each in words.blast(impact)], most_open=0)


def _group(group: Group) -> str:
    lines = "".join(f"  - `{each.sign}` {marked(each.parts)}\n" for each in words.lines(group.change))
    return f"- {marked(words.head(group))}\n{lines}"


def marked(parts: Iterable[str]) -> str:
    """Words as prose, names as code."""
    return "".join(code(each) if isinstance(each, Name) else prose(each) for each in parts)


def _secret(change: Change) -> str:
    reason = f", {prose(change.reason)}" if change.reason else ""
    return f"- {change.action} {code(change.secret)}: {versions(change)}{reason}\n"


def _refusal(refusal: Refusal) -> str:
    next_step = f"; {prose(refusal.next_step)}" if refusal.next_step else ""
    confirm = f"; to confirm just this: {code(refusal.confirmation)}" if refusal.confirmation else ""
    return f"- **{prose(refusal.code)}**: {prose(refusal.message)}{next_step}{confirm}\n"


def code(text: str) -> str:
    """Text as a code span. A backtick, which no name of ours has, becomes an apostrophe."""
    return f"`{printable(text).replace('`', chr(39)) or '(empty)'}`"


def prose(text: str) -> str:
    """Text as itself: no markup, and no mention of a user or an issue."""
    return _REFERENCE.sub(r"`\1`", _MARKUP.sub(r"\\\1", printable(text)))
