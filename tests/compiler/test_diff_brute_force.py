"""The decision diff against brute force: drawn edits of the worked example, and every question about both sides.

The oracle asks for every account, region, key, name, set of endpoints that are down, set of tags, draw and instant,
without leaving out what could not differ; only where a request goes is the router's own word.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import AS_OF
from tests.compiler.thorough import thorough
from tests.compiler.trees import Data, example_data, written

from llmcompile.diff.impact import Impact, impact
from llmcompile.diff.sides import Side, side_of
from llmcompile.pipeline import compile_repository
from llmrouter.entities import Candidate, Key
from llmrouter.operations import OPERATION_OF_TYPE
from llmrouter.prices import PriceMissingError, TokenCost, Usage, cost, price_at
from llmrouter.resolve import Refused, Unreachable, detours, resolve
from llmrouter.snapshot import Snapshot

DRAWS = [float(Fraction(2 * each + 1, 120)) for each in range(60)]
"""One in every interval between sixtieths: whatever weights that sum up to a divisor of 60 come to."""
NOTHING = frozenset[str]()
DETOURS = ("context window", "content policy")


def side(data: Data) -> Side | None:
    """What it compiles to; None where it does not."""
    result = compile_repository(written(data), AS_OF)
    return None if result.failed else side_of(result.linked, result.documents)


BEFORE = example_data()
OLD = side(BEFORE)


# ---- edits ---------------------------------------------------------------------------------------------------------

Edit = Callable[[st.DrawFn, Data], None]


def some(draw: st.DrawFn, data: Data, folder: str) -> Any:
    return data[draw(st.sampled_from(sorted(each for each in data if each.startswith(folder))))]


def failover(draw: st.DrawFn, data: Data) -> None:
    models = some(draw, data, "regions")["models"]
    name = draw(st.sampled_from(sorted(models)))
    models[name] = draw(st.permutations(models[name]))[: draw(st.integers(1, len(models[name])))]


def no_longer_served(draw: st.DrawFn, data: Data) -> None:
    models = some(draw, data, "regions")["models"]
    del models[draw(st.sampled_from(sorted(models)))]


def price(draw: st.DrawFn, data: Data) -> None:
    row = draw(st.sampled_from(some(draw, data, "models")["token_costs"]))
    unit = draw(st.sampled_from(sorted(row["per_million_tokens"])))
    row["per_million_tokens"][unit] *= draw(st.sampled_from([1, 1.25, 0.5, 2]))


def later_price(draw: st.DrawFn, data: Data) -> None:
    rows = some(draw, data, "models")["token_costs"]
    rows[-1]["end"] = "2028-01-01"
    rows.append({**copy.deepcopy(rows[-1]), "start": "2028-01-01"})
    del rows[-1]["end"]
    rows[-1]["per_million_tokens"]["text_input"] = draw(st.sampled_from([0.1, 1]))


def split_row(draw: st.DrawFn, data: Data) -> None:
    rows = some(draw, data, "models")["token_costs"]
    rows.append({**copy.deepcopy(rows[-1]), "start": "2028-06-01"})


def source(draw: st.DrawFn, data: Data) -> None:
    some(draw, data, "accounts")["source"] = draw(st.sampled_from(["auto", "platform", "tenant"]))


def access(draw: st.DrawFn, data: Data) -> None:
    groups = st.lists(st.sampled_from(["general", "beta", "labs"]), unique=True)
    models = st.lists(st.sampled_from(["gpt-4o", "gpt-4.1", "llama3.2"]), unique=True)
    some(draw, data, "accounts")["access"] = {"groups": draw(groups), "models": draw(models)}


def model_groups(draw: st.DrawFn, data: Data) -> None:
    some(draw, data, "models")["access_groups"] = draw(st.lists(st.sampled_from(["general", "beta"]), unique=True))


def tier(draw: st.DrawFn, data: Data) -> None:
    some(draw, data, "accounts")["tier"] = draw(st.sampled_from(["free", "pro", "enterprise"]))


def keys(draw: st.DrawFn, data: Data) -> None:
    account = some(draw, data, "accounts")
    held = account.setdefault("keys", [])
    kind = draw(st.sampled_from(["add", "rotate", "rename", "remove", "restrict", "tier"]))
    if kind == "add" or not held:
        held.append({"id": "added", "sha256": "a" * 64})
    elif kind == "rotate":
        held[0]["sha256"] = "b" * 64
    elif kind == "rename":
        held[0]["id"] = "renamed"
    elif kind == "remove":
        held.pop(draw(st.integers(0, len(held) - 1)))
    elif kind == "tier":
        held[0]["tier"] = "free"
    else:
        held[-1] |= {"mode": "restrict", "groups": ["general"]}


def weights(draw: st.DrawFn, data: Data) -> None:
    owner = some(draw, data, draw(st.sampled_from(["regions", "accounts/initech"])))
    for endpoint in owner["endpoints"].values():
        endpoint["weight"] = draw(st.sampled_from([1, 2, 3]))
    if draw(st.booleans()):
        del next(iter(owner["endpoints"].values()))["weight"]


def tags(draw: st.DrawFn, data: Data) -> None:
    owner = some(draw, data, draw(st.sampled_from(["regions", "accounts/initech"])))
    endpoint = owner["endpoints"][draw(st.sampled_from(sorted(owner["endpoints"])))]
    endpoint["tags"] = draw(st.lists(st.sampled_from(["us", "eu"]), unique=True))


def fallbacks(draw: st.DrawFn, data: Data) -> None:
    chats = sorted(file for file, each in data.items() if file.startswith("models") and each["type"] == "chat")
    model = data[draw(st.sampled_from(chats))]
    kind = draw(st.sampled_from(["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"]))
    model[kind] = draw(st.lists(st.sampled_from(["gpt-4o", "gpt-4o-mini", "gpt-4.1"]), unique=True, max_size=2))


def endpoint_field(draw: st.DrawFn, data: Data) -> None:
    owner = some(draw, data, draw(st.sampled_from(["regions", "accounts/acme", "accounts/initech"])))
    endpoint = owner["endpoints"][draw(st.sampled_from(sorted(owner["endpoints"])))]
    field, value = draw(
        st.sampled_from(
            [
                ("base_url", "https://moved.azure.example/"),
                ("api_key", "ref+env://ANOTHER"),
                ("timeout_seconds", 33),
                ("deployment_prefix", "new-"),
                ("version", "2024-10-21"),
            ]
        )
    )
    endpoint[field] = value


def members(draw: st.DrawFn, data: Data) -> None:
    group = data.get("accounts/hooli.yaml", BEFORE["accounts/hooli.yaml"])["route_groups"]["assistant"]
    group["policy"] = draw(st.sampled_from(["ordered", "weighted"]))
    group["members"] = [
        {"model": each, "weight": draw(st.sampled_from([1, 2]))}
        for each in draw(st.permutations(["gpt-4.1", "gpt-4o", "gpt-4o-mini"]))[: draw(st.integers(1, 3))]
    ]


def regions(draw: st.DrawFn, data: Data) -> None:
    account = some(draw, data, "accounts")
    account.pop("region", None)
    names = ["europe-west4", "europe-west6", "us-east4"]
    account["regions"] = draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=2))


def removed(draw: st.DrawFn, data: Data) -> None:
    del data[draw(st.sampled_from(sorted(each for each in data if each.startswith("accounts"))))]


def added(draw: st.DrawFn, data: Data) -> None:
    data["accounts/wayne.yaml"] = {**copy.deepcopy(some(draw, data, "accounts")), "account": "wayne"}


def renamed(draw: st.DrawFn, data: Data) -> None:
    file = draw(st.sampled_from(sorted(each for each in data if each.startswith("accounts"))))
    account = data.pop(file)
    data["accounts/renamed.yaml"] = {**account, "previously": [account["account"]], "account": "renamed"}


def words(draw: st.DrawFn, data: Data) -> None:
    some(draw, data, draw(st.sampled_from(["accounts", "models", "regions"])))["description"] = "another"


def parameters(draw: st.DrawFn, data: Data) -> None:
    some(draw, data, "models")["default_params"] = {"temperature": draw(st.sampled_from([0.7, 0.2]))}


EDITS: tuple[Edit, ...] = (
    failover, no_longer_served, price, later_price, split_row, source, access, model_groups, tier, keys, weights, tags,
    fallbacks, endpoint_field, members, regions, removed, added, renamed, words, parameters,
)  # fmt: skip


@st.composite
def edited(draw: st.DrawFn) -> tuple[Data, list[str]]:
    data, edits = example_data(), draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=3))
    for edit in edits:
        edit(draw, data)
    return data, [each.__name__ for each in edits]


# ---- the oracle ----------------------------------------------------------------------------------------------------

Question = tuple[str, str, str, str, str | None, frozenset[str], frozenset[str], datetime]
"""Account, region, key, name, detour, down, tags, instant."""


def subsets(of: set[str]) -> list[frozenset[str]]:
    names = sorted(of)
    return [frozenset(each) for size in range(len(names) + 1) for each in itertools.combinations(names, size)]


@dataclass
class Router:
    """One caller's router; None: there is none, or it does not know the caller."""

    snapshot: Snapshot | None
    key: Key | None
    known: dict[Any, Any] = field(default_factory=dict)

    @property
    def allowed(self) -> frozenset[str]:
        if self.snapshot is None:
            return NOTHING
        return self.snapshot.allowed if self.key is None else self.key.allowed

    def ask(self, name: str, why: str | None, down: frozenset[str], tags: frozenset[str], draw: float) -> Any:
        place = name, why, down, tags, draw
        if place not in self.known:
            self.known[place] = self._ask(*place)
        return self.known[place]

    def _ask(self, name: str, why: Any, down: frozenset[str], tags: frozenset[str], draw: float) -> Any:
        if self.snapshot is None:
            return "refused"
        try:
            if why is not None:
                found = detours(self.snapshot, name, why, self.key, frozenset({name}))
            else:
                found = resolve(self.snapshot, name, key=self.key, down=down, tags=tags, draw=lambda: draw)
        except Unreachable:
            return "nothing"
        except Refused:
            return "refused"
        return tuple(self._all_of(each) for each in found)

    def _all_of(self, candidate: Candidate) -> tuple[Any, ...]:
        assert self.snapshot is not None
        endpoint, model = candidate.endpoint, self.snapshot.models[candidate.model]
        platform = endpoint.source == "platform"
        return (
            candidate.model,
            endpoint.label,
            candidate.url(OPERATION_OF_TYPE[model.type or "chat"]),
            candidate.upstream_model,
            candidate.auth_kind,
            tuple(endpoint.auth_headers("token").items()),
            endpoint.oauth,
            endpoint.timeout_seconds,
            json.dumps(model.default_params),
            model.realtime,
            (self.snapshot.limits, self.key.limits if self.key else None) if platform else None,
        )

    def costs(self, model: str, at: datetime) -> Any:
        place = model, at
        if place not in self.known:
            row = price_at(self.rows(model), at)
            self.known[place] = row and (row.currency, [_cost(row, unit) for unit in Usage._fields])
        return self.known[place]

    def rows(self, model: str) -> tuple[TokenCost, ...]:
        return self.snapshot.models[model].token_costs if self.snapshot and model in self.snapshot.models else ()

    def labels(self) -> set[str]:
        return {each.label for each in self.snapshot.endpoints} if self.snapshot else set()

    def tags(self, labels: set[str]) -> set[str]:
        return (
            {tag for each in self.snapshot.endpoints if each.label in labels for tag in each.tags}
            if self.snapshot
            else set()
        )

    def drawn(self) -> bool:
        groups = self.snapshot.route_groups.values() if self.snapshot else ()
        weighted = [each for each in self.snapshot.endpoints if each.weight] if self.snapshot else []
        return len(weighted) > 1 or any(each.policy == "weighted" for each in groups)


