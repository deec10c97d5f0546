"""One screen that says how the fleet is: what ``check`` ends in on a terminal, and nowhere else.

At most 20 lines of at most 80 characters, whatever the fleet; what does not fit is said by how much is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from llmcompile.diagnostics import Severity
from llmcompile.emit.canonical import compact
from llmcompile.emit.contract import MAX_SECRET_BYTES, size
from llmcompile.inputs.values import format_instant
from llmcompile.link.catalogue import Catalogue
from llmcompile.literals import mask
from llmcompile.pipeline import Compiled
from llmcompile.prove import survival
from llmcompile.prove.fleet import survey
from llmcompile.show import calendar

LINES, WIDTH = 20, 80
_CODES, _DATES, _OUTAGES = 3, 5, 4
"""How many of each are shown; with a line for those left out and the rest, never more than ``LINES``."""
_MOST_ACCOUNTS = 2_000
"""From here on, what survives takes seconds, which somebody who only checks did not ask for."""


def render(compiled: Compiled, as_of: datetime) -> str:
    """The screen, without a line break at its end; empty where the repository could not be read."""
    if compiled.catalogue is None:
        return ""
    rows = [("fleet", _counts(compiled.catalogue)), *_problems(compiled), *_dates(compiled.catalogue, as_of)]
    if compiled.documents:
        rows += _proven(compiled, as_of)
    heads = [head if at == 0 or head != rows[at - 1][0] else "" for at, (head, _) in enumerate(rows)]
    return "\n".join(_cut(f"{head:<10}{text}") for head, (_, text) in zip(heads, rows, strict=True))


def _cut(line: str) -> str:
    shown = mask(line)
    return shown if len(shown) <= WIDTH else f"{shown[: WIDTH - 3]}..."


def _counts(held: Catalogue) -> str:
    counts = {
        "account": len(held.accounts),
        "model": len(held.models),
        "region": len(held.regions),
        "endpoint": sum(len(each.input.endpoints) for each in held.owners),
        "key": sum(len(each.input.keys) for each in held.accounts.values()),
    }
    return ", ".join(f"{count:,} {name}{'s' if count != 1 else ''}" for name, count in counts.items())


def _problems(compiled: Compiled) -> Iterator[tuple[str, str]]:
    """A line for each severity: how many, and which codes most."""
    for severity in Severity:
        codes = Counter(each.code for each in compiled.diagnostics if each.severity is severity)
        if codes:
            most = sorted(codes.items(), key=lambda each: (-each[1], each[0]))
            words = [f"{code} ({count:,})" for code, count in most[:_CODES]]
            rest = [f"{len(most) - _CODES:,} other codes"] if len(most) > _CODES else []
            plural = "s" if codes.total() != 1 else ""
            yield "problems", f"{codes.total():,} {severity}{plural}: {', '.join([*words, *rest])}"
    if not compiled.diagnostics:
        yield "problems", "none"


def _dates(held: Catalogue, as_of: datetime) -> Iterator[tuple[str, str]]:
    """What expires, retires or changes its price next."""
    chosen = sorted(calendar.choose(held, as_of, None), key=lambda each: (each.at, each.what))
    for each in chosen[:_DATES]:
        yield (
            "next",
            f"{format_instant(each.at)} ({calendar.distance((each.at - as_of).days)}) {each.what.split(': ')[0]}",
        )
    if len(chosen) > _DATES:
        yield "next", f"{len(chosen) - _DATES:,} more: llmcompile calendar"


def _proven(compiled: Compiled, as_of: datetime) -> Iterator[tuple[str, str]]:
    """What survives, the worst outages, and the fullest document of each kind."""
    accounts = len(compiled.linked.accounts)
    if accounts > _MOST_ACCOUNTS:
        yield "survival", f"not asked of {accounts:,} accounts here: llmcompile check --proofs"
        return
    fleet = survey(compiled.linked, as_of, compiled.documents)
    stands = list(survival.stands(fleet))
    alive = sum(len(each.stranding) != 1 for each in stands)
    alone = sum(each.by_fallback for each in stands)
    by_fallback = f"; {alone:,} by a fallback alone" if alone else ""
    yield "survival", f"{alive:,} of {len(stands):,} answers survive any one outage{by_fallback}"
    strands = Counter(str(each.stranding[0]) for each in stands if len(each.stranding) == 1)
    worst = sorted(strands.items(), key=lambda each: (-each[1], each[0]))
    for outage, count in worst[:_OUTAGES]:
        yield "weakest", f"{count:,} fall with {outage}"
    if len(worst) > _OUTAGES:
        yield "weakest", f"{len(worst) - _OUTAGES:,} more: llmcompile check --proofs"
    yield from _room(compiled)


def _room(compiled: Compiled) -> Iterator[tuple[str, str]]:
    fullest: dict[str, tuple[int, str]] = {}
    for each in compiled.documents:
        taken = size(each, compact(each.plain()))
        fullest[each.kind] = max(fullest.get(each.kind, (0, "")), (taken, each.owner))
    for kind, (taken, owner) in sorted(fullest.items(), key=lambda each: -each[1][0]):
        free = 100 * (MAX_SECRET_BYTES - taken) // MAX_SECRET_BYTES
        yield "room", f"{kind} of '{owner}': {taken:,} bytes, {free}% free"
