"""No request reaches an endpoint, or uses a credential, that is not in the router's own documents.

Every account of a world has its router in this one process, as if they shared all that a mistake could make them share.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.thorough import thorough
from wires import asked, told
from worlds import model, own, sha256

from llmrouter.app import Router, Settings
from llmrouter.documents import parse
from llmrouter.snapshot import Snapshot
from llmrouter.state import tag
from llmrouter.upstream import UpstreamRequest
from llmrouter.upstream_fake import FakeAnswer, FakeUpstream

ACCOUNTS = ["acme", "globex", "initech"]
MODELS = ["m0", "m1", "m2"]
MARK = re.compile(r"(acme|globex|initech)")
PATHS = ["/v1/chat/completions", "/v1/responses", "/openai/deployments/MODEL/embeddings", "/v1/realtime?model=MODEL"]

some = st.lists(st.sampled_from(MODELS), unique=True, max_size=3)
account = st.fixed_dictionaries(
    {
        "own": st.dictionaries(st.sampled_from(["e0", "e1"]), some.filter(bool), max_size=2),
        "platform": st.dictionaries(st.sampled_from(MODELS), st.just(["p"])),
        "source": st.sampled_from(["auto", "tenant", "platform"]),
        "allowed": some,
        "fallbacks": some,
        "oauth": st.booleans(),
    }
)
worlds = st.fixed_dictionaries(dict.fromkeys(ACCOUNTS, account))
request = st.fixed_dictionaries(
    {
        "account": st.sampled_from(ACCOUNTS),
        "key": st.sampled_from([*ACCOUNTS, "nobody"]),
        "path": st.sampled_from(PATHS),
        "model": st.sampled_from([*MODELS, "acme", "globex"]),
        "tags": st.lists(st.sampled_from(ACCOUNTS), max_size=2),
        "previous": st.none() | st.sampled_from(ACCOUNTS),
    }
)


def documents(name: str, written: dict[str, Any]) -> Snapshot:
    """An account whose every host, credential and header says whose it is."""
    oauth = {
        "oauth_token_url": f"https://login.{name}.example/token",
        "oauth_client_id": f"client-of-{name}",
        "oauth_client_secret": f"secret-of-{name}",
    }
    auth = oauth if written["oauth"] else {"api_key": f"key-of-{name}"}
    customer = {
        each: own(f"https://{each}.{name}.example", *codes, tags=[name], **auth)
        for each, codes in written["own"].items()
    }
    endpoint = {"api_key": f"platform-key-of-{name}", "base_url": f"https://platform.{name}.example", "tags": [name]}
    provisioned = {"endpoints": {"p": endpoint}, "models": written["platform"]}
    fallbacks = {f"{kind}fallbacks": written["fallbacks"] for kind in ("", "context_window_", "content_policy_")}
    policy = {
        "version": 1,
        "account": name,
        "source": written["source"],
        "limits": None,
        "allowed": written["allowed"],
        "teams": {},
        "keys": [{"id": name, "sha256": sha256(f"router-key-of-{name}")}],
        "models": {code: model(**fallbacks) for code in MODELS},
        "route_groups": {},
    }
    return Snapshot.build(parse(json.dumps(customer), json.dumps(provisioned), json.dumps(policy)))


def upstream(draw: random.Random) -> FakeUpstream:
    """Anything may happen."""

    def answer(sent: UpstreamRequest) -> FakeAnswer:
        if "/token" in sent.url:
            whose = MARK.findall(sent.url)[0]
            return FakeAnswer(chunks=[json.dumps({"access_token": f"token-of-{whose}", "expires_in": 60}).encode()])
        status = draw.choice([200, 200, 400, 401, 404, 429, 500, 307])
        body = draw.choice([b"{}", b'{"code":"context_length_exceeded"}', b'{"code":"content_filter"}'])
        return FakeAnswer(status, chunks=[b"DeploymentNotFound" if status == 404 else body])

    return FakeUpstream({"https://": answer})


@thorough(150)
@given(
    st.fixed_dictionaries(dict.fromkeys(ACCOUNTS, account)), st.lists(request, min_size=1, max_size=12), st.integers()
)
def test_what_is_sent_belongs_to_the_account(world: Any, requests: list[Any], seed: int) -> None:
    shared = upstream(random.Random(seed))
    snapshots = {name: documents(name, written) for name, written in world.items()}
    lines: list[bytes] = []
    patience = Settings(retry_budget=0)
    routers = {name: Router(each, shared, patience, lines.append) for name, each in snapshots.items()}
    asyncio.run(_play(routers, shared, snapshots, requests))
    for line in lines:
        assert set(MARK.findall(line.decode())) <= {json.loads(line)["tenant_id"]}


async def _play(routers: Any, shared: FakeUpstream, snapshots: Any, requests: list[Any]) -> None:
    for each in requests:
        shared.requests.clear()
        body = {"model": each["model"], "messages": [], "metadata": {"tags": each["tags"]}}
        if each["previous"]:
            endpoints = snapshots[each["previous"]].endpoints
            body["previous_response_id"] = f"resp_1_at_{tag(endpoints[0])}"
        headers = {"authorization": f"Bearer router-key-of-{each['key']}", "upgrade": "websocket"}
        method = "GET" if "realtime" in each["path"] else "POST"
        exchange = asked(each["path"].replace("MODEL", each["model"]), body, headers, method)
        await told(routers[each["account"]], exchange)
        whose = each["account"]
        for sent in shared.requests:
            assert each["key"] == whose  # nobody else's key opens anything
            assert set(MARK.findall(sent.url)) == {whose}
            secrets = [value for name, value in sent.headers.items() if name in ("api-key", "authorization")]
            assert "/token" in sent.url or secrets
            assert all(set(MARK.findall(value)) == {whose} for value in secrets)
            assert "router-key" not in str(sent.headers)


def test_the_property_can_fail() -> None:
    everything = {"own": {}, "platform": {"m0": ["p"]}, "source": "auto", "allowed": ["m0"], "fallbacks": []}
    shared = upstream(random.Random(1))
    snapshots = {name: documents(name, {**everything, "oauth": False}) for name in ACCOUNTS}
    mixed = {name: Router(snapshots["acme"], shared, Settings(), lambda _: None) for name in ACCOUNTS}
    ask = {"account": "globex", "key": "acme", "path": PATHS[0], "model": "m0", "tags": [], "previous": None}
    try:
        asyncio.run(_play(mixed, shared, snapshots, [ask]))
    except AssertionError:
        return
    raise AssertionError("another account's documents were served, and it went unseen")