def _cost(row: TokenCost, unit: str) -> Any:
    try:
        return cost(row, Usage(**{unit: 7}))
    except PriceMissingError:
        return None


def callers(side: Side, account: str | None, region: str) -> dict[str, tuple[str, Router]]:
    """The id and the router of each caller by hash; of an account without keys under no hash."""
    seat = side.seat(account, region)
    if seat is None:
        return {}
    snapshot = seat.snapshot()
    return {key.sha256: (key.id, Router(snapshot, key)) for key in snapshot.keys} or {"": ("", Router(snapshot, None))}


def truth(old: Side, new: Side, names: dict[str, str]) -> tuple[set[Question], set[Question], int]:
    """The questions answered differently; all that were asked; and how often leaving one out would have been right.

    ``names`` are the accounts that have another id now.
    """
    different, everything, pruned = set[Question](), set[Question](), 0
    was = {new_id: old_id for old_id, new_id in names.items()}
    accounts = dict.fromkeys([*new.regions, *(each for each in old.regions if each not in names)])
    for account in accounts:
        before = was.get(account, account)
        for region in {*new.regions.get(account, ()), *old.regions.get(before, ())}:
            sides = callers(old, before if before in old.regions else None, region), callers(new, account, region)
            for sha256 in {**sides[0], **sides[1]}:
                key = next(each[sha256][0] for each in reversed(sides) if sha256 in each)
                pair = [each[sha256][1] if sha256 in each else Router(None, None) for each in sides]
                for question, changed, needed in questions(pair[0], pair[1]):
                    whole: Question = (account, region, key, *question)
                    pruned += not needed
                    if needed:
                        everything.add(whole)
                        different |= {whole} if changed else set()
    return different, everything, pruned


