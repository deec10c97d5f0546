"""The soak's bookkeeping: what clients saw, what the upstream saw and told, the router's log and metrics must agree.

Pure: everything that was noted goes in, every difference comes out as a line of text. Money is compared exactly.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from soak_limits import limited
from soak_meters import metered
from soak_noted import Books, Line, Prices, Seen, Told
from soak_plan import Plan
from soak_tokens import token_differences

_MOST = 20  # differences of one sort that are told
_NOT_OURS = ("standin", "upstream_error")  # codes of what an upstream said
_FAILED_SHARE = 0.01  # of the requests that some endpoint would have answered
_SAYS = re.compile(r"llmrouter: (listening on|(not )?reloaded|(account|key) .* reached the (soft|hard) budget)\b.*")
UNREADABLE = "?"
"""A code that a client does not get to see: of a handshake that was refused."""


def differences(books: Books) -> list[str]:
    """Everything that does not agree; empty: every request is accounted for exactly once."""
    by_id: dict[str, list[Line]] = defaultdict(list)
    for line in books.lines:
        by_id[str(line["request_id"])].append(line)
    groups = [_counted(books.seen, by_id), _agreed(books, by_id), _billed(books), _served(books), _said(books.said)]
    groups += [metered(books), limited(books, by_id), token_differences(books.grants, books.workers)]
    return [each for group in groups for each in (*group[:_MOST], *_more(group))]


def _more(group: Sequence[str]) -> list[str]:
    return [f"... and {len(group) - _MOST} more like these"] if len(group) > _MOST else []


def _counted(seen: Mapping[str, Seen], by_id: Mapping[str, list[Line]]) -> list[str]:
    missing = [f"{name}: no log line ({seen[name].kind})" for name in seen if name not in by_id]
    strange = [f"{name}: a log line that nobody asked for" for name in by_id if name not in seen]
    twice = [f"{name}: {len(lines)} log lines" for name, lines in by_id.items() if len(lines) != 1]
    return [*missing, *strange, *twice]


def _agreed(books: Books, by_id: Mapping[str, list[Line]]) -> list[str]:
    """Each line says what its client saw, and bills what the endpoint that answered told."""
    found = []
    for name, seen in books.seen.items():
        for line in by_id.get(name, [])[:1]:
            told, arrived = books.told.get(name, []), books.arrivals.get(name, [])
            unlike = [*_unlike(seen, line), *_misbilled(line, told, books.prices)]
            least = sum(not each.resent for each in arrived)
            if line["attempts"] < least:
                unlike.append(f"{line['attempts']} attempts, {least} came to the upstream")
            if line["endpoint"] not in {None, *(each.endpoint for each in arrived)} and line["status"] == 200:
                unlike.append(f"answered by {line['endpoint']}, where it never came")
            found += [f"{name} ({seen.kind}): {each}" for each in unlike]
    return found


def _unlike(seen: Seen, line: Line) -> list[str]:
    if seen.left:
        gone = line["status"] == 499 and line["error"] == "client_gone"
        return [] if gone else [f"the client left, the log says {line['status']}, {line['error']}"]
    found = []
    if line["status"] != seen.status:
        found.append(f"the client saw {seen.status}, the log says {line['status']}")
    told = None if seen.error in _NOT_OURS else seen.error
    if line["error"] != told and told != UNREADABLE:
        found.append(f"the client was told {told}, the log says {line['error']}")
    return found


def expected(line: Line, told: Sequence[Told], prices: Prices) -> tuple[int | None, int | None, Fraction | None]:
    """Input and output tokens and cost that the line must have: those that its endpoint told last."""
    told = [each for each in told if each.endpoint == line["endpoint"]]
    if not told or _too_late(line):
        return None, None, None
    tokens = told[-1].tokens
    given = sum(count for kind, count in tokens.items() if kind.endswith("input"))
    made = sum(count for kind, count in tokens.items() if kind.endswith("output"))
    row = prices[line["price_id"]]
    return given, made, sum((Fraction(row[kind]) * count for kind, count in tokens.items()), Fraction(0)) / 10**6


def _misbilled(line: Line, told: Sequence[Told], prices: Prices) -> list[str]:
    given, made, cost = expected(line, told, prices)
    billed = None if line["cost"] is None else Fraction(line["cost"])
    found = []
    if (line["tokens_input"], line["tokens_output"]) != (given, made):
        found.append(f"tokens {line['tokens_input']}, {line['tokens_output']}; the upstream told {given}, {made}")
    if billed != cost:
        found.append(f"billed {line['cost']}; by what the upstream told it is {None if cost is None else float(cost)}")
    return found


def sums(books: Books) -> tuple[Fraction, Fraction]:
    """What was billed in all, and what the upstream's own count comes to: by request, not by the lines' word."""
    billed = sum((Fraction(each["cost"]) for each in books.lines if each["cost"] is not None), Fraction(0))
    rows = {str(each["request_id"]): each for each in books.lines}
    owed = Fraction(0)
    for name, told in books.told.items():
        line = rows.get(name)
        row = books.prices.get(str(line["price_id"])) if line else next(iter(books.prices.values()))
        if row is not None and told and not (line and _too_late(line)):
            at = line["endpoint"] if line else None
            last = ([each for each in told if each.endpoint == at] or told)[-1]
            owed += sum((Fraction(row[kind]) * count for kind, count in last.tokens.items()), Fraction(0)) / 10**6
    return billed, owed


def _too_late(line: Line) -> bool:
    """Whether nobody answered in time; what was told nevertheless, on a machine that stalls, nobody has heard."""
    return bool(line["error"] == "upstream_failed")


def _billed(books: Books) -> list[str]:
    billed, owed = sums(books)
    return [] if billed == owed else [f"billed in all {float(billed)}, the upstream's own count is {float(owed)}"]


def _served(books: Books) -> list[str]:
    """Nearly all that some endpoint would have answered are; a machine that stalls may cost a few."""
    good = [
        name
        for name, seen in books.seen.items()
        if Plan.read(name).is_answered and not seen.refused and seen.kind != "refused"
    ]
    failed = [name for name in good if books.seen[name].status not in (101, 200)]
    if len(failed) <= max(1, len(good) * _FAILED_SHARE):
        return []
    return [f"{len(failed)} of {len(good)} requests were not answered and should have been: {', '.join(failed[:5])}"]


def _said(said: str) -> list[str]:
    """Nothing but what is known: no fault of the router, no death of a worker."""
    return [f"it said: {line}" for line in said.splitlines() if not _SAYS.fullmatch(line)]
