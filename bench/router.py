"""The router's overhead, side by side with nginx as a plain proxy and a bare uvicorn + aiohttp skeleton.

All of them pass the same chat request on to the same upstream, nginx with a completion of 600 bytes; wrk calls them.
One worker each; the router checks a key, meters and writes its log line to a file. Needs Debian's nginx-light and wrk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

KEY = "bench-router-key"
PATH = "/openai/deployments/gpt-4o/chat/completions"
USAGE = {"prompt_tokens": 21, "completion_tokens": 17, "total_tokens": 38}
NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 2048; }}
http {{
  access_log off; default_type application/json; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
  fastcgi_temp_path {folder}/{name}.f; uwsgi_temp_path {folder}/{name}.u; scgi_temp_path {folder}/{name}.s;
  {upstream}
  server {{ listen 127.0.0.1:{port} reuseport backlog=2048; location / {{ {location} }} }}
}}
"""
WRK = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
wrk.body = [[{body}]]
done = function(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.stderr:write(string.format('{{"requests": %d, "micros": %d, "bad": %d, "p50": %d, "p99": %d}}',
    summary.requests, summary.duration, bad, latency:percentile(50), latency:percentile(99)))
end
"""


def completion() -> str:
    """An answer of exactly 600 bytes."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}
    missing = 600 - len(json.dumps({**answer, "usage": USAGE}))
    choice["message"]["content"] = ("The quick brown fox jumps over the lazy dog. " * 20)[:missing]
    return json.dumps({**answer, "usage": USAGE})


def documents(upstream: str) -> dict[str, str]:
    """One model on one platform endpoint, with a price, a default and a key."""
    row = {"id": "gpt-4o@2024-10-01", "start": "2024-10-01T00:00:00Z", "end": None, "currency": "USD"}
    row |= {"per_million_tokens": {"text_input": "2.5", "cached_text_input": "1.25", "text_output": "10"}}
    model = {"type": "chat", "realtime": False, "token_costs": [row], "default_params": {"temperature": 0.7}}
    policy = {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": None,
        "allowed": ["gpt-4o"],
        "teams": {},
        "keys": [{"id": "bench", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "models": {"gpt-4o": model},
        "route_groups": {},
    }
    endpoints = {"primary": {"api_key": "upstream-key", "base_url": upstream}}
    provisioned = {"endpoints": endpoints, "models": {"gpt-4o": ["primary"]}}
    return {"PROVISIONED_OPENAI_CONFIG": json.dumps(provisioned), "ROUTER_POLICY": json.dumps(policy)}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, log: Path, **more: str) -> Iterator[str]:
    """A server in a process of its own; yields its URL once the port answers."""
    with log.open("wb") as out, log.with_suffix(".stderr").open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **more})
        try:
            until = time.monotonic() + 15
            while time.monotonic() < until:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            else:
                sys.exit(f"{command[0]} did not start: {log.with_suffix('.stderr').read_text()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(15)


def nginx(stack: ExitStack, folder: Path, name: str, location: str, upstream: str = "") -> str:
    """An nginx with one location."""
    port = free_port()
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(folder=folder, name=name, port=port, location=location, upstream=upstream))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return stack.enter_context(running([program, "-p", str(folder), "-c", str(config)], port, folder / f"{name}.log"))


def servers(stack: ExitStack, folder: Path) -> dict[str, str]:
    """URLs to call, by name; the upstream itself first."""
    direct = nginx(stack, folder, "mock", f"return 200 '{completion()}';")
    keepalive = f"upstream mock {{ server {direct.removeprefix('http://')}; keepalive 64; }}"
    proxying = 'proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";'
    plain = nginx(stack, folder, "plain", proxying, keepalive)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "router_bare:app", "--app-dir", str(Path(__file__).parent)]
    command += ["--port", str(port), "--no-access-log", "--log-level", "critical"]
    bare = stack.enter_context(running(command, port, folder / "bare.log", BARE_UPSTREAM=direct + PATH))
    port = free_port()
    command = [sys.executable, "-m", "llmrouter", "serve", "--port", str(port)]
    router = stack.enter_context(running(command, port, folder / "router.log", **documents(direct)))
    return {"direct": direct + PATH, "nginx": plain + PATH, "bare": bare + PATH, "router": router + PATH}


def load(script: Path, url: str, connections: int, seconds: float) -> dict[str, float]:
    """What wrk measured: requests a second, and latencies in ms."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    told = json.loads(said)
    if told["bad"]:
        sys.exit(f"{told['bad']} requests to {url} failed")
    rate = told["requests"] / told["micros"] * 1e6
    return {"rate": rate, "p50": told["p50"] / 1000, "p99": told["p99"] / 1000}


def request_body() -> str:
    """A chat request."""
    messages = [{"role": "system", "content": "You are a helpful assistant. " * 8}, {"role": "user", "content": "Hi"}]
    return json.dumps({"model": "gpt-4o", "messages": messages, "max_tokens": 64})


def called_once(url: str) -> None:
    """The path works at all, before it is measured."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(url, request_body().encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.loads(answer.read())["usage"] == USAGE


def measure(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Medians over interleaved rounds, by server: rate, p50 and p99 at 32 connections, and p50 and p99 at one."""
    found: dict[str, list[dict[str, float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        script = folder / "post.lua"
        script.write_text(WRK.format(key=KEY, body=request_body()))
        urls = servers(stack, folder)
        for url in urls.values():
            called_once(url)
            load(script, url, 32, 1)  # warm
        for _ in range(rounds):
            for name, url in urls.items():
                one, many = load(script, url, 1, seconds), load(script, url, 32, seconds)
                found.setdefault(name, []).append(many | {"one50": one["p50"], "one99": one["p99"]})
        lines = (folder / "router.log").read_bytes().count(b"\n")
        assert lines > rounds, "the router writes its log line"
    return {
        name: {what: statistics.median(run[what] for run in runs) for what in runs[0]} for name, runs in found.items()
    }


def report(found: dict[str, dict[str, float]]) -> None:
    """The table of docs/benchmarks.md, and the goals."""
    direct, plain, router = found["direct"], found["nginx"], found["router"]
    print(
        "| | requests/s at 32 | p50 / p99 at 32 (ms) | p50 / p99 at 1 (ms) | added at 1 (ms) |\n|---|---|---|---|---|"
    )
    for name, run in found.items():
        added = f"{run['one50'] - direct['one50']:.2f} / {run['one99'] - direct['one99']:.2f}"
        row = f"{run['rate']:,.0f} | {run['p50']:.2f} / {run['p99']:.2f} | {run['one50']:.2f} / {run['one99']:.2f}"
        print(f"| {name} | {row} | {added} |")
    print(f"\nrouter / nginx: {router['rate'] / plain['rate']:.3f} (goal 0.2)")
    print(f"router / bare: {router['rate'] / found['bare']['rate']:.2f}")
    print(f"p99 / p50 at 32: {router['p99'] / router['p50']:.1f} (goal 3)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    report(measure(options.rounds, options.seconds))


if __name__ == "__main__":
    main()
