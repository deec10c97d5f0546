"""The router's soak: mixed traffic, faults of the upstream, leaving clients and reloads, and then the books.

Ends with 0 if every request is accounted for exactly once, in log, metrics and to the last digit of money, and nothing
was left behind: no memory, no descriptors, no connections. Ends with 1 and the differences otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from serving import KEY, Server, router
from soak_accounts import Books, differences, read_lines, samples
from soak_clients import Clients
from soak_upstream import SoakUpstream

_FLAGS = ("--cooldown", "0.2", "--first-byte-timeout", "5", "--retry-after-budget", "2")
_TYPES = {"chat": "chat", "embed": "embedding", "image": "image_generation", "hear": "audio_transcription"}
_TYPES |= {"talk": "realtime"}
_VARIANTS = ("a", "b")
_SETTLE = 30.0  # seconds for what is still on its way once the clients are through
_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How much of it."""

    seconds: float
    clients: int = 32
    rate: float = 150.0
    """Requests a second."""
    reload_seconds: float = 3.0
    growth_mib: float = 2.0
    """By which memory may grow over the second half."""
    seed: int = 1


@dataclass(slots=True)
class Soaked:
    """What came of it."""

    books: Books
    faults: list[str] = field(default_factory=list)
    """What clients must not see, and what was left behind."""
    memory: list[float] = field(default_factory=list)
    """MiB, once a second."""
    reloads: int = 0
    refused: int = 0
    """Reloads of documents that are wrong."""

    def differences(self) -> list[str]:
        """All that is not as it should be."""
        return [*self.faults, *differences(self.books)]


def prices() -> dict[str, dict[str, str]]:
    """Every price row, by its id: one for each model in each of two policies."""
    kinds = ("text_input", "cached_text_input", "text_output", "audio_input", "cached_audio_input", "audio_output")
    rows = itertools.product(_VARIANTS, _TYPES)
    return {
        f"{model}@{variant}": {kind: f"{at + 1}.{at * 7 + 1:02d}{number + 1}" for number, kind in enumerate(kinds)}
        for at, (variant, model) in enumerate(rows)
    }


