"""Budgets, and limits over Redis, as clients and operators of a running router see them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from redis_process import PASSWORD, RedisProcess
from running import RunningRouter, environment, refused
from standin import StandIn, answering, slowly
from worlds import ALICE, BOB, model, own, sha256

Pair = tuple[StandIn, StandIn]


def variables(upstreams: Pair, **more: Any) -> dict[str, Any]:
    """Of a router with models on the platform, one of the customer's own, and one that falls back on the platform."""
    a, b = upstreams
    euros = model()
    euros["token_costs"][0]["currency"] = "EUR"
    models = {"shared": model(), "mine": model(), "spilling": model(fallbacks=["shared"])}
    models |= {"euros": euros, "unpriced": model(token_costs=[]), "short": model(context_window_fallbacks=["shared"])}
    platform = {name: ["p"] for name in ("shared", "euros", "unpriced")}
    policy = {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": None,
        "allowed": sorted(models),
        "teams": {},
        "keys": [{"id": "alice", "sha256": sha256(ALICE)}, {"id": "bob", "sha256": sha256(BOB)}],
        "models": models,
        "route_groups": {},
    }
    return {
        "CUSTOMER_LLM_CONFIG": {"own": own(b.url, "mine", "spilling", "short", api_key="k")},
        "PROVISIONED_OPENAI_CONFIG": {"endpoints": {"p": {"api_key": "k", "base_url": a.url}}, "models": platform},
        "ROUTER_POLICY": policy | more,
    }


def monthly(**lines: str) -> dict[str, Any]:
    return {"monthly": {**lines, "currency": "USD"}}


def chat(router: RunningRouter, name: str, key: str = ALICE, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": name, "messages": [], **more}
    answer = httpx.post(f"{router.url}/v1/chat/completions", json=body, headers=headers, timeout=60)
    router.record(answer.headers["x-request-id"])  # it is counted now
    return answer


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def metrics(router: RunningRouter) -> str:
    return httpx.get(f"{router.url}/metrics", headers={"api-key": ALICE}, timeout=60).text


@contextlib.contextmanager
def running(documents: dict[str, Any], *arguments: str, **more: str) -> Iterator[RunningRouter]:
    with RunningRouter(documents | more, "--cooldown", "0", *arguments) as router:
        yield router


def test_a_fallback_that_is_not_needed_uses_up_nothing(upstreams: Pair) -> None:
    with running(variables(upstreams, limits={"requests_per_minute": 2})) as router:
        for _ in range(3):
            assert chat(router, "spilling").headers["x-llmrouter-source"] == "tenant"
        assert chat(router, "shared").headers["x-ratelimit-remaining-requests"] == "1"
        upstreams[1].behaviours["spilling"] = answering(500)  # control: one that is needed does
        assert chat(router, "spilling").headers["x-ratelimit-remaining-requests"] == "0"
        assert chat(router, "spilling").status_code == 500
        assert chat(router, "shared").status_code == 429


def test_what_was_too_long_for_an_own_endpoint_is_limited_on_the_platform(upstreams: Pair) -> None:
    too_long = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    upstreams[1].behaviours["short"] = answering(400, too_long)
    with running(variables(upstreams, limits={"requests_per_minute": 1})) as router:
        assert chat(router, "short").headers["x-ratelimit-remaining-requests"] == "0"
        answer = chat(router, "short")
        assert (answer.status_code, answer.json()) == (400, too_long)
        assert len(upstreams[0].requests) == 1


def test_workers_share_limits_over_redis(upstreams: Pair, redis_server: RedisProcess) -> None:
    documents = variables(upstreams, limits={"requests_per_minute": 5}, budget=monthly(hard="1"))
    documents["LLMROUTER_REDIS_URL"] = redis_server.url
    with running(documents, "--redis-timeout", "30", "--workers", "2") as router:
        assert sorted(chat(router, "shared").status_code for _ in range(12)) == [200] * 5 + [429] * 7
        assert router.stop() == 0
        found = [redis_server.client.get(key) for key in redis_server.keys("*:spent:*")]
        assert found == ["325000"]  # billionths, all of five requests


def test_an_accounts_budget_is_for_the_platform(upstreams: Pair) -> None:
    with running(variables(upstreams, budget=monthly(soft="0.0001", hard="0.00015"))) as router:
        assert [chat(router, "shared").status_code for _ in range(3)] == [200] * 3  # the third crosses the line
        answer = chat(router, "shared")
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "budget_exceeded")
        assert answer.json()["error"]["type"] == "insufficient_quota"
        now = datetime.now(UTC)
        following = now.replace(year=now.year + now.month // 12, month=now.month % 12 + 1, day=1, hour=0, minute=0)
        left = (following - now).total_seconds() - now.second
        assert left - 60 <= int(answer.headers["retry-after"]) <= left + 60
        client = OpenAI(base_url=f"{router.url}/v1", api_key=ALICE, max_retries=3)
        before = len(router.output().splitlines())
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="shared", messages=[])
        assert len(router.output().splitlines()) <= before + 1  # the client does not try again
        assert chat(router, "mine").status_code == 200
        told = metrics(router)
        assert 'llmrouter_budget_alerts_total{key="",level="soft"} 1\n' in told
        assert 'llmrouter_budget_alerts_total{key="",level="hard"} 1\n' in told
        assert 'llmrouter_budget_spent{key="",currency="USD"} 0.000195\n' in told
        assert 'llmrouter_limit_store_up{store="memory"} 1\n' in told
        assert httpx.get(f"{router.url}/readyz").json()["limits"] == {"store": "memory", "when_unavailable": "open"}
        alerts = [line for line in router.errors().splitlines() if " budget of " in line]
        assert len(alerts) == 2
        assert "account acme reached the soft budget of 0.0001 USD for 2" in alerts[0]


