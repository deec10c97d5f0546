"""What a reload costs those who are served meanwhile: a policy of 60 KB is swapped under wrk, over and over.

The control is the same load in turns without a reload: a machine has pauses of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from goals import Row, ranged, table
from serving import KEY, PATH, Load, Server, Target, answers, documents, load, mock, router

SIZE = 60_000
_WINDOW = 2  # seconds under load, with three reloads or none: it looks for new files twice a second
_CONNECTIONS = 8


def large(upstream: str) -> list[dict[str, str]]:
    """Two sets of documents whose policies have 60 KB and differ."""
    models = 1
    while len(documents(upstream, models)["ROUTER_POLICY"]) < SIZE:
        models += 1
    one = documents(upstream, models)
    return [one, one | {"ROUTER_POLICY": one["ROUTER_POLICY"].replace('"10"', '"11"')}]


def replaced(folder: Path, found: dict[str, str]) -> None:
    """Put documents into place, each as a whole."""
    for name, text in found.items():
        (folder / f"{name}.new").write_text(text)
        (folder / f"{name}.new").replace(folder / name)


def reloads(server: Server) -> int:
    """How many the router has counted."""
    request = urllib.request.Request(f"{server.url}/metrics", headers={"authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    return int(text.partition("\nllmrouter_reloads_total ")[2].split()[0])


def window(server: Server, folder: Path, found: list[dict[str, str]], swaps: int) -> Load:
    """Load for some seconds, and documents swapped meanwhile."""
    results: list[Load] = []
    thread = threading.Thread(target=lambda: results.append(load(Target(server.url + PATH), _CONNECTIONS, _WINDOW)))
    thread.start()
    for _ in range(swaps):
        time.sleep(_WINDOW / (swaps + 1))
        found.reverse()
        replaced(folder, found[0])
    thread.join()
    return results[0]


def measure(turns: int) -> list[Row]:
    """Windows with and without reloads, in turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = large(mock(stack, folder).url)
        replaced(folder, found[0])
        files = {f"{name}_FILE": str(folder / name) for name in found[0]}
        server = stack.enter_context(router(folder, files))
        answers(Target(server.url + PATH))
        window(server, folder, found, 0)
        pairs = [(window(server, folder, found, 0), window(server, folder, found, 3)) for _ in range(turns)]
        count = reloads(server)
    failed = sum(each.failed for _, each in pairs)
    without, during = [each.longest for each, _ in pairs], [each.longest for _, each in pairs]
    requests = sum(each.requests for _, each in pairs)
    told = f"{ranged(during, '.1f')} ms; without a reload {ranged(without, '.1f')} ms"
    return [
        Row(
            f"requests that fail in {count} reloads of {SIZE // 1000} KB under load",
            "0",
            f"{failed} of {requests:,}",
            failed == 0 and count > turns,
        ),
        Row("longest answer under load with reloads", "≤ 20 ms", told, max(during) <= 20),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10)
    print(table(measure(parser.parse_args().turns)))


if __name__ == "__main__":
    main()
