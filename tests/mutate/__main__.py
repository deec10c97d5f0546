"""``python -m tests.mutate``: every kind of mistake at every place of the worked example, and what came of it."""

from __future__ import annotations

import argparse
import os
import time

from tests.mutate import report
from tests.mutate.run import ROOT, run_on


def main() -> None:
    """Run and report; exits with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__)
    parser.add_argument("--kind", action="append", help="only this kind; may be repeated")
    parser.add_argument("--places", type=int, help="at most as many places of a kind, spread evenly")
    parser.add_argument("--choices", action="store_true", help="list every edit that an author may have meant")
    asked = parser.parse_args()
    start = time.perf_counter()
    judged = run_on(os.cpu_count() or 1, ROOT, places=asked.places, only=asked.kind)
    print(report.render(judged, choices=asked.choices))
    print(f"{len(judged):,} mutations in {time.perf_counter() - start:.0f} s")
    raise SystemExit(0 if report.Figures.of(judged).hold else 1)


if __name__ == "__main__":
    main()
