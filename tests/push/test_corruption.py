"""Payloads that change on their way to the store, in it, or back: once is mended, each time ends the push, and what
readers have stays whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from tests.compiler.repo import FILES, write_repo
from tests.push.cli import Cli
from tests.push.fleet import CANARY, PROJECT, Fleet
from tests.push.pushers import Pusher, contents, naive, newest
from tests.push.stage import Stage

from llmcompile.errors import OutsideError
from llmcompile.push.ledger import LEDGER
from llmcompile_secretmanager_emulator import Call, Emulator, Fault
from llmcompile_secretmanager_emulator.model import Version

OLD, NEW = Fleet(1, 1, "old"), Fleet(1, 1, "new")
SECRETS = NEW.secrets
STORE = {
    "llmcompile.yaml": f"version: 1\nstores: {{prod: 'gcpsecrets://{PROJECT}'}}\ntiers: {{pro: {{concurrent: 1}}}}\n"
}
IN = Fault("corrupt_reply", method="AccessSecretVersion")
OUT = Fault("corrupt_request", method="AddSecretVersion")


@pytest.fixture
def stage(cli: Cli) -> Stage:
    return Stage.of(cli, OLD, NEW)


def versions(stage: Stage, secret: str) -> list[tuple[str, bytes | None]]:
    """State and payload of all, oldest first."""
    held = stage.server.secret(secret)
    assert held is not None
    return [(each.state, each.payload) for each in held.versions]


def change(server: Emulator, secret: str, change: Callable[[Version], Version]) -> None:
    """Another newest version in place of the one that is there."""
    held = server.secret(secret)
    assert held is not None
    changed = replace(held, versions=(*held.versions[:-1], change(held.versions[-1])))
    server.model.state = {**server.model.state, (held.project, secret): changed}


@pytest.mark.parametrize(("fault", "payloads"), [(IN, 7), (OUT, 4)], ids=["on the way in", "on the way out"])
def test_once_is_mended(stage: Stage, fault: Fault, payloads: int) -> None:
    """At each payload of a push, one after the other."""
    passed: dict[str, list[Call]] = {}
    for call in stage.calls:
        if call.method == fault.method:
            passed.setdefault(call.secret, []).append(call)
    nths = [(secret, n) for secret, calls in passed.items() for n, call in enumerate(calls, 1) if call.status == "OK"]
    assert len(nths) == payloads
    for secret, nth in nths:
        stage.restart()
        stage.server.journal.clear()
        stage.server.faults.add(replace(fault, secret=secret, nth=nth))
        assert stage.finish() == 0, "no version more than without faults"
        calls = [call for call in stage.server.journal.of(fault.method) if call.secret == secret]
        assert len(calls) == len(passed[secret]) + 1, "one more attempt"


@pytest.mark.parametrize("secret", [*SECRETS, LEDGER])
def test_each_time_on_the_way_out_ends_the_push(stage: Stage, secret: str) -> None:
    before = versions(stage, secret)
    stage.server.faults.add(replace(OUT, secret=secret))
    said = stage.push(report=True)
    assert (said.code, said.report["failed"]["secret"]) == (5, secret)
    assert f"cannot add a version to {secret}: what arrived there does not have the checksum" in said.err
    assert versions(stage, secret) == before, "nothing else became of it"
    assert len([call for call in stage.server.journal.of(OUT.method) if call.secret == secret]) >= 10
    stage.server.faults.clear()
    assert stage.finish() == (secret != LEDGER)


@pytest.mark.parametrize("secret", [*SECRETS, LEDGER])
def test_each_time_on_the_way_in_ends_the_push_before_it_writes(stage: Stage, secret: str) -> None:
    stage.server.faults.add(replace(IN, secret=secret))
    stage.server.journal.clear()
    said = stage.push()
    assert said.code == 5
    assert f"of {secret}: what arrived does not have the checksum that was sent, each time" in said.err
    assert "next: look at the network in between" in said.err
    assert stage.server.journal.writes == []
    stage.server.faults.clear()
    assert stage.finish() == 0


@pytest.mark.parametrize("secret", SECRETS)
def test_what_cannot_be_read_back_ends_the_push(stage: Stage, secret: str) -> None:
    old = versions(stage, secret)

    def from_now_on(_: Call) -> None:
        stage.server.faults.add(replace(IN, secret=secret))

    stage.server.faults.add(Fault("none", method="AddSecretVersion", secret=secret, after_commit=True, run=from_now_on))
    said = stage.push(report=True)
    assert (said.code, said.report["failed"]["secret"]) == (5, secret)
    assert "cannot read version 2" in said.err
    assert versions(stage, secret) == [*old, ("ENABLED", stage.new[secret])], "it is whole all the same"
    stage.server.faults.clear()
    assert stage.finish() == (secret != "a0_llm_policy"), "an entry of the ledger; nothing is left after the last"


@pytest.mark.parametrize("secret", SECRETS)
def test_what_reads_back_otherwise_ends_the_push_and_the_old_is_there(stage: Stage, secret: str) -> None:
    """The store took it, said that it was right, and holds something else with a right checksum."""
    old, other = versions(stage, secret), b'{"cut off'
    checksum = google_crc32c_of(stage.server, other)

    def spoil(_: Call) -> None:
        change(stage.server, secret, lambda version: replace(version, payload=other, checksum=checksum))

    stage.server.faults.add(
        Fault("none", method="AddSecretVersion", secret=secret, nth=1, after_commit=True, run=spoil)
    )
    said = stage.push(report=True)
    assert (said.code, said.report["failed"]["secret"]) == (5, secret)
    assert f"version 2 of {secret} does not read back as it was written" in said.err
    assert versions(stage, secret) == [*old, ("ENABLED", other)]
    stage.server.faults.clear()
    assert stage.push().code == 0
    assert versions(stage, secret) == [*old, ("ENABLED", other), ("ENABLED", stage.new[secret])]


def google_crc32c_of(server: Emulator, payload: bytes) -> int:
    latest = server.put("other", payload).latest
    assert latest is not None
    return latest.checksum


def test_a_version_without_a_checksum_is_not_taken(stage: Stage) -> None:
    """Proto3 would read it as 0: its presence is what is asked for."""
    stage.server.journal.clear()
    change(stage.server, SECRETS[0], lambda version: replace(version, checksum=None))  # type: ignore[arg-type]
    said = stage.push()
    assert said.code == 5
    assert f"version 1 of {SECRETS[0]} has no checksum: nobody can tell whether it arrived whole" in said.err
    assert stage.server.journal.writes == []
    assert len([call for call in stage.server.journal.of(IN.method) if call.secret == SECRETS[0]]) == 1, "no retry"


class Unchecked(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Between the client and the server, says of every new version that no checksum came with it."""

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        call = continuation(details, request)
        if details.method.endswith("/AddSecretVersion") and call.exception() is None:
            call.result().client_specified_payload_checksum = False
        return call