def documents(url: str, variant: str) -> dict[str, str]:
    """Five models on two endpoints; the variants differ in their prices."""
    rows = prices()
    models: dict[str, Any] = {}
    for model, kind in _TYPES.items():
        row = {"id": f"{model}@{variant}", "start": "2024-01-01T00:00:00Z", "end": None, "currency": "USD"}
        costs = [row | {"per_million_tokens": rows[f"{model}@{variant}"]}]
        models[model] = {"type": kind, "realtime": kind == "realtime", "token_costs": costs}
    policy = {
        "version": 1,
        "account": "acme",
        "source": "auto",
        "limits": None,
        "allowed": sorted(models),
        "teams": {},
        "keys": [{"id": "soak", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "models": models,
        "route_groups": {},
    }
    endpoints = {name: {"api_key": "upstream-key", "base_url": f"{url}/{name}"} for name in ("first", "second")}
    provisioned = {"endpoints": endpoints, "models": {model: list(endpoints) for model in models}}
    return {"PROVISIONED_OPENAI_CONFIG": json.dumps(provisioned), "ROUTER_POLICY": json.dumps(policy)}


async def soak(options: Options) -> Soaked:
    """Run it."""
    upstream = SoakUpstream()
    await upstream.start()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _written(folder, documents(upstream.url, "a"))
        files = {f"{name}_FILE": str(folder / name) for name in documents(upstream.url, "a")}
        with router(folder, files, *_FLAGS) as server:
            before = await _at_rest(server)
            clients = Clients(server.url, upstream, options.seed)
            soaked = Soaked(Books(clients.seen, upstream.told, [], "", prices()))
            await _lasting(options, clients, server, folder, upstream, soaked)
            metrics = await _settled(server, len(clients.seen))
            soaked.faults += clients.faults
            soaked.faults += await left_behind(server, upstream, before, options.clients)
        lines = read_lines((folder / "router.log").read_text())
    soaked.faults += grown(soaked.memory, options.growth_mib)
    soaked.books = Books(clients.seen, upstream.told, lines, metrics, prices())
    told = {name[0]: int(value) for name, value in samples(metrics) if name[0].startswith("reload")}
    soaked.reloads, soaked.refused = told["reloads_total"], told["reload_failures_total"]
    return soaked


async def _at_rest(server: Server) -> int:
    """How many descriptors it has when it serves nobody."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/healthz") as answer:
        await answer.read()
        return server.descriptors - 1  # this connection


async def _lasting(
    options: Options, clients: Clients, server: Server, folder: Path, upstream: SoakUpstream, soaked: Soaked
) -> None:
    """The traffic, with reloads and looks at the memory beside it."""
    reloading = asyncio.create_task(_reload(folder, upstream.url, options.reload_seconds))
    looking = asyncio.create_task(_look(server, soaked.memory))
    running = asyncio.create_task(clients.run(options.clients, options.rate))
    await asyncio.wait([running], timeout=options.seconds)
    clients.stopping.set()
    for each in (reloading, looking):
        each.cancel()
    await asyncio.gather(reloading, looking, return_exceptions=True)
    await running


async def _reload(folder: Path, url: str, seconds: float) -> None:
    """Other documents every few seconds; every fourth time one that is wrong."""
    for turn in itertools.count(1):
        await asyncio.sleep(seconds)
        if turn % 4 == 0:
            _written(folder, {"ROUTER_POLICY": '{"version": 1, "account"'})
        else:
            _written(folder, documents(url, _VARIANTS[turn % 2]))


def _written(folder: Path, found: dict[str, str]) -> None:
    for name, text in found.items():
        (folder / f"{name}.new").write_text(text)
        (folder / f"{name}.new").replace(folder / name)


async def _look(server: Server, memory: list[float]) -> None:
    while True:
        memory.append(server.resident_mib)
        await asyncio.sleep(_LOOK)


async def _settled(server: Server, requests: int) -> str:
    """The metrics, once they count as many requests as were sent, or no more come."""
    until = time.monotonic() + _SETTLE
    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{server.url}/metrics", headers=headers) as answer:
                text = await answer.text()
            counted = sum(value for name, value in samples(text) if name[0] == "requests_total")
            if counted >= requests or time.monotonic() > until:
                return text
            await asyncio.sleep(0.1)


async def left_behind(
    server: Server, upstream: SoakUpstream, before: int, clients: int, patience: float = _SETTLE
) -> list[str]:
    """Connections and descriptors that should be gone: first those in use, then the pool's."""
    found = []
    if upstream.connections > 2 * clients:  # no more than the pool needs: one for each client and endpoint
        found.append(f"{upstream.connections} connections to the upstream are open for {clients} clients")
    await upstream.stop()
    until = time.monotonic() + patience
    while server.descriptors > before and time.monotonic() < until:
        await asyncio.sleep(0.1)
    if server.descriptors > before:
        found.append(f"{server.descriptors} descriptors are open, {before} were at the start")
    return found


def grown(memory: Sequence[float], most: float) -> list[str]:
    """That memory grew over the second half: by the slope of the line through it."""
    half = memory[len(memory) // 2 :]
    growth = slope(half) * len(half)
    return [f"memory grew by {growth:.1f} MiB over the second half, to {memory[-1]:.1f} MiB"] if growth > most else []


def slope(values: Sequence[float]) -> float:
    """Of the least-squares line through values that are one apart."""
    middle, mean = (len(values) - 1) / 2, sum(values) / max(1, len(values))
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread if spread else 0.0


def main() -> int:
    """Run, tell, and end with 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="(%(default)s)")
    parser.add_argument("--rate", type=float, default=150, help="requests a second (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the traffic (%(default)s)")
    given = parser.parse_args()
    soaked = asyncio.run(soak(Options(given.minutes * 60, rate=given.rate, seed=given.seed)))
    lines, memory = soaked.books.lines, soaked.memory
    failed = sum(1 for each in lines if each["error"])
    cost = sum(float(each["cost"] or 0) for each in lines)
    print(
        f"{len(lines):,} requests, {failed:,} of them with an error, {soaked.reloads} reloads, {soaked.refused} refused"
    )
    print(f"billed {cost:.6f} USD; memory {memory[0]:.1f} to {memory[-1]:.1f} MiB, at most {max(memory):.1f}")
    for each in soaked.differences():
        print(each, file=sys.stderr)
    return 1 if soaked.differences() else 0


if __name__ == "__main__":
    sys.exit(main())
