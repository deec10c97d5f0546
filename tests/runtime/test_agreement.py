"""The router tries what ``llmcompile explain`` says: every account, model, key and set of endpoints of the example."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from wires import asked, told

from llmcompile.pipeline import compile_repository
from llmcompile.show.explain import Question, explain, snapshot_of
from llmrouter.app import Router, Settings
from llmrouter.operations import OPERATION_OF_TYPE
from llmrouter.resolve import Refused, resolve
from llmrouter.snapshot import Snapshot
from llmrouter.upstream import TimeLimits, UpstreamFailure, UpstreamRequest
from llmrouter.upstream_fake import FakeAnswer, FakeUpstream

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 6, 1, tzinfo=UTC)
DOCUMENTS = compile_repository(ROOT, AT).documents
ACCOUNTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "accounts").glob("*.yaml"))}
PLACES = [(name, region) for name, each in ACCOUNTS.items() for region in each.get("regions", [each.get("region")])]


def explained(snapshot: Snapshot, account: str, region: str, model: str, down: tuple[str, ...]) -> list[str]:
    try:
        answer = explain(snapshot, Question(account, region, model, AT, down))
    except Refused:
        return []
    return [step["url"] for step in answer["chain"]]


def outages(snapshot: Snapshot) -> list[tuple[str, ...]]:
    labels = [each.label for each in snapshot.endpoints]
    return [down for size in range(min(3, len(labels)) + 1) for down in itertools.combinations(labels, size)]


@pytest.mark.parametrize(("account", "region"), PLACES)
def test_the_router_tries_what_explain_says(account: str, region: str) -> None:
    snapshot = snapshot_of(DOCUMENTS, account, region)
    served = 0
    for name in sorted(snapshot.names):
        model = snapshot.models.get(name)
        if model is None or model.type == "realtime" or snapshot.route_groups.get(name):
            continue
        path = "/v1/" + OPERATION_OF_TYPE[model.type or "chat"]
        for down in outages(snapshot):
            expected = explained(snapshot, account, region, name, down)
            status, tried = asyncio.run(_ask(snapshot, path, name, down))
            assert (status == 200) == bool(expected), (name, down)
            if expected:
                assert tried[-1] == expected[0], (name, down)
                served += 1
            assert len(tried) == len(set(tried)) or not expected
    assert served, "something was served"


async def _ask(snapshot: Snapshot, path: str, name: str, down: tuple[str, ...]) -> tuple[int | None, list[str]]:
    """Who answered in the end: endpoints that are down refuse."""
    gone = {each.base_url for each in snapshot.endpoints if each.label in down or each.name in down}

    def answer(request: UpstreamRequest) -> FakeAnswer:
        if "token" in request.url:
            return FakeAnswer(chunks=[b'{"access_token": "t", "expires_in": 60}'])
        if any(request.url.startswith(base) for base in gone):
            raise UpstreamFailure("connection refused")
        return FakeAnswer()

    shared = FakeUpstream({"http": answer})
    router = Router(_open(snapshot), shared, Settings(TimeLimits(), retry_budget=0), lambda _: None)
    if path.endswith("transcriptions"):
        exchange = asked(path, None, {"content-type": "multipart/form-data; boundary=x"})
        part = f'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\n{name}\r\n--x--'
        exchange.fed(part.encode())
    else:
        exchange = asked(path, {"model": name})
    status, _, _ = await told(router, exchange)
    return status, [each.url for each in shared.requests if "token" not in each.url]


def _open(snapshot: Snapshot) -> Snapshot:
    """The same without keys: the example's are known as hashes alone."""
    return replace(snapshot, keys=())


@pytest.mark.parametrize(("account", "region"), PLACES)
def test_keys_narrow_and_nothing_else_changes(account: str, region: str) -> None:
    snapshot = snapshot_of(DOCUMENTS, account, region)
    for key, name, down in itertools.product(snapshot.keys, sorted(snapshot.names), outages(snapshot)):
        everything = explained(snapshot, account, region, name, down)
        try:
            candidates: Any = resolve(snapshot, name, key=key, down=frozenset(down), draw=lambda: 0.0)
        except Refused:
            candidates = ()
        found = [each.url(OPERATION_OF_TYPE[snapshot.models[each.model].type or "chat"]) for each in candidates]
        assert all(each.model in key.allowed for each in candidates)
        assert found == [each for each in everything if each in found], (key.id, name, down)
        assert bool(found) == (name in key.allowed and bool(everything)), (key.id, name, down)
