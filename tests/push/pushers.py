"""Who pushes in these tests, each with the unmodified client on a connection of its own: ours, and naive ones.

The naive ones are the controls: each does what scripts do, and fails the test that it is the control of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from tests.push.fleet import PROJECT

from llmcompile.push import ledger
from llmcompile.push.apply import Run, writes_of
from llmcompile.push.expect import Reviewed
from llmcompile.push.google.calls import Calls, Limits
from llmcompile.push.google.store import GoogleStore
from llmcompile.push.limits import Backoff
from llmcompile.push.look import look
from llmcompile.push.plan import Plan, make_plan
from llmcompile.push.report import Report
from llmcompile.push.resolve import Payload
from llmcompile.push.steady import Steady
from llmcompile_secretmanager_emulator import Emulator
from llmcompile_secretmanager_emulator.model import Snapshot

URI = f"gcpsecrets://{PROJECT}"


@dataclass
class Pusher:
    """What ``llmcompile push`` does, on the server's clock. One worker reads, so that runs are the same each time."""

    server: Emulator
    caller: str = "ci"
    workers: int = 1
    limits: Callable[..., Limits] = Limits.of
    store: GoogleStore = field(init=False)
    report: Report | None = None
    """Of the last push."""

    def __post_init__(self) -> None:
        calls = Calls(self.server.clock, self.limits(self.server.clock), Backoff(chance=Random(0)))
        self.store = GoogleStore(self.server.client(self.caller), PROJECT, calls)

    def plan(self, payloads: Iterable[Payload]) -> Plan:
        """What a push would do."""
        return make_plan(look(payloads, self.store, self.workers), URI)

    def push(self, payloads: Iterable[Payload], *, expect: str = "", revision: str = "") -> Report:
        """Raises ``CommandError`` as the command does; the report is kept either way."""
        self.report = None
        last, _ = ledger.last(self.store)
        seen = look(payloads, self.store, self.workers)
        plan = Reviewed(expect).plan(seen, URI) if expect else make_plan(seen, URI)
        self.report = Report(plan, revision)
        run = Run(Steady(self.store, self.server.clock), self.report, last)
        orphans = {each.secret for each in plan.having("orphan")}
        leaving = [each.held for each in seen if each.held and each.secret in orphans]
        run.write(writes_of(plan, seen), leaving, seen)
        return self.report


def naive(client: SecretManagerServiceClient, documents: Iterable[tuple[str, bytes]], attempts: int = 1) -> None:
    """Compares with ``latest``, adds what differs, and tries again where an error came back."""
    for secret, payload in documents:
        name = f"projects/{PROJECT}/secrets/{secret}"
        if _latest(client, name) == payload:
            continue
        for left in reversed(range(attempts)):
            try:
                client.add_secret_version(parent=name, payload={"data": payload})
                break
            except GoogleAPICallError:
                if not left:
                    raise


def _latest(client: SecretManagerServiceClient, name: str) -> bytes | None:
    try:
        return client.access_secret_version(name=f"{name}/versions/latest", retry=None).payload.data
    except NotFound:
        return None


def contents(payloads: Sequence[Payload]) -> dict[str, bytes]:
    """Secret and payload."""
    return {each.document.secret: each.data for each in payloads}


def newest(server: Emulator, secrets: Iterable[str]) -> dict[str, bytes | None]:
    """What the newest version of each secret truly holds now; None where readers get nothing."""
    found = {secret: server.secret(secret) for secret in secrets}
    return {secret: held.latest.payload if held and held.latest else None for secret, held in found.items()}


def counts(server: Emulator) -> dict[str, int]:
    """How many versions each secret has."""
    return {secret: len(held.versions) for (_, secret), held in server.model.state.items()}


def restore(server: Emulator, state: Snapshot) -> None:
    """The store as it was, for everyone at once; nothing lags any more."""
    server.model.state = state
    server.lag.set()
    server.lag.record(0, -math.inf, state)
    server.journal.clear()
