"""The soaked router's processes: their memory and descriptors, and the metrics of each worker.

Metrics are one worker's, whoever takes the connection, and workers at rest leave that to the same one again and again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from serving import Server
from soak_documents import router_key

_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Processes:
    """A router with one worker, which is the process itself, or with several, which are its children."""

    server: Server
    workers: int

    @property
    def resident_mib(self) -> float:
        """Resident memory of the workers, in MiB; pages that they share are counted for each."""
        return sum(map(_resident_kib, self._pids())) / 1024

    @property
    def descriptors(self) -> int:
        """Open ones of the workers."""
        return sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in self._pids())

    async def at_rest(self, patience: float) -> int:
        """How many descriptors are open while it serves nobody: once all workers have begun, and the count stays."""
        counts: list[int] = []
        until = time.monotonic() + patience
        while len(self._pids()) < self.workers and time.monotonic() < until:
            await asyncio.sleep(_PAUSE)
        await self.metrics()
        while len(counts) < 5 or len(set(counts[-5:])) > 1:
            counts.append(self.descriptors)
            if time.monotonic() > until:
                break
            await asyncio.sleep(_PAUSE)
        return min(counts)

    async def metrics(self) -> list[str]:
        """Of each worker: the others are halted meanwhile, so that it is the one to take the connection."""
        pids = self._pids()
        return [await self._asked(set(pids) - {each}) for each in pids]

    async def _asked(self, others: set[int]) -> str:
        headers = {"authorization": f"Bearer {router_key('soak')}"}
        try:
            for each in others:
                os.kill(each, signal.SIGSTOP)
            async with (
                aiohttp.ClientSession(self.server.url, headers=headers) as session,
                session.get("/metrics") as answer,
            ):
                return await answer.text()
        finally:
            for each in others:
                os.kill(each, signal.SIGCONT)

    def _pids(self) -> list[int]:
        pid = self.server.process.pid
        return [pid] if self.workers == 1 else _children(pid)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])
