"""The soak in figures: a table of Markdown of what was there, for its books to be judged by. Pure."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from soak import Soaked, slope
from soak_accounts import sums
from soak_meters import beyond_plan
from soak_noted import Books, merged
from soak_plan import Plan, is_azure

_HOUR = 3600


def table(soaked: Soaked) -> str:
    """What was there."""
    books = soaked.books
    rows = [*_requests(books), *_attempts(books), *_tokens(soaked), *_process(soaked), *_money(books)]
    return "\n".join(["| what | how much |", "|---|---|", *(f"| {what} | {said} |" for what, said in rows)])


def _requests(books: Books) -> list[tuple[str, str]]:
    lines = books.lines
    azure = sum(map(is_azure, books.seen))
    refused = Counter(Plan.read(name).key for name, seen in books.seen.items() if seen.refused)
    return [
        ("requests that clients sent", f"{len(books.seen):,}, {azure:,} of them by Azure's paths"),
        ("log lines", f"{len(lines):,}"),
        ("by operation", _listed(Counter(each.kind for each in books.seen.values()))),
        ("by status", _listed(Counter(str(each["status"]) for each in lines))),
        ("by error of ours", _listed(Counter(each["error"] for each in lines if each["error"]))),
        ("refused by a limit or a budget, by key", _listed(refused)),
    ]


def _attempts(books: Books) -> list[tuple[str, str]]:
    outcomes = Counter(each.outcome for arrivals in books.arrivals.values() for each in arrivals)
    failovers = sum(max(0, each["attempts"] - 1) for each in books.lines)
    found = merged(books.metrics)
    problems: Counter[str] = Counter()
    for name, value in found.items():
        if name[0] == "upstream_errors_total":
            problems[name[2]] += int(value)
    return [
        ("what the upstream did with attempts", _listed(outcomes)),
        ("attempts after a request's first", f"{failovers:,}"),
        ("attempts that were not the answer", _listed(problems)),
        ("attempts whose time was over beside the plan", str(beyond_plan(books, found))),
    ]


def _tokens(soaked: Soaked) -> list[tuple[str, str]]:
    outcomes = Counter(each.outcome for each in soaked.books.grants)
    return [
        ("requests for tokens", f"{len(soaked.books.grants):,}: {_listed(outcomes)}"),
        ("tokens taken back", f"{soaked.revoked:,}"),
    ]


def _process(soaked: Soaked) -> list[tuple[str, str]]:
    memory, (reloads, wrong) = soaked.memory, soaked.reloads
    quarters = [memory[at * (len(memory) - 1) // 4] for at in range(5)]
    growth = slope(memory[len(memory) // 2 :]) * _HOUR
    return [
        ("workers", str(soaked.books.workers)),
        ("reloads", f"{reloads:,}, and {wrong:,} of documents that are wrong"),
        ("memory at the start, quarters and end", f"{' · '.join(f'{each:.1f}' for each in quarters)} MiB"),
        ("its slope over the second half", f"{growth:+.2f} MiB an hour"),
        ("descriptors at the start and the end", " · ".join(map(str, soaked.descriptors))),
        ("connections to the upstream at the end", str(soaked.connections)),
    ]


def _money(books: Books) -> list[tuple[str, str]]:
    billed, owed = sums(books)
    return [("cost by the log", _exact(billed)), ("cost by the upstream's count", _exact(owed))]


def _exact(amount: Fraction) -> str:
    return f"{float(amount):,.10f} USD"


def _listed(counts: Counter[str]) -> str:
    return " · ".join(f"{name} {count:,}" for name, count in counts.most_common()) or "none"
