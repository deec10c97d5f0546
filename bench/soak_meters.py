"""The soak's metrics: the sums of all workers' counters against the log's lines and what came to the upstream. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

from soak_documents import ACCOUNT_SOFT, HARD, SOFT
from soak_noted import Arrival, Books, Line, Samples, merged, samples
from soak_plan import KINDS, Plan

_Wanted = dict[tuple[str, ...], Decimal]
_LINES = (("", "soft", ACCOUNT_SOFT), ("thrifty", "soft", SOFT), ("thrifty", "hard", HARD))


def metered(books: Books) -> list[str]:
    """Everything in the metrics that is not what the lines say."""
    found, wanted = merged(books.metrics), _wanted(books)
    counted = {name for name in found if name[0] in {each[0] for each in wanted}}
    names = {name for name, value in wanted.items() if value} | counted
    unlike = [
        f"metric {' '.join(name)} is {found.get(name, 0)}, the log says {wanted.get(name, 0)}"
        for name in sorted(names)
        if found.get(name, 0) != wanted.get(name, 0)
    ]
    alerts, said = sum(v for name, v in found.items() if name[0] == "budget_alerts_total"), books.said.count("reached")
    if alerts != said:
        unlike.append(f"{alerts} alerts of budgets are counted, {said} were said")
    return [*unlike, *_attempted(books, found), *_refreshed(books, found)]


def _wanted(books: Books) -> _Wanted:
    wanted: _Wanted = defaultdict(Decimal)
    for line in books.lines:
        place = tuple(str(line[name] or "") for name in ("model", "source"))
        rest = tuple(str(line[name] or "") for name in ("endpoint", "status", "error"))
        wanted["requests_total", *place, *rest] += 1
        wanted["request_seconds_count",] += 1
        wanted["tokens_total", *place, "input"] += line["tokens_input"] or 0
        wanted["tokens_total", *place, "output"] += line["tokens_output"] or 0
        wanted["failovers_total", place[0]] += max(0, line["attempts"] - 1)
        wanted["unknown_usage_total", *place] += line["status"] == 200 and line["tokens_input"] is None
        if line["cost"] is not None:
            wanted["cost_total", *place, line["currency"]] += Decimal(line["cost"])
        for key in _budgets(line):
            wanted["budget_spent", key, line["currency"]] += Decimal(line["cost"] or 0)
            wanted["budget_uncounted_total", key, "usage"] += line["cost"] is None
    wanted.update(_alerts(books))
    return wanted


def _budgets(line: Line) -> Iterator[str]:
    """The keys whose budgets count a line; empty: the account's, which is about the platform."""
    answered = line["endpoint"] is not None and (line["status"] < 400 or line["status"] == 499)
    if answered and Plan.read(line["request_id"]).kind != "state":
        if line["source"] == "platform":
            yield ""
        if line["key_id"] == "thrifty":
            yield "thrifty"


def _alerts(books: Books) -> Iterator[tuple[tuple[str, ...], Decimal]]:
    """How many workers have to have said that a line was crossed: each counts for itself."""
    spent = [(name[1], value) for text in books.metrics for name, value in samples(text) if name[0] == "budget_spent"]
    for key, level, line in _LINES:
        crossed = sum(value >= Decimal(line) for each, value in spent if each == key)
        yield ("budget_alerts_total", key, level), Decimal(crossed)


def beyond_plan(books: Books, found: Samples) -> int:
    """Attempts that were lost although nothing was to happen to them: on a machine that stalls, time is over."""
    planned = sum(_is_lost(name, each) for name, arrivals in books.arrivals.items() for each in arrivals)
    lost = sum(value for name, value in found.items() if name[0] == "upstream_errors_total" and name[2] == "lost")
    return int(lost) - planned


def _is_lost(name: str, arrival: Arrival) -> bool:
    kind = Plan.read(name).kind
    whole = not KINDS[kind].streams and kind not in ("speech", "realtime")
    cut = arrival.outcome == "reset" and not arrival.resent
    return cut or arrival.outcome == "stall" or (arrival.outcome == "broken" and whole)


def _attempted(books: Books, found: Samples) -> list[str]:
    """Attempts by what became of them, and their sum: each came to an endpoint, or had no token to come with."""
    beyond = beyond_plan(books, found)
    if beyond < 0:
        return [f"{-beyond} attempts were lost, and are not counted as such"]
    unlike = []
    answered = Counter((each.endpoint, each.outcome) for arrivals in books.arrivals.values() for each in arrivals)
    told = {(name[1], name[2]): int(value) for name, value in found.items() if name[0] == "upstream_errors_total"}
    places = {each for each in (*answered, *told) if each[1].isdigit() and each[1] != "401"}
    for place in sorted(places):
        if not 0 <= answered[place] - told.get(place, 0) <= beyond:
            unlike.append(f"{' '.join(place)} was answered {answered[place]} times, metrics say {told.get(place, 0)}")
    without = sum(value for (_, kind), value in told.items() if kind == "token") - _in_vain(books)
    arrived = sum(not each.resent for arrivals in books.arrivals.values() for each in arrivals)
    attempts = sum(line["attempts"] for line in books.lines)
    if not 0 <= attempts - arrived - without <= beyond:
        unlike.append(f"{attempts} attempts are in the log, {arrived} came and {without} had no token")
    return unlike


def _refreshed(books: Books, found: Samples) -> Iterator[str]:
    """Requests for tokens, by client; each worker may have one on its way when it is asked."""
    for client in sorted({each.client for each in books.grants}):
        asked = Counter(each.outcome for each in books.grants if each.client == client and not each.resent)
        ok, failed = (int(found.get(("token_refreshes_total", client, each), 0)) for each in ("ok", "failed"))
        if not 0 <= asked.total() - ok - failed <= books.workers or ok > asked["ok"]:
            yield f"{client} asked for tokens: {dict(asked)}, the metrics say {ok} ok and {failed} failed"


def _in_vain(books: Books) -> int:
    """Attempts that came to an endpoint, whose token was refused, and that got no other."""
    status = {str(line["request_id"]): line["status"] for line in books.lines}
    found = 0
    for name, arrivals in books.arrivals.items():
        after = [*(each.endpoint for each in arrivals[1:]), ""]
        left = sum(each.outcome == "401" and each.endpoint != then for each, then in zip(arrivals, after, strict=True))
        found += left - (status.get(name) == 401)
    return found
