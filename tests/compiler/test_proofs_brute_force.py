"""Survival and residency against brute force: every outage and every path of small fleets, asked of ``explain``.

The oracle knows what an outage takes from what was drawn; only where a request goes is the router's own word.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from tests.compiler.drawn_fleets import DETOURS, GROUP, LOCATIONS, Drawn, Spot, fleets
from tests.compiler.repo import write_repo

from llmcompile.emit.documents import Document
from llmcompile.pipeline import compile_repository
from llmcompile.prove import residency, survival
from llmcompile.prove.fleet import survey
from llmcompile.show.explain import Question, explain, snapshot_of
from llmrouter.resolve import NotAllowed, Unknown
from llmrouter.snapshot import Snapshot

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def falls_with(spots: list[Spot]) -> list[frozenset[str]]:
    """Everything that may be gone, by the words of docs/proofs.md, as labels of endpoints."""
    groups: dict[str, set[str]] = {}
    for each in spots:
        locations = [each.location] if each.location else [*LOCATIONS, "anywhere"]
        causes = [f"endpoint {each.label}", f"host {each.host}", *(f"location {one}" for one in locations)]
        causes += [f"token {each.auth}", f"secret {each.name}"] if each.oauth else [each.auth]
        for cause in causes:
            groups.setdefault(cause, set()).add(each.label)
    return [frozenset(each) for each in groups.values()]


def chain(snapshot: Snapshot, account: str, region: str, name: str, down: frozenset[str]) -> list[tuple[str, str]]:
    """What ``explain`` says."""
    answer = explain(snapshot, Question(account, region, name, AS_OF, tuple(sorted(down))))
    return [(step["model"], f"{step['source']}:{step['endpoint']}") for step in answer["chain"]]


def smallest_outage(snapshot: Snapshot, account: str, region: str, name: str, spots: list[Spot]) -> int:
    """How many outages at once it takes, up to 2, to leave nothing; 3: more."""
    for size in (1, 2):
        downs = {frozenset[str]().union(*gone) for gone in itertools.combinations(falls_with(spots), size)}
        if not all(chain(snapshot, account, region, name, down) for down in downs):
            return size
    return 3


def paths(drawn: Drawn, snapshot: Snapshot, account: str, region: str, name: str) -> set[tuple[str, str]]:
    """Where a request may end: as ``explain`` says, and as it says of each fallback for other reasons, and so on."""
    found, waiting, asked = set[tuple[str, str]](), [name], set[str]()
    while waiting:
        code = waiting.pop()
        if code in asked:
            continue
        asked.add(code)
        try:
            steps = chain(snapshot, account, region, code, frozenset())
        except (Unknown, NotAllowed):  # a fallback that is served nowhere
            continue
        found |= set(steps)
        waiting += [target for model, _ in steps for kind in DETOURS for target in drawn.models[model][kind]]
    return found


@dataclass
class Truth:
    """What brute force comes to."""

    sizes: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """The smallest outage by account, region and name."""
    stranded: set[tuple[str, str, str]] = field(default_factory=set)
    paths: int = 0
    unknown: set[tuple[str, str]] = field(default_factory=set)
    """File and name of endpoints that do not say where they are, and that someone with a residency reaches."""
    outside: set[str] = field(default_factory=set)


def asked(drawn: Drawn, documents: Sequence[Document]) -> Truth:
    truth = Truth()
    for (account, region), spots in drawn.spots.items():
        snapshot = snapshot_of(documents, account, region)
        written = drawn.accounts[account]
        must = written.get("survive", drawn.regions[region].get("survive", 0))
        for name in sorted(snapshot.allowed):
            if not chain(snapshot, account, region, name, frozenset()):
                continue
            size = truth.sizes[account, region, name] = smallest_outage(snapshot, account, region, name, spots)
            truth.stranded |= {(account, region, name)} if size <= must else set()
            if "residency" in written:
                ends = {label for _, label in paths(drawn, snapshot, account, region, name)}
                truth.paths += len(paths(drawn, snapshot, account, region, name))
                for spot in (each for each in spots if each.label in ends):
                    if spot.geo is None:
                        folder = f"regions/{region}" if spot.side == "platform" else f"accounts/{account}"
                        truth.unknown.add((f"{folder}.yaml", spot.name))
                    elif spot.geo not in written["residency"]:
                        truth.outside.add(account)
    return truth


def agree(root: Path, drawn: Drawn) -> set[str]:
    """Proofs and brute force say the same; what kinds of answers there were."""
    plain = compile_repository(write_repo(root, drawn.files(without=("survive", "residency"))), AS_OF)
    demanding = compile_repository(write_repo(root, drawn.files()), AS_OF)
    truth = asked(drawn, plain.documents)
    fleet = survey(demanding.linked, AS_OF, plain.documents)
    for seat in fleet.seats:
        account, region = seat.account.id, seat.region.input.region
        snapshot = snapshot_of(plain.documents, account, region)
        for name in seat.names:
            hops = [(hop.model, seat.label(hop.at)) for hop in seat.router.chain(name)]
            assert hops == chain(snapshot, account, region, name, frozenset())
    stands = {(each.seat.account.id, each.seat.region.input.region, each.name): each for each in survival.stands(fleet)}
    assert stands.keys() == truth.sizes.keys()
    for key, stand in stands.items():
        assert len(stand.stranding) == (truth.sizes[key] if truth.sizes[key] <= max(1, stand.must) else 0), key
        assert stand.holds is (key not in truth.stranded), key
    found = demanding.diagnostics
    assert any(each.code == "survival" for each in found) is bool(truth.stranded)
    unknown = {(each.place.file, each.place.route[1]) for each in found if each.code == "residency-unknown"}
    assert unknown == truth.unknown
    assert {Path(each.place.file).stem for each in found if each.code == "residency"} == truth.outside
    assert residency.PROOF.prove(fleet).covered == truth.paths
    assert demanding.failed is bool(truth.stranded or truth.unknown or truth.outside)
    seen = {
        "stranded": bool(truth.stranded),
        "unknown": bool(truth.unknown),
        "outside": bool(truth.outside),
        "survives one": 2 in truth.sizes.values(),
        "survives two": 3 in truth.sizes.values(),
        "a demand that is met": any(each.must and each.holds for each in stands.values()),
        "a route group": any(name == GROUP for _, _, name in stands),
        "a shared router": len({seat.router for seat in fleet.seats}) < len(fleet.seats),
    }
    return {each for each, was in seen.items() if was}


def test_survival_and_residency_against_brute_force(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn=fleets())
    def always(drawn: Drawn) -> None:
        root = tmp_path / str(seen["fleets"])
        seen.update(["fleets", *agree(root, drawn)])

    always()
    # Each kind of answer was met: agreement about nothing would say nothing.
    assert len(seen) == 9
    assert min(seen.values()) >= 3, seen