def test_a_checksum_that_nobody_looked_at_ends_the_push(server: Emulator, tmp_path: Path) -> None:
    documents = NEW.payloads(tmp_path)
    channel = grpc.intercept_channel(grpc.insecure_channel(server.address), Unchecked())
    client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    pusher = Pusher(server)
    checked, pusher.store = pusher.store, replace(pusher.store, client=client)
    with pytest.raises(OutsideError, match=f"the checksum of version 1 of {LEDGER} was not checked"):
        pusher.push(documents)
    assert pusher.report
    assert (pusher.report.done, pusher.report.failed) == ({}, LEDGER)
    pusher.store = checked
    assert pusher.push(documents).data()["complete"]
    assert newest(server, SECRETS) == contents(documents)
    channel.close()


@pytest.mark.parametrize("always", [False, True])
def test_a_value_behind_a_ref_is_mended_or_missing(cli: Cli, server: Emulator, always: bool) -> None:
    region = FILES["regions/europe-west6.yaml"].replace("env://PRIMARY_KEY", f"gcpsecrets://{PROJECT}/key?version=1")
    write_repo(cli.root, STORE | {"regions/europe-west6.yaml": region})
    server.put("key", f"{CANARY}-key".encode())
    server.faults.add(replace(IN, secret="key", nth=None if always else 1))
    said = cli("push", "--to", "prod")
    if always:
        assert said.code == 5
        assert "regions/europe-west6.yaml:3:78: ref+gcpsecrets://acme-llm-prod/key?version=1: cannot read" in said.err
        assert server.journal.writes == []
    else:
        assert said.code == 0
        held = newest(server, ["azure_openai_europe-west6"])["azure_openai_europe-west6"]
        assert json.loads(held or b"")["endpoints"]["primary"]["api_key"] == f"{CANARY}-key"


def test_control_whoever_checks_nothing_writes_and_reads_what_is_corrupt(server: Emulator) -> None:
    server.put("a", b"old")
    server.faults.add(OUT, IN)
    client, name = server.client(), f"projects/{PROJECT}/secrets/a"
    naive(client, [("a", b"new")])
    stored = newest(server, ["a"])["a"]
    assert stored not in (b"old", b"new", None)
    assert client.access_secret_version(name=f"{name}/versions/1").payload.data not in (b"old", b"new")
