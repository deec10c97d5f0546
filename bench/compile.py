"""The compiler against its goals, beside KCL, Jsonnet and jrsonnet: one row of a table for each.

Every figure is a whole command in a process of its own; ratios are against what was measured in turns in the same run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import compile_peers
from fleet import generate
from goals import HEAD, Row
from processes import Command, peak_bytes, seconds
from validators import validators

START_RUNS = 11
SETTLED_SECONDS = 2.1
"""After which a file's stamp vouches for it: what was written just now is read again."""
# The control reads the same files with libyaml and does nothing else.
CONTROL = """
import sys, pathlib, yaml
for path in pathlib.Path(sys.argv[1]).rglob("*.yaml"):
    yaml.load(path.read_bytes(), yaml.CSafeLoader)
"""
WARM_SECONDS = {"nothing changed": 0.4, "edited": 0.5, "FILE": 0.3}
LOADER, BUILD, CHECK, PROOFS = "PyYAML's C loader", "`build`", "`check`", "`check --proofs`"


@dataclass(frozen=True, slots=True)
class Bench:
    """A generated fleet and where its commands write."""

    folder: Path
    accounts: int

    @classmethod
    def of(cls, folder: Path, accounts: int) -> Bench:
        """Write the fleet."""
        generate(folder / "fleet", accounts)
        return cls(folder, accounts)

    def ours(self, verb: str, *more: str) -> Command:
        """One of our commands on the fleet."""
        out = ("--out", str(self.out)) if verb == "build" else ()
        return (sys.executable, "-m", "llmcompile", verb, "--root", str(self.folder / "fleet"), *out, *more)

    @property
    def loader(self) -> Command:
        """The control."""
        return (sys.executable, "-c", CONTROL, str(self.folder / "fleet"))

    @property
    def out(self) -> Path:
        """Our documents."""
        return self.folder / "dist"

    @property
    def peer_out(self) -> Path:
        """A peer's documents."""
        return self.folder / "peer"

    @property
    def cached(self) -> dict[str, str]:
        """Where the warm commands keep what they know."""
        return {"XDG_CACHE_HOME": str(self.folder / "cache")}

    def swept(self) -> None:
        """Remove everything that was written."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.rmtree(self.peer_out, ignore_errors=True)

    @property
    def one(self) -> Path:
        """An account in the middle."""
        return self.folder / "fleet" / "accounts" / f"account-{self.accounts // 2:05}.yaml"

    def edited(self, turn: str) -> None:
        """Give it another OAuth client."""
        lines = self.one.read_text().splitlines()
        self.one.write_text("".join(f"{_client(each, turn)}\n" for each in lines))
        time.sleep(SETTLED_SECONDS)


def _client(line: str, turn: str) -> str:
    start, found, _ = line.partition("client_id: ")
    return f"{start}{found}client in turn {turn}" if found else line


def cold(bench: Bench, runs: int) -> tuple[dict[str, float], dict[str, str]]:
    """The fastest of some runs of everything, in turns; and which peers are left out, and why."""
    peers, left_out = compile_peers.commands(bench.folder / "fleet" / "accounts", bench.peer_out)
    seconds(bench.ours("build", "--no-cache"))
    for each in peers.values():
        compile_peers.refuse_less(each, bench.peer_out, bench.out)
    everything = {
        LOADER: bench.loader,
        BUILD: bench.ours("build", "--no-cache"),
        CHECK: bench.ours("check", "--no-cache"),
        PROOFS: bench.ours("check", "--proofs", "--no-cache"),
        **peers,
    }
    return turns(bench, everything, runs), left_out


def turns(bench: Bench, commands: dict[str, Command], runs: int) -> dict[str, float]:
    """The fastest of some runs of each, in turns, nothing written before any."""
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            bench.swept()
            found[name].append(seconds(command))
    return {name: min(each) for name, each in found.items()}


def cold_rows(found: dict[str, float], left_out: dict[str, str]) -> list[Row]:
    """Cold commands beside the loader and the peers."""
    rows, loader = [], found[LOADER]
    for name in (BUILD, CHECK, PROOFS):
        goal, ratio = f"≤ 2.5 times {LOADER}", found[name] / loader
        rows.append(Row(f"{name}, cold", goal, f"{found[name]:.2f} s, {ratio:.2f} times", ratio <= 2.5))
    for name in ("KCL", "Jsonnet"):
        for how in ("", f" {compile_peers.ALONE}"):
            rows += [_beside(found, left_out, ours, name, how) for ours in (BUILD, PROOFS)]
    return rows


def _beside(found: dict[str, float], left_out: dict[str, str], ours: str, name: str, how: str) -> Row:
    what = f"{ours}, cold, over {name}'s transformation alone{how or ', spread over all cores'}"
    if name in left_out:
        return Row(what, "faster", f"left out: {left_out[name]}", met=False)
    name += how
    ratio = found[ours] / found[name]
    return Row(what, "faster", f"{ratio:.2f} times ({found[ours]:.2f} s, {found[name]:.2f} s)", ratio < 1)


def warm_rows(bench: Bench, runs: int) -> list[Row]:
    """What is known from the last time: nothing changed, or one account edited before. In turns with the loader."""
    build, check, env = bench.ours("build"), bench.ours("check"), bench.cached
    time.sleep(SETTLED_SECONDS)
    seconds(build, env)  # learns
    spent: dict[str, list[float]] = {}
    for turn in range(runs):
        for name, command, is_edited in (
            (f"{BUILD}, nothing changed", build, False),
            (f"{CHECK}, nothing changed", check, False),
            (f"{BUILD}, one account edited", build, True),
            (f"{CHECK}, one account edited", check, True),
            ("`check FILE`, one account", bench.ours("check", str(bench.one)), False),
            (LOADER, bench.loader, False),
        ):
            if is_edited:
                bench.edited(f"{turn} of {name[1:6]}")
            spent.setdefault(name, []).append(seconds(command, env))
        seconds(build, env)  # what was edited for the check
    loader = min(spent.pop(LOADER))
    return [_within(name, min(each), loader) for name, each in spent.items()]


def _within(name: str, spent: float, loader: float) -> Row:
    most = next(seconds for words, seconds in WARM_SECONDS.items() if words in name)
    return Row(name, f"≤ {most} s", f"{spent:.2f} s, {spent / loader:.2f} times {LOADER}", spent <= most)


def growth_rows(small: Bench, large: Bench, spent: tuple[float, float]) -> list[Row]:
    """A cold build of the large fleet against one of the small one."""
    times = large.accounts / small.accounts
    over = spent[1] / spent[0] / times
    peaks = []
    for each in (small, large):
        each.swept()
        peaks.append(peak_bytes(each.ours("build", "--no-cache")))
    share = (peaks[1] - peaks[0]) / (large.accounts - small.accounts) / 1000
    sizes = f"{share:.1f} KB ({peaks[0] / 1e6:.0f} to {peaks[1] / 1e6:.0f} MB)"
    what = f"from {small.accounts:,} to {large.accounts:,} accounts"
    taken = f"{over:.2f} times ({spent[0]:.2f} to {spent[1]:.2f} s)"
    return [
        Row(f"{BUILD}, cold, time {what}", "≤ 1.1 times linear", taken, over <= 1.1),
        Row(f"{BUILD}, cold, memory of all processes {what}", "≤ 60 KB an account", sizes, share <= 60),
    ]


def start_row() -> Row:
    """The fastest start of ``--help`` against the fastest import of click, in turns."""
    plain, full = [], []
    for _ in range(START_RUNS):
        plain.append(seconds((sys.executable, "-c", "import click")))
        full.append(seconds((sys.executable, "-m", "llmcompile", "--help")))
    one, other = min(plain), min(full)
    figure = f"{other / one:.2f} times ({other * 1000:.0f} ms, {one * 1000:.0f} ms)"
    return Row("`--help`", "≤ 1.3 times `python -c 'import click'`", figure, other / one <= 1.3)


def seconds_table(found: dict[int, dict[str, float]]) -> str:
    """All cold figures."""
    names = list(next(iter(found.values())))
    lines = [f"| accounts | {' | '.join(names)} |", f"|{'---|' * (len(names) + 1)}"]
    for accounts, each in found.items():
        lines.append(f"| {accounts:,} | {' | '.join(f'{each[name]:.2f} s' for name in names)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=10_000, help="of the large fleet (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="of each command; the fastest counts (%(default)s)")
    options, begun = parser.parse_args(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        small = Bench.of(Path(folder) / "small", max(10, options.accounts // 10))
        large = Bench.of(Path(folder) / "large", options.accounts)
        less, _ = cold(small, options.runs)
        more, left_out = cold(large, options.runs)
        print(seconds_table({small.accounts: less, large.accounts: more}), end="\n\n", flush=True)
        print(*HEAD, *cold_rows(more, left_out), sep="\n", flush=True)  # as they come: all of it takes minutes
        print(*warm_rows(large, options.runs), sep="\n", flush=True)
        print(*growth_rows(small, large, (less[BUILD], more[BUILD])), start_row(), sep="\n")
    print(f"\n{validators()}")
    busy = f"load average at the end {os.getloadavg()[0]:.1f}"
    took = f"{time.perf_counter() - begun:.0f} s in all"
    print(f"\n{os.cpu_count()} cores, {busy}, Python {platform.python_version()}, {took}")


if __name__ == "__main__":
    main()
