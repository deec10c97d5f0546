"""Limits and metrics: who is let in, what they are told, and that all of it adds up."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from running import Opened, RunningRouter
from standin import StandIn, answering, slowly
from worlds import ALICE, BOB, model, own, sha256

Pair = tuple[StandIn, StandIn]


@pytest.fixture
def limited(_upstreams: Pair) -> Iterator[RunningRouter]:
    a, b = _upstreams
    endpoint = {"api_key": "k", "base_url": a.url}
    models = {name: model() for name in ("shared", "mine", "spilling")}
    models["spilling"] |= {"fallbacks": ["shared"]}
    policy = {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": {"requests_per_minute": 3, "concurrent": 2},
        "allowed": sorted(models),
        "teams": {},
        "keys": [
            {"id": "alice", "sha256": sha256(ALICE)},
            {"id": "bob", "sha256": sha256(BOB), "limits": {"tokens_per_day": 14}},
        ],
        "models": models,
        "route_groups": {},
    }
    variables = {
        "CUSTOMER_LLM_CONFIG": {"own": own(b.url, "mine", "spilling", api_key="k")},
        "PROVISIONED_OPENAI_CONFIG": {"endpoints": {"p": endpoint}, "models": {"shared": ["p"]}},
        "ROUTER_POLICY": policy,
    }
    with RunningRouter(variables, "--cooldown", "0") as running:
        yield running


def chat(router: RunningRouter, name: str, key: str = ALICE, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": name, "messages": [], **more}
    return httpx.post(f"{router.url}/v1/chat/completions", json=body, headers=headers, timeout=15)


def test_platform_traffic_is_limited_and_the_customers_own_is_not(
    limited: RunningRouter, upstreams: Pair, opened: Opened
) -> None:
    told = [chat(limited, "shared").headers["x-ratelimit-remaining-requests"] for _ in range(3)]
    assert told == ["2", "1", "0"]  # in place of the upstream's
    answer = chat(limited, "shared")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.headers["x-ratelimit-limit-requests"] == "3"
    assert limited.record(answer.headers["x-request-id"])["error"] == "rate_limit_exceeded"
    for _ in range(5):
        assert chat(limited, "mine").headers["x-ratelimit-remaining-requests"] == "7"  # the upstream's own
    upstreams[1].behaviours["spilling"] = answering(500)
    assert chat(limited, "spilling").status_code == 500  # its fallback is the platform's
    assert len(upstreams[0].requests) == 3
    with pytest.raises(openai.RateLimitError):
        opened(OpenAI(base_url=f"{limited.url}/v1", api_key=ALICE, max_retries=0)).chat.completions.create(
            model="shared", messages=[]
        )


def test_tokens_of_a_key(limited: RunningRouter, upstreams: Pair) -> None:
    assert chat(limited, "shared", BOB).status_code == 200
    answer = chat(limited, "shared", BOB)
    assert (answer.status_code, answer.headers["x-ratelimit-remaining-tokens"]) == (429, "0")
    assert chat(limited, "shared", ALICE).status_code == 200


def test_concurrent_requests(limited: RunningRouter, upstreams: Pair) -> None:
    upstreams[0].behaviours["shared"] = slowly(0.2)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(chat(limited, "shared", stream=True).status_code))
        for _ in range(3)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200, 200, 429]
    assert chat(limited, "shared").status_code == 200


def scraped(router: RunningRouter) -> dict[str, float]:
    text = httpx.get(f"{router.url}/metrics", headers={"api-key": ALICE}).text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(
        re.fullmatch(r'llmrouter_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e-]+', line) for line in lines
    )
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_metrics_add_up_to_the_log(limited: RunningRouter, upstreams: Pair) -> None:
    assert httpx.get(f"{limited.url}/metrics").status_code == 401
    for _ in range(4):
        chat(limited, "shared")
    upstreams[1].behaviours["mine"] = answering(503)
    last = chat(limited, "mine")
    limited.record(last.headers["x-request-id"])
    found = scraped(limited)
    where = 'model="shared",source="platform",endpoint="p"'
    assert found[f'llmrouter_requests_total{{{where},status="200",error=""}}'] == 3
    assert found['llmrouter_tokens_total{model="shared",source="platform",direction="input"}'] == 30
    assert found['llmrouter_cost_total{model="shared",source="platform",currency="USD"}'] == pytest.approx(0.000195)
    assert found['llmrouter_upstream_errors_total{endpoint="own",kind="503"}'] == 1
    total = sum(value for name, value in found.items() if name.startswith("llmrouter_requests_total"))
    assert total == found["llmrouter_request_seconds_count"] == len(limited.output().splitlines()) == 5
    assert found['llmrouter_overhead_seconds_bucket{le="0.25"}'] >= 4
    assert found["llmrouter_reloads_total"] == 0
    assert len([name for name in found if name.startswith("llmrouter_document_info")]) == 3
    assert float(last.headers["x-llmrouter-overhead-ms"]) < 100
