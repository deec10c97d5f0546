"""New documents while requests run: taken over without a dropped one, or refused while those of before go on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import RunningRouter
from standin import StandIn, slowly
from worlds import ALICE, SECRET, model, own, sha256

Pair = tuple[StandIn, StandIn]
HELLO = [{"role": "user", "content": "hi"}]


def replaced(path: Path, data: Any) -> None:
    """As mounts do it: never half."""
    fresh = path.with_suffix(".new")
    fresh.write_text(data if isinstance(data, str) else json.dumps(data))
    fresh.replace(path)


def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


class Mounted:
    """A router that reads its documents from files."""

    def __init__(self, folder: Path, upstream: StandIn) -> None:
        self.customer, self.policy = folder / "customer.json", folder / "policy.json"
        self.upstream = upstream
        self.write("first")
        self.variables = {"CUSTOMER_LLM_CONFIG_FILE": str(self.customer), "ROUTER_POLICY_FILE": str(self.policy)}

    def documents(self, *names: str, keys: bool = True) -> tuple[Any, Any]:
        policy = {"version": 1, "account": "acme", "source": "auto", "limits": None, "allowed": sorted(names)}
        policy |= {"teams": {}, "models": {name: model() for name in names}, "route_groups": {}}
        policy["keys"] = [{"id": "alice", "sha256": sha256(ALICE)}] if keys else []
        return {"x": own(self.upstream.url, *names, api_key="k")}, policy

    def write(self, *names: str, keys: bool = True) -> None:
        customer, policy = self.documents(*names, keys=keys)
        replaced(self.customer, customer)
        replaced(self.policy, policy)


@pytest.fixture
def mounted(tmp_path: Path, upstreams: Pair) -> Mounted:
    return Mounted(tmp_path, upstreams[0])


@pytest.fixture
def running(mounted: Mounted) -> Iterator[RunningRouter]:
    with RunningRouter(mounted.variables) as router:
        yield router


def names(router: RunningRouter) -> list[str]:
    headers = {"authorization": f"Bearer {ALICE}"}
    return [each["id"] for each in httpx.get(f"{router.url}/v1/models", headers=headers).json()["data"]]


def ready(router: RunningRouter) -> dict[str, Any]:
    answer = httpx.get(f"{router.url}/readyz")
    assert answer.status_code == 200
    return answer.json()


def chat(router: RunningRouter, name: str, **more: Any) -> httpx.Response:
    body = {"model": name, "messages": HELLO, **more}
    headers = {"authorization": f"Bearer {ALICE}"}
    return httpx.post(f"{router.url}/v1/chat/completions", json=body, headers=headers, timeout=15)


def test_a_changed_file_is_served(mounted: Mounted, running: RunningRouter) -> None:
    before = ready(running)
    assert names(running) == ["first"]
    mounted.write("first", "second")
    until(lambda: names(running) == ["first", "second"])
    after = ready(running)
    assert after["documents"] != before["documents"]
    assert after["last_reload_error"] is None
    assert "reloaded (account acme, 2 models)" in running.errors()
    assert chat(running, "second").status_code == 200


def test_links_that_are_swapped_are_followed(tmp_path: Path, upstreams: Pair) -> None:
    """The way Kubernetes updates a mounted secret."""
    for version, served in (("1", "first"), ("2", "second")):
        (tmp_path / version).mkdir()
        document = {"x": own(upstreams[0].url, served, api_key="k")}
        (tmp_path / version / "customer.json").write_text(json.dumps(document))
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "customer.json").symlink_to("..data/customer.json")
    with RunningRouter({"CUSTOMER_LLM_CONFIG_FILE": str(tmp_path / "customer.json")}) as router:
        assert names(router) == ["first"]
        (tmp_path / "..new").symlink_to("2")
        (tmp_path / "..new").replace(tmp_path / "..data")
        until(lambda: names(router) == ["second"])


BAD = [
    ("", "empty"),
    ('{"x": {"api_key": "' + SECRET.replace("\\", "").replace('"', "") + '"', "is not JSON"),
    ("{}x", "is not JSON"),
    ('{"x": {}}', "is missing"),
    ("[]", "expected an object"),
]


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_bad_document_changes_nothing_but_what_is_said(
    mounted: Mounted, running: RunningRouter, text: str, problem: str
) -> None:
    before = ready(running)
    replaced(mounted.customer, text)
    until(lambda: ready(running)["last_reload_error"] is not None)
    told = ready(running)
    assert problem in told["last_reload_error"]["error"]
    assert "CUSTOMER_LLM_CONFIG" in told["last_reload_error"]["error"]
    assert told["documents"] == before["documents"]
    assert "canary" not in json.dumps(told) + running.errors()
    assert chat(running, "first").status_code == 200
    time.sleep(1.2)
    assert running.errors().count("not reloaded") == 1  # said once, not at every look
    mounted.write("first", "third")
    until(lambda: names(running) == ["first", "third"])
    assert ready(running)["last_reload_error"] is None


def test_a_file_that_vanishes_changes_nothing(mounted: Mounted, running: RunningRouter) -> None:
    mounted.customer.unlink()
    until(lambda: ready(running)["last_reload_error"] is not None)
    assert "No such file" in ready(running)["last_reload_error"]["error"]
    assert chat(running, "first").status_code == 200
    mounted.write("back")
    until(lambda: names(running) == ["back"])


def test_keys_that_vanish_open_nothing(mounted: Mounted) -> None:
    with RunningRouter(mounted.variables, "--host", "0.0.0.0") as router:
        local = router.url.replace("0.0.0.0", "127.0.0.1")
        mounted.write("first", keys=False)
        until(lambda: httpx.get(f"{local}/readyz").json()["last_reload_error"] is not None)
        assert httpx.get(f"{local}/v1/models").status_code == 401
    with RunningRouter(mounted.variables) as router:  # control: on loopback none are needed
        assert httpx.get(f"{router.url}/v1/models").status_code == 200


def test_a_key_that_was_taken_away_opens_nothing_any_more(mounted: Mounted, running: RunningRouter) -> None:
    _, policy = mounted.documents("first")
    policy["keys"] = [{"id": "bob", "sha256": sha256("bobs-key")}]
    replaced(mounted.policy, policy)
    until(lambda: chat(running, "first").status_code == 401)
    headers = {"api-key": "bobs-key"}
    assert httpx.get(f"{running.url}/v1/models", headers=headers).json()["data"][0]["id"] == "first"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_to_look_again(mounted: Mounted, workers: str) -> None:
    with RunningRouter(mounted.variables, "--workers", workers) as router:
        state = mounted.customer.stat()
        data = mounted.customer.read_text().replace("first", "other")
        mounted.customer.write_text(data)
        os.utime(mounted.customer, ns=(state.st_atime_ns, state.st_mtime_ns))  # a file that looks unchanged
        policy = mounted.policy.read_text().replace("first", "other")
        time.sleep(1.2)
        assert "reloaded" not in router.errors()
        state = mounted.policy.stat()
        mounted.policy.write_text(policy)
        os.utime(mounted.policy, ns=(state.st_atime_ns, state.st_mtime_ns))
        router.process.send_signal(signal.SIGHUP)
        until(lambda: router.errors().count("reloaded (") == int(workers))
        assert names(router) == ["other"]
        assert router.stop() == 0


def test_nothing_is_dropped_under_load(mounted: Mounted, running: RunningRouter) -> None:
    mounted.upstream.behaviours["slow"] = slowly(0.05)
    failures: list[str] = []
    done, stop = [0], threading.Event()

    def call() -> None:
        headers = {"authorization": f"Bearer {ALICE}"}
        with httpx.Client(headers=headers, timeout=15) as client:
            while not stop.is_set():
                answer = client.post(f"{running.url}/v1/chat/completions", json={"model": "first", "stream": True})
                if answer.status_code != 200 or not answer.text.endswith("[DONE]\n\n"):
                    failures.append(answer.text)
                done[0] += 1

    threads = [threading.Thread(target=call) for _ in range(6)]
    for each in threads:
        each.start()
    for turn in range(6):
        mounted.write("first", f"model-{turn}")
        until(lambda turn=turn: f"model-{turn}" in names(running))  # type: ignore[misc]
    replaced(mounted.customer, "{")
    until(lambda: ready(running)["last_reload_error"] is not None)
    stop.set()
    for each in threads:
        each.join()
    assert failures == []
    assert done[0] > 50


def test_a_request_keeps_what_it_began_with(mounted: Mounted, running: RunningRouter) -> None:
    mounted.upstream.behaviours["first"] = slowly(0.5)
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(chat(running, "first", stream=True)))
    thread.start()
    until(lambda: bool(mounted.upstream.requests))
    mounted.write("second")
    until(lambda: names(running) == ["second"])
    thread.join()
    assert answers[0].text.endswith("[DONE]\n\n")
    assert chat(running, "first").status_code == 404
    line = running.record(answers[0].headers["x-request-id"])
    assert (line["model"], line["price_id"]) == ("first", "m@2024-10-01")
