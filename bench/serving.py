"""What the router's benchmarks share: servers in processes of their own, the documents, and wrk to call them.

Needs Debian's nginx-light and wrk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "bench-router-key"
PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 21, "completion_tokens": 17, "total_tokens": 38}
START_SECONDS = 60.0
_NGINX = """
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
_WRK = """
wrk.method = "POST"
{headers}
wrk.body = [[{body}]]
done = function(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.stderr:write(string.format(
    '{{"requests": %d, "micros": %d, "bad": %d, "p50": %d, "p99": %d, "max": %d}}',
    summary.requests, summary.duration, bad, latency:percentile(50), latency:percentile(99), latency.max))
end
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def resident_mib(self) -> float:
        """Resident memory, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def descriptors(self) -> int:
        """Open ones."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send a chat request, and with which headers."""

    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: {"authorization": f"Bearer {KEY}"})


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk measured: requests a second, latencies in ms."""

    requests: int
    failed: int
    rate: float
    p50: float
    p99: float
    longest: float


def completion() -> str:
    """An answer of exactly 600 bytes."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}
    missing = 600 - len(json.dumps({**answer, "usage": USAGE}))
    choice["message"]["content"] = ("The quick brown fox jumps over the lazy dog. " * 20)[:missing]
    return json.dumps({**answer, "usage": USAGE})


def request_body() -> str:
    """A chat request."""
    messages = [{"role": "system", "content": "You are a helpful assistant. " * 8}, {"role": "user", "content": "Hi"}]
    return json.dumps({"model": "gpt-4o", "messages": messages, "max_tokens": 64})


def documents(upstream: str, models: int = 1) -> dict[str, str]:
    """``gpt-4o`` and more models on one platform endpoint, each with a price and a default; one key."""
    codes = ["gpt-4o", *(f"model-{at:04d}" for at in range(1, models))]
    policy: dict[str, Any] = {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": None,
        "allowed": sorted(codes),
        "teams": {},
        "keys": [{"id": "bench", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "models": {code: _model(code) for code in codes},
        "route_groups": {},
    }
    endpoints = {"primary": {"api_key": "upstream-key", "base_url": upstream}}
    provisioned = {"endpoints": endpoints, "models": {code: ["primary"] for code in codes}}
    return {"PROVISIONED_OPENAI_CONFIG": _dump(provisioned), "ROUTER_POLICY": _dump(policy)}


def _model(code: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": f"{code}@2024-10-01", "start": "2024-10-01T00:00:00Z", "end": None, "currency": "USD"}
    row |= {"per_million_tokens": {"text_input": "2.5", "cached_text_input": "1.25", "text_output": "10"}}
    return {"type": "chat", "realtime": False, "token_costs": [row], "default_params": {"temperature": 0.7}}


def _dump(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], log: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended in the end; stdout goes to ``log``, stderr beside it."""
    with log.open("wb") as out, log.with_suffix(".stderr").open("wb") as err:
        begun = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **more})
        try:
            yield begun
        finally:
            begun.terminate()
            begun.wait(30)


@contextmanager
def running(command: list[str], port: int, log: Path, **more: str) -> Iterator[Server]:
    """A server in a process of its own, once its port answers. Raises RuntimeError."""
    with process(command, log, **more) as begun:
        until = time.monotonic() + START_SECONDS
        while not _listens(port):
            if time.monotonic() > until or begun.poll() is not None:
                raise RuntimeError(f"{command[0]} did not start: {log.with_suffix('.stderr').read_text()[-500:]}")
            time.sleep(0.01)
        yield Server(f"http://127.0.0.1:{port}", begun)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def serving(port: int, *arguments: str) -> list[str]:
    """The router's command, with one worker."""
    return [sys.executable, "-m", "llmrouter", "serve", "--port", str(port), *arguments]


@contextmanager
def router(folder: Path, variables: Mapping[str, str], *arguments: str) -> Iterator[Server]:
    """The router, its log in ``router.log``."""
    port = free_port()
    with running(serving(port, *arguments), port, folder / "router.log", **variables) as server:
        yield server


def nginx(stack: ExitStack, folder: Path, name: str, location: str, upstream: str = "") -> Server:
    """An nginx with one location."""
    port = free_port()
    config = folder / f"{name}.conf"
    config.write_text(_NGINX.format(folder=folder, name=name, port=port, location=location, upstream=upstream))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return stack.enter_context(running([program, "-p", str(folder), "-c", str(config)], port, folder / f"{name}.log"))


def mock(stack: ExitStack, folder: Path) -> Server:
    """The upstream: nginx with a completion of 600 bytes for whoever asks."""
    folder.chmod(0o755)  # nginx gives up its rights
    return nginx(stack, folder, "mock", f"return 200 '{completion()}';")


def load(target: Target, connections: int, seconds: int) -> Load:
    """Call it with wrk, from one thread."""
    script = "\n".join(f"wrk.headers[{json.dumps(name)}] = {json.dumps(text)}" for name, text in _headers(target))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:  # wrk reads it more than once
        file.write(_WRK.format(headers=script, body=request_body()))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, target.url]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stderr)
    rate = told["requests"] / told["micros"] * 1e6
    return Load(told["requests"], told["bad"], rate, told["p50"] / 1000, told["p99"] / 1000, told["max"] / 1000)


def _headers(target: Target) -> list[tuple[str, str]]:
    return [("content-type", "application/json"), *target.headers.items()]


def answers(target: Target, patience: float = START_SECONDS) -> None:
    """Wait until a chat request is answered as the upstream answers. Raises RuntimeError."""
    until, problem = time.monotonic() + patience, ""
    while time.monotonic() < until:
        request = urllib.request.Request(target.url, request_body().encode(), dict(_headers(target)))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                usage = json.loads(answer.read())["usage"]
        except (OSError, ValueError) as error:
            problem = str(error)
            time.sleep(0.2)
            continue
        if {name: usage.get(name) for name in USAGE} == USAGE:
            return
        problem = f"usage {usage}"
        break
    raise RuntimeError(f"{target.url} does not answer as it should: {problem}")
