"""The figures of plan and push: 2,000 documents against a local Secret Manager, in calls, time and memory.

The server is a process of its own, the client the unmodified one over a socket. Waiting for Google's quotas is put on
a clock of its own, so that minutes of it need not be waited for; both times are said. The control asks for ``latest``
of each document and adds a version where it differs: no checks, no proof, no quotas, and it loses a way back.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from fleet import generate
from google.api_core import exceptions
from google.cloud import secretmanager_v1 as sm

from llmcompile.pipeline import compile_repository
from llmcompile.push import ledger
from llmcompile.push.apply import Run, writes_of
from llmcompile.push.clock import VirtualClock
from llmcompile.push.google.calls import Calls, Limits
from llmcompile.push.google.connect import EMULATOR, connect
from llmcompile.push.google.source import GoogleSource
from llmcompile.push.google.store import GoogleStore
from llmcompile.push.look import look
from llmcompile.push.plan import Plan, make_plan
from llmcompile.push.report import Report
from llmcompile.push.resolve import Payload, Resolver, resolve_all
from llmcompile.push.steady import Steady

PROJECT = "example-llm-prod"
ACCOUNTS = 1_000  # two documents each


@contextmanager
def server(journal: Path) -> Iterator[str]:
    """The address of a Secret Manager, for as long as the block lasts."""
    command = (sys.executable, "-m", "llmcompile_secretmanager_emulator", "--project", PROJECT, "--port", "0")
    process = subprocess.Popen([*command, "--journal", str(journal)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split("listening on ")[1].split()[0]
    finally:
        process.terminate()
        process.wait()


class Bench:
    """One fleet and one store."""

    def __init__(self, root: Path, journal: Path, address: str) -> None:
        self.root, self.journal, self.clock, self.read = root, journal, VirtualClock(), 0
        self.client: sm.SecretManagerServiceClient = connect({EMULATOR: address})
        self.calls = Calls(self.clock, Limits.of(self.clock))
        self.store = GoogleStore(self.client, PROJECT, self.calls)
        self.compiled = compile_repository(root, datetime.now(UTC))

    def fill(self) -> None:
        """The secrets that the fleet's refs point to."""
        for name in ("azure-switzerlandnorth", *(f"account-{number:05}-oauth" for number in range(ACCOUNTS))):
            secret = sm.Secret(replication=sm.Replication(automatic=sm.Replication.Automatic()))
            self.client.create_secret(parent=f"projects/{PROJECT}", secret_id=name, secret=secret)
            self.client.add_secret_version(
                parent=f"projects/{PROJECT}/secrets/{name}", payload={"data": f"made-up-{name}".encode()}
            )

    def payloads(self) -> list[Payload]:
        resolver = Resolver(self.root, {}, lambda: GoogleSource(self.client, self.calls))
        return resolve_all(self.compiled.documents, self.compiled.linked, resolver)

    def plan(self) -> Plan:
        return make_plan(look(self.payloads(), self.store), f"gcpsecrets://{PROJECT}")

    def push(self) -> Report:
        payloads = self.payloads()
        last, _ = ledger.last(self.store)
        seen = look(payloads, self.store)
        plan = make_plan(seen, f"gcpsecrets://{PROJECT}")
        run = Run(Steady(self.store, self.clock), Report(plan, ""), last)
        run.write(writes_of(plan, seen), [], seen)
        return run.report

    def control(self) -> None:
        """What a script of ten lines does."""
        for payload in self.payloads():
            name = f"projects/{PROJECT}/secrets/{payload.document.secret}"
            try:
                held = self.client.access_secret_version(name=f"{name}/versions/latest").payload.data
            except exceptions.NotFound:
                held = None
            if held != payload.data:
                self.client.add_secret_version(parent=name, payload={"data": payload.data})

    def rotate(self) -> None:
        """Every document changes: the platform's tier gets other limits, the region another key."""
        text = (self.root / "llmcompile.yaml").read_text()
        (self.root / "llmcompile.yaml").write_text(text.replace("requests_per_minute: ", "requests_per_minute: 1"))
        for path in (self.root / "accounts").glob("*.yaml"):
            path.write_text(path.read_text().replace("deployment_prefix: ", "deployment_prefix: new-"))
        self.compiled = compile_repository(self.root, datetime.now(UTC))

    def row(self, name: str, what: Callable[[], object]) -> str:
        """A row of the table: what one action took."""
        waited, start = self.clock.now(), time.perf_counter()
        what()
        seconds, waited = time.perf_counter() - start, self.clock.now() - waited
        calls = self._calls()
        per = sum(calls.values()) / len(self.compiled.documents)
        writes = sum(count for write, count in calls.items() if write)
        return (
            f"| {name} | {sum(calls.values()):,} | {per:.2f} | {writes:,} | {seconds:.1f} s | {waited / 60:.1f} min |"
        )

    def _calls(self) -> Counter[bool]:
        """The calls since the last time, by whether they write."""
        lines = self.journal.read_text().splitlines()[self.read :]
        self.read += len(lines)
        return Counter(bool(json.loads(line)["is_write"]) for line in lines)


def main() -> None:
    """Print everything as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        root, journal = Path(folder) / "fleet", Path(folder) / "journal"
        generate(root, ACCOUNTS)
        with server(journal) as address:
            bench = Bench(root, journal, address)
            bench.fill()
            bench.row("", lambda: None)
            count = len(bench.compiled.documents)
            print(f"{count:,} documents\n")
            print("| | calls | per document | writes | time | waiting for quotas |")
            print("|---|---|---|---|---|---|")
            print(bench.row("plan of an empty store", bench.plan), flush=True)
            print(bench.row("first push", bench.push), flush=True)
            print(bench.row("plan, nothing changed", bench.plan), flush=True)
            print(bench.row("second push, nothing changed", bench.push), flush=True)
            print(bench.row("control, nothing changed", bench.control), flush=True)
            bench.rotate()
            print(bench.row("push, everything changed", bench.push), flush=True)
            bench.rotate()
            print(bench.row("control, everything changed", bench.control), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of the process that plans and pushes, its compiled fleet included: {peak:.0f} MiB")
    print(f"\n{os.cpu_count()} cores, shared with the server")


if __name__ == "__main__":
    main()