def questions(old: Router, new: Router) -> Iterator[tuple[Any, bool, bool]]:
    """Every question, whether it is answered differently, and whether asking it could make a difference.

    Of those that could make none, it is asserted here.
    """
    draws = DRAWS if old.drawn() or new.drawn() else DRAWS[:1]
    labels = old.labels() | new.labels()
    for name in old.allowed | new.allowed:
        plain = [each.ask(name, None, NOTHING, NOTHING, 0.5) for each in (old, new)]
        steps = [step for answer in plain if not isinstance(answer, str) for step in answer]
        used = {step[1] for step in steps}
        known = old.tags(used) | new.tags(used)
        instants = sorted(_instants(old, new, {step[0] for step in steps}))
        seen: dict[Any, list[bool]] = {}
        for down, tags in itertools.product(subsets(labels), subsets(old.tags(labels) | new.tags(labels))):
            changed = _compared(old, new, name, None, down, tags, draws, instants)
            needed = down <= used and tags <= known
            if not needed:
                assert changed == seen[down & used, tags & known]
            seen[down, tags] = changed
            for at, each in zip(instants, changed, strict=True):
                yield (name, None, down, tags, at), each, needed
        both = old.snapshot and new.snapshot and name in old.allowed & new.allowed
        if both and old.snapshot and new.snapshot and name in old.snapshot.models and name in new.snapshot.models:
            for why in DETOURS:
                models = {step[0] for each in (old, new) for step in each.ask(name, why, NOTHING, NOTHING, 0.5)}
                instants = sorted(_instants(old, new, models))
                changed = _compared(old, new, name, why, NOTHING, NOTHING, [0.5], instants)
                for at, each in zip(instants, changed, strict=True):
                    yield (name, why, NOTHING, NOTHING, at), each, True


