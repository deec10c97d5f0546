"""The router's overhead beside its peers: requests a second and latencies, in turns on the same upstream.

All pass the same chat request on to nginx with a completion of 600 bytes; wrk calls them; one worker each. The router
checks a key, meters, counts and writes its log line to a file. Each peer's figure is compared with the router's of the
turn right after it, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from operator import ge, le
from pathlib import Path
from statistics import median

from goals import Row, ranged
from peers import PEERS, LeftOutError
from serving import PATH, Load, Target, answers, documents, load, mock, router

MANY = 32
DIRECT, ROUTER = "direct", "router"


@dataclass(frozen=True, slots=True)
class Turn:
    """One peer's figures and the router's beside them, at one connection and at 32."""

    one: Load
    many: Load
    ours_one: Load
    ours_many: Load


@dataclass(frozen=True, slots=True)
class Found:
    """All turns, by peer; ``direct`` is the upstream itself."""

    turns: dict[str, list[Turn]]
    left_out: dict[str, str]


def measure(rounds: int, seconds: int) -> Found:
    """Rounds in which every peer and the router take turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = mock(stack, folder).url
        targets, left_out = {DIRECT: Target(upstream + PATH)}, {}
        for name, start in PEERS.items():
            try:
                targets[name] = start(stack, folder, upstream)
            except LeftOutError as reason:
                left_out[name] = str(reason)
        ours = Target(stack.enter_context(router(folder, documents(upstream))).url + PATH)
        for each in (*targets.values(), ours):
            answers(each)
            load(each, MANY, min(seconds, 2))  # warm
        turns: dict[str, list[Turn]] = {name: [] for name in targets}
        for _ in range(rounds):
            for name, target in targets.items():
                one, ours_one = load(target, 1, seconds), load(ours, 1, seconds)
                many, ours_many = load(target, MANY, seconds), load(ours, MANY, seconds)
                turns[name].append(Turn(one, many, ours_one, ours_many))
    _refuse_failures(turns)
    return Found(turns, left_out)


def _refuse_failures(turns: dict[str, list[Turn]]) -> None:
    for name, each in turns.items():
        failed = sum(run.failed for turn in each for run in (turn.one, turn.many, turn.ours_one, turn.ours_many))
        if failed:
            raise RuntimeError(f"{failed} requests failed at {name} or at the router beside it")


def shown(found: Found) -> str:
    """All of them, as a table: medians, with the range of the rate."""
    lines = ["| | requests/s at 32 | p50 / p99 at 32 (ms) | p50 / p99 at 1 (ms) |", "|---|---|---|---|"]
    for name, turns in found.turns.items():
        lines.append(_line(name, [each.one for each in turns], [each.many for each in turns]))
    everything = [each for turns in found.turns.values() for each in turns]
    lines.append(_line(ROUTER, [each.ours_one for each in everything], [each.ours_many for each in everything]))
    lines += [f"| {name} | left out: {reason} | | |" for name, reason in found.left_out.items()]
    return "\n".join(lines)


def _line(name: str, one: list[Load], many: list[Load]) -> str:
    times = [
        f"{median(each.p50 for each in runs):.2f} / {median(each.p99 for each in runs):.2f}" for runs in (many, one)
    ]
    return f"| {name} | {ranged((each.rate for each in many), ',.0f')} | {' | '.join(times)} |"


def rows(found: Found) -> list[Row]:
    """The goals."""
    return [*_rates(found), *_added(found), *_beside_portkey(found), _tail(found)]


def _rates(found: Found) -> list[Row]:
    told = []
    for name, goal in (("Portkey", 5), ("LiteLLM", 100), ("nginx", 0.2)):
        ratios = [each.ours_many.rate / each.many.rate for each in found.turns.get(name, [])]
        what = f"requests/s at 32 connections, one worker, over {name}'s"
        told.append(_compared(what, f"≥ {goal} times", ratios, partial(le, goal), found, name))
    return told


def _added(found: Found) -> list[Row]:
    told, turns = [], found.turns[DIRECT]
    for name, goal in (("p50", 0.25), ("p99", 0.6)):
        added = [getattr(each.ours_one, name) - getattr(each.one, name) for each in turns]
        what = f"added to {name} at 1 connection, over the direct call"
        told.append(Row(what, f"≤ {goal} ms", f"{ranged(added)} ms", median(added) <= goal))
    return told


def _beside_portkey(found: Found) -> list[Row]:
    told, turns = [], list(zip(found.turns[DIRECT], found.turns.get("Portkey", []), strict=False))
    for name in ("p50", "p99"):
        ratios = [
            _share(*(getattr(each, name) for each in (direct.one, peer.one, peer.ours_one))) for direct, peer in turns
        ]
        what = f"added to {name} at 1 connection, over what Portkey adds"
        told.append(_compared(what, "≤ 0.4 times", ratios, partial(ge, 0.4), found, "Portkey"))
    return told


def _share(direct: float, peer: float, ours: float) -> float:
    return (ours - direct) / max(peer - direct, 0.001)


def _tail(found: Found) -> Row:
    ratios = [each.ours_many.p99 / each.ours_many.p50 for turns in found.turns.values() for each in turns]
    return Row("p99 at 32 connections, over p50", "≤ 3 times", f"{ranged(ratios, '.1f')} times", median(ratios) <= 3)


def _compared(what: str, goal: str, ratios: list[float], met: Callable[[float], bool], found: Found, name: str) -> Row:
    if not ratios:
        return Row(what, goal, f"left out: {found.left_out[name]}", met=False)
    return Row(what, goal, f"{ranged(ratios)} times", met(median(ratios)))
