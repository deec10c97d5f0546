"""The router's soak: mixed traffic, faults of upstreams and token endpoints, leaving clients, reloads; then the books.

Ends with 0 if every request is accounted for exactly once, in log, metrics and to the last digit of money, nothing came
where it does not belong, and nothing was left behind: no memory, no descriptors, no connections. Ends with 1 and the
differences otherwise. Prints a table of what was there.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from serving import router
from soak_accounts import differences
from soak_clients import Clients
from soak_documents import VARIANTS, documents, prices
from soak_noted import Books, merged, read_lines, samples
from soak_process import Processes
from soak_upstream import SoakUpstream

_FLAGS = ("--cooldown", "0.2", "--first-byte-timeout", "5", "--retry-after-budget", "2")
_SETTLE = 60.0  # seconds for what is still on its way once the clients are through
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
    """By which the memory of a worker may grow over the second half."""
    seed: int = 1
    workers: int = 1


@dataclass(slots=True)
class Soaked:
    """What came of it."""

    books: Books
    faults: list[str] = field(default_factory=list)
    """What clients and upstreams must not see, and what was left behind."""
    memory: list[float] = field(default_factory=list)
    """MiB of all workers, once a second."""
    descriptors: tuple[int, int] = (0, 0)
    """At the start and at the end."""
    connections: int = 0
    """To the upstream, at the end."""
    revoked: int = 0
    """Tokens that were taken back."""

    def differences(self) -> list[str]:
        """All that is not as it should be."""
        return [*self.faults, *differences(self.books)]

    @property
    def reloads(self) -> tuple[int, int]:
        """Of all workers: those that were served, and those of documents that are wrong."""
        found = merged(self.books.metrics)
        return int(found["reloads_total",]), int(found["reload_failures_total",])


async def soak(options: Options) -> Soaked:
    """Run it."""
    upstream = SoakUpstream()
    await upstream.start()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = Files(folder, upstream.url)
        with router(folder, files.variables, *_FLAGS, "--workers", str(options.workers)) as server:
            processes, clients = Processes(server, options.workers), Clients(server.url, upstream, options.seed)
            before = await processes.at_rest(_SETTLE)
            soaked = Soaked(_books(upstream, clients), descriptors=(before, 0))
            await _lasting(options, clients, processes, files, soaked)
            metrics = await _settled(processes, len(clients.seen))
            soaked.faults += [*clients.faults, *upstream.wrong, *upstream.tokens.wrong, *files.unserved(metrics)]
            soaked.connections = upstream.connections
            soaked.faults += await left_behind(processes, upstream, before, options.clients * options.workers)
            soaked.descriptors = before, processes.descriptors
        lines = read_lines((folder / "router.log").read_text())
        said = (folder / "router.stderr").read_text()
    soaked.faults += grown(soaked.memory, options.growth_mib * options.workers)
    soaked.books = replace(soaked.books, lines=lines, metrics=metrics, said=said)
    soaked.revoked = upstream.tokens.revoked
    return soaked


def _books(upstream: SoakUpstream, clients: Clients) -> Books:
    most = upstream.most_at_once
    return Books(clients.seen, upstream.told, upstream.arrivals, upstream.tokens.grants, most, prices())


class Files:
    """The documents as files that change."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self._last = documents(url, VARIANTS[0])
        self._write(self._last)
        self.variables = {f"{name}_FILE": str(folder / name) for name in self._last}

    async def change(self, seconds: float) -> None:
        """Other documents every few seconds; every fourth time one that is wrong."""
        for turn in itertools.count(1):
            await asyncio.sleep(seconds)
            if turn % 4 == 0:
                self._write({"ROUTER_POLICY": '{"version": 1, "account"'})
            else:
                self.renew(turn)

    def renew(self, turn: int) -> None:
        """The documents of a turn."""
        self._last = documents(self._url, VARIANTS[turn % len(VARIANTS)])
        self._write(self._last)

    def unserved(self, metrics: Sequence[str]) -> list[str]:
        """Documents that some worker does not serve, though they were the last that are right."""
        last = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in self._last.items()}
        wanted = {("document_info", *each) for each in last.items()}
        missing = [wanted - {name for name, _ in samples(each)} for each in metrics]
        return [f"a worker does not serve the last {name}" for each in missing for _, name, _ in sorted(each)]

    def _write(self, found: dict[str, str]) -> None:
        for name, text in found.items():
            (self._folder / f"{name}.new").write_text(text)
            (self._folder / f"{name}.new").replace(self._folder / name)


async def _lasting(options: Options, clients: Clients, processes: Processes, files: Files, soaked: Soaked) -> None:
    """The traffic, with reloads and looks at the memory beside it."""
    changing = asyncio.create_task(files.change(options.reload_seconds))
    looking = asyncio.create_task(_look(processes, soaked.memory))
    running = asyncio.create_task(clients.run(options.clients, options.rate))
    await asyncio.wait([running], timeout=options.seconds)
    clients.stopping.set()
    for each in (changing, looking):
        each.cancel()
    await asyncio.gather(changing, looking, return_exceptions=True)
    files.renew(1)
    await running


async def _look(processes: Processes, memory: list[float]) -> None:
    while True:
        memory.append(processes.resident_mib)
        await asyncio.sleep(_LOOK)


async def _settled(processes: Processes, requests: int) -> list[str]:
    """The metrics, once they count as many requests as were sent and no worker's change any more, or time is over."""
    until, before = time.monotonic() + _SETTLE, list[str]()
    while True:
        metrics = await processes.metrics()
        counted = sum(value for name, value in merged(metrics).items() if name[0] == "requests_total")
        if (counted >= requests and sorted(metrics) == before) or time.monotonic() > until:
            return metrics
        before = sorted(metrics)
        await asyncio.sleep(_LOOK)  # two turns of a worker that looks for other documents


async def left_behind(
    processes: Processes, upstream: SoakUpstream, before: int, clients: int, patience: float = _SETTLE
) -> list[str]:
    """Connections and descriptors that should be gone: first those in use, then the pool's."""
    found = []
    if upstream.connections > 2 * clients:  # no more than the pool needs: one for each client and endpoint
        found.append(f"{upstream.connections} connections to the upstream are open for {clients} clients")
    await upstream.stop()
    until = time.monotonic() + patience
    while processes.descriptors > before and time.monotonic() < until:
        await asyncio.sleep(0.1)
    if processes.descriptors > before:
        found.append(f"{processes.descriptors} descriptors are open, {before} were at the start")
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
    from soak_summary import table

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="(%(default)s)")
    parser.add_argument("--rate", type=float, default=150, help="requests a second (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the traffic (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (%(default)s)")
    given = parser.parse_args()
    options = Options(given.minutes * 60, rate=given.rate, seed=given.seed, workers=given.workers)
    soaked = asyncio.run(soak(options))
    print(table(soaked))
    found = soaked.differences()
    for each in found:
        print(each, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