def _compared(
    old: Router, new: Router, name: str, why: str | None, down: frozenset[str], tags: frozenset[str],
    draws: list[float], instants: list[datetime],
) -> list[bool]:  # fmt: skip
    answers = [(old.ask(name, why, down, tags, each), new.ask(name, why, down, tags, each)) for each in draws]
    if any(one != other for one, other in answers):
        return [True] * len(instants)
    models = {step[0] for answer, _ in answers if not isinstance(answer, str) for step in answer}
    return [any(old.costs(each, at) != new.costs(each, at) for each in models) for at in instants]


def _instants(old: Router, new: Router, models: set[str]) -> set[datetime]:
    rows = [row for each in (old, new) for model in models for row in each.rows(model)]
    bounds = {at for row in rows for at in (row.start, row.end) if at is not None}
    return {AS_OF} | bounds | {each - timedelta(seconds=1) for each in bounds}


# ---- agreement -----------------------------------------------------------------------------------------------------


def said(found: Impact, everything: set[Question]) -> set[Question]:
    """The questions that the diff says are answered differently."""
    spans: defaultdict[Any, list[Any]] = defaultdict(list)
    for caller, each in found.found:
        for situation, times in each.decisions:
            place = (caller.account, caller.region, caller.key, each.change.name, each.change.after)
            spans[*place, situation.down, situation.tags] += times
    return {
        question
        for question in everything
        for span in spans[question[:7]]
        if (span.start is None or span.start <= question[7]) and (span.end is None or question[7] < span.end)
    }


def situations(found: Impact) -> set[Any]:
    return {
        (caller.account, caller.region, caller.key, each.change.name, each.change.after, situation.down, situation.tags)
        for caller, each in found.found
        for situation, _ in each.decisions
    }


@pytest.mark.usefixtures("unmeasured")
def test_the_diff_agrees_with_brute_force_over_the_whole_example() -> None:
    seen: Counter[str] = Counter()
    assert OLD is not None
    old = OLD

    @thorough(24)
    @given(edited())
    def always(drawn: tuple[Data, list[str]]) -> None:
        data, edits = drawn
        new = side(data)
        if new is None:
            seen["does not compile"] += 1
            return
        names = {before: after for after, of in new.previously.items() for before in of}
        different, everything, pruned = truth(old, new, names)
        found = impact(old, new)
        assert said(found, everything) == different, edits
        # Nothing is said of a question that does not exist.
        assert situations(found) <= {question[:7] for question in different}
        assert bool(found.count) is bool(different)
        seen.update(["compiled", "changed" if different else "nothing changed", *edits])
        seen["questions"] += len(everything)
        seen["left out"] += pruned

    always()
    assert seen["changed"] >= 8, seen
    assert seen["nothing changed"] >= 1, seen
    assert len(set(seen) & {each.__name__ for each in EDITS}) >= 10, seen
    assert seen["questions"] > 5_000, seen


def test_control_brute_force_sees_what_a_diff_leaves_out() -> None:
    data = example_data()
    data["regions/us-east4.yaml"]["models"]["gpt-4o"].reverse()
    new = side(data)
    assert OLD is not None
    assert new is not None
    different, everything, _ = truth(OLD, new, {})
    whole = impact(OLD, new)
    assert said(whole, everything) == different
    for at in range(len(whole.found)):
        assert said(replace(whole, found=whole.found[:at] + whole.found[at + 1 :]), everything) < different
