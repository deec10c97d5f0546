"""The router beside its peers, and against its goals: one row of a table for each.

nginx, Portkey and LiteLLM run on the same upstream in the same run. Needs Debian's nginx-light and wrk, and for Portkey
node and npm. On a machine that does other work besides, only the ratios say something.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable

import router_life
import router_load
import router_reload
import router_streams
from goals import HEAD, Row

PARTS = ("load", "streams", "memory", "reload", "start")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer (%(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement (%(default)s)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="while memory is watched (%(default)s)")
    parser.add_argument("--turns", type=int, default=10, help="windows with three reloads each (%(default)s)")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part, may be repeated (all)")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk nginx-light")
    parts: dict[str, Callable[[], list[Row]]] = {
        "load": lambda: _beside_peers(options.rounds, options.seconds),
        "streams": router_streams.measure,
        "memory": lambda: router_life.memory(options.requests),
        "reload": lambda: router_reload.measure(options.turns),
        "start": lambda: [router_life.start()],
    }
    for at, part in enumerate(options.only or PARTS):
        rows = parts[part]()
        print(*([] if at else HEAD), *rows, sep="\n", flush=True)  # as they come: all of it takes minutes
    busy = f"load average at the end {os.getloadavg()[0]:.1f}"
    print(f"\n{os.cpu_count()} cores, {busy}, Python {platform.python_version()}")


def _beside_peers(rounds: int, seconds: int) -> list[Row]:
    found = router_load.measure(rounds, seconds)
    print(router_load.shown(found), end="\n\n", flush=True)
    return router_load.rows(found)


if __name__ == "__main__":
    main()
