"""How long the router takes to start, and what memory it takes over many requests."""

from __future__ import annotations

import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

from goals import Row, ranged
from serving import PATH, Target, answers, documents, free_port, load, mock, process, router, serving

STARTS = 11
_SLICE = 5  # seconds under load between two looks at its memory
_CONNECTIONS = 32
_FLAT = 1.0  # MiB that are no growth: the allocator's own pages


def start() -> Row:
    """From the command to the first answer that it is ready."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = mock(stack, folder).url
        took = [_ready(folder, upstream) for _ in range(STARTS)]
    return Row("start to ready", "≤ 0.6 s", f"{ranged(took)} s", median(took) <= 0.6)


def _ready(folder: Path, upstream: str) -> float:
    port, begun = free_port(), time.perf_counter()
    with process(serving(port), folder / "router.log", **documents(upstream)):
        while True:
            with suppress(urllib.error.URLError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10):
                return time.perf_counter() - begun
            time.sleep(0.002)


def memory(requests: int) -> list[Row]:
    """Resident memory over so many requests, at 32 connections."""
    samples: list[tuple[int, float]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(router(folder, documents(mock(stack, folder).url)))
        target, done = Target(server.url + PATH), 0
        answers(target)
        samples.append((0, server.resident_mib))
        while done < requests:
            run = load(target, _CONNECTIONS, _SLICE)
            if run.failed:
                raise RuntimeError(f"{run.failed} requests failed")
            done += run.requests
            samples.append((done, server.resident_mib))
        lines = _lines(folder / "router.log")
    if lines < done:
        raise RuntimeError(f"{lines} log lines for {done} requests")
    return _told(samples)


def _lines(log: Path) -> int:
    with log.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _told(samples: list[tuple[int, float]]) -> list[Row]:
    done, most = samples[-1][0], max(size for _, size in samples)
    half = next(size for count, size in samples if count >= done / 2)
    growth = max(size for count, size in samples if count >= done / 2) - half
    course = ", ".join(f"{size:.1f}" for _, size in samples[:: max(1, len(samples) // 8)])
    return [
        Row(
            f"memory over {done:,} requests",
            "≤ 90 MB a worker",
            f"{most * 1.048576:.1f} MB ({course} MiB)",
            most < 85.8,
        ),
        Row("its growth over the second half", f"flat: ≤ {_FLAT:g} MiB", f"{growth:.2f} MiB", growth <= _FLAT),
    ]