def test_a_keys_budget_is_for_all_that_its_requests_cost(upstreams: Pair) -> None:
    documents = variables(upstreams)
    documents["ROUTER_POLICY"]["keys"][1]["budget"] = monthly(hard="0.0001")
    with running(documents) as router:
        assert [chat(router, name, BOB).status_code for name in ("mine", "shared")] == [200, 200]
        for name in ("mine", "shared", "spilling"):
            answer = chat(router, name, BOB)
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "budget_exceeded"), name
        assert chat(router, "mine").status_code == 200  # another key
        assert 'llmrouter_budget_spent{key="bob",currency="USD"} 0.00013\n' in metrics(router)


def test_what_cannot_be_counted_is_said(upstreams: Pair) -> None:
    upstreams[0].behaviours["shared"] = answering(200, {"choices": []})
    with running(variables(upstreams, budget=monthly(hard="1"))) as router:
        for name in ("shared", "euros", "unpriced", "unpriced"):
            assert chat(router, name).status_code == 200
        upstreams[0].behaviours["shared"] = answering(400, {"error": {"message": "no"}})
        assert chat(router, "shared").status_code == 400  # costs nothing
        told = re.findall(r'llmrouter_budget_uncounted_total\{key="",why="(\w+)"\} (\d+)', metrics(router))
        assert sorted(told) == [("currency", "1"), ("price", "2"), ("usage", "1")]


def test_replicas_share_limits_over_redis(upstreams: Pair, redis_server: RedisProcess) -> None:
    documents = variables(upstreams, limits={"requests_per_minute": 4, "concurrent": 1}, budget=monthly(hard="1"))
    documents["LLMROUTER_REDIS_URL"] = redis_server.url
    with running(documents, "--redis-timeout", "30") as a, running(documents, "--redis-timeout", "30") as b:
        for router, remaining in ((a, "3"), (b, "2")):
            assert chat(router, "shared").headers["x-ratelimit-remaining-requests"] == remaining
            until(lambda: redis_server.client.zcard("llmrouter:acme::running") == 0)  # Redis knows in a moment
        upstreams[0].behaviours["shared"] = slowly(5)
        with contextlib.suppress(httpx.HTTPError):
            cut_off(a, upstreams[0])  # a replica dies with a request on its way
        upstreams[0].behaviours.clear()
        assert chat(b, "shared").status_code == 429
        redis_server.age(31)  # seconds without a sign of life
        assert chat(b, "shared").status_code == 200
        assert httpx.get(f"{b.url}/readyz").json()["limits"] == {
            "store": "redis",
            "reachable": True,
            "when_unavailable": "open",
        }
        assert 'llmrouter_limit_store_up{store="redis"} 1\n' in metrics(b)
        until(lambda: 'llmrouter_budget_spent{key="",currency="USD"} 0.000195\n' in metrics(b))  # a's, and twice b's
        assert PASSWORD not in a.errors() + a.output() + b.errors() + b.output() + metrics(b)


def cut_off(router: RunningRouter, upstream: StandIn) -> None:
    before = len(upstream.requests)

    def kill() -> None:
        end = time.monotonic() + 60
        while len(upstream.requests) == before and time.monotonic() < end:
            time.sleep(0.01)
        router.stop(signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        chat(router, "shared", stream=True)
    finally:
        killer.join()


def test_without_its_redis_a_closed_router_refuses_what_is_limited(upstreams: Pair) -> None:
    documents = variables(upstreams, limits={"concurrent": 9}, limits_unavailable="closed")
    url = f"unix://:{PASSWORD}@/nowhere/redis.sock"
    with running(documents, LLMROUTER_REDIS_URL=url) as router:
        answer = chat(router, "shared")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "limits_unavailable")
        assert chat(router, "mine").status_code == 200
        told = httpx.get(f"{router.url}/readyz")
        assert told.status_code == 200
        assert told.json()["limits"] == {"store": "redis", "reachable": False, "when_unavailable": "closed"}
        assert 'llmrouter_limit_store_up{store="redis"} 0\n' in metrics(router)
        assert router.errors().count("Redis cannot be asked") == 1
        assert PASSWORD not in router.errors() + told.text
    documents["ROUTER_POLICY"]["limits_unavailable"] = "open"  # control
    with running(documents, LLMROUTER_REDIS_URL=url) as router:
        assert chat(router, "shared").status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("LLMROUTER_REDIS_URL", f"http://:{PASSWORD}@localhost", 2, "is not redis://HOST:PORT"),
        ("LLMROUTER_REDIS_URL_FILE", "/nowhere/url", 5, "cannot be read"),
    ],
)
def test_a_redis_that_cannot_be_meant(upstreams: Pair, name: str, value: str, code: int, said: str) -> None:
    found, errors = refused(variables(upstreams) | {name: value})
    assert found == code
    assert said in errors
    assert PASSWORD not in errors


def test_a_missing_package_is_named(upstreams: Pair) -> None:
    script = "import sys; sys.modules['redis'] = None; from llmrouter.__main__ import main; sys.exit(main(['serve']))"
    given = environment(variables(upstreams)) | {"LLMROUTER_REDIS_URL": "redis://localhost"}
    done = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'llmcompile[redis]'" in done.stderr
    assert os.environ.get("LLMROUTER_REDIS_URL") is None
