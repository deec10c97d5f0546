"""What goes wrong by rule: when, for whom, and what the store holds afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import google_crc32c
import pytest
from google.api_core.exceptions import (
    Aborted,
    DeadlineExceeded,
    FailedPrecondition,
    GoogleAPICallError,
    InternalServerError,
    InvalidArgument,
    ServiceUnavailable,
)
from tests.emulator.conftest import NAME

from llmcompile_secretmanager_emulator import Call, Emulator, Fault


def payloads(server: Emulator, secret_id: str = "acme_llm_config") -> list[bytes | None]:
    secret = server.secret(secret_id)
    return [version.payload for version in secret.versions] if secret else []


def add(server: Emulator, data: bytes = b"two") -> None:
    payload = {"data": data, "data_crc32c": google_crc32c.value(data)}
    server.client().add_secret_version(request={"parent": NAME, "payload": payload})


def test_control_without_rules_nothing_goes_wrong(server: Emulator) -> None:
    add(server)
    assert payloads(server) == [b"one", b"two"]
    assert [(call.status, call.committed) for call in server.journal.calls] == [("OK", True)]


@pytest.mark.parametrize(
    ("status", "raised"),
    [("ABORTED", Aborted), ("INTERNAL", InternalServerError), ("FAILED_PRECONDITION", FailedPrecondition)],
)
@pytest.mark.parametrize("after", [False, True])
def test_an_error_before_or_after_the_commit(
    server: Emulator, status: str, raised: type[GoogleAPICallError], after: bool
) -> None:
    server.faults.add(Fault("error", status=status, message="on purpose", after_commit=after))
    with pytest.raises(raised, match="on purpose"):
        add(server)
    assert payloads(server) == ([b"one", b"two"] if after else [b"one"])
    (call,) = server.journal.writes
    assert (call.status, call.committed) == (status, after)


@pytest.mark.parametrize("after", [False, True])
def test_a_cut_connection(server: Emulator, after: bool) -> None:
    server.faults.add(Fault("drop", nth=1, after_commit=after))
    with pytest.raises(ServiceUnavailable):
        add(server)
    assert payloads(server) == ([b"one", b"two"] if after else [b"one"])
    assert [(call.status, call.committed) for call in server.journal.writes] == [("DROPPED", after)]


def test_a_cut_connection_takes_its_other_calls_along_and_no_other_connection(server: Emulator) -> None:
    """The control is the second client: its call is as slow, on a socket of its own."""
    held, release = threading.Semaphore(0), threading.Event()

    def hold(_: Call) -> None:
        held.release()
        release.wait(10)

    server.faults.add(Fault("none", method="GetSecret", run=hold), Fault("drop", method="ListSecretVersions"))
    cut, whole = server.client(), server.client()
    with ThreadPoolExecutor() as pool:
        lost = pool.submit(cut.get_secret, name=NAME)
        kept = pool.submit(whole.get_secret, name=NAME)
        held.acquire()
        held.acquire()
        with pytest.raises(ServiceUnavailable):
            list(cut.list_secret_versions(parent=NAME))
        with pytest.raises(ServiceUnavailable):
            lost.result(10)
        release.set()
        assert kept.result(10).name
    assert cut.get_secret(name=NAME).name, "the client connects again"


def test_a_delay_lets_the_deadline_pass_although_the_store_changes() -> None:
    with Emulator() as server:
        server.put("acme_llm_config", b"one")
        server.faults.add(Fault("delay", seconds=0.4))
        with pytest.raises(DeadlineExceeded):
            server.client().add_secret_version(parent=NAME, payload={"data": b"two"}, timeout=0.1)
        server.faults.clear()
        server.client().get_secret(name=NAME)
        for _ in range(100):
            if len(payloads(server)) == 2:
                break
            threading.Event().wait(0.02)
        assert payloads(server) == [b"one", b"two"]


def test_a_delay_on_a_virtual_clock_takes_no_time(server: Emulator) -> None:
    before = server.clock.now()
    server.faults.add(Fault("delay", seconds=3600))
    add(server)
    assert server.clock.now() == before + 3600


class TestCorruption:
    def test_on_the_way_in_the_checksum_catches_it(self, server: Emulator) -> None:
        server.faults.add(Fault("corrupt_request"))
        with pytest.raises(InvalidArgument, match="checksum"):
            add(server)
        assert payloads(server) == [b"one"]

    def test_control_without_a_checksum_the_wrong_bytes_are_kept(self, server: Emulator) -> None:
        server.faults.add(Fault("corrupt_request"))
        server.client().add_secret_version(parent=NAME, payload={"data": b"two"})
        assert payloads(server) == [b"one", b"twn"]

    def test_on_the_way_out_the_checksum_is_that_of_the_true_bytes(self, server: Emulator) -> None:
        server.faults.add(Fault("corrupt_reply", nth=1))
        client = server.client()
        payload = client.access_secret_version(name=f"{NAME}/versions/1").payload
        assert payload.data == b"ond"
        assert payload.data_crc32c == google_crc32c.value(b"one") != google_crc32c.value(payload.data)
        again = client.access_secret_version(name=f"{NAME}/versions/1").payload
        assert again.data == b"one"


class TestWhich:
    def outcomes(self, server: Emulator, fault: Fault, calls: int = 6) -> str:
        """Which of the calls failed, as in ``..x...``."""
        server.faults.add(fault)
        client, seen = server.client("ci"), ""
        for _ in range(calls):
            try:
                client.get_secret(name=NAME)
                seen += "."
            except Aborted:
                seen += "x"
        return seen

    @pytest.mark.parametrize(
        ("picks", "outcomes"),
        [
            ({}, "xxxxxx"),
            ({"nth": 3}, "..x..."),
            ({"every": 2}, ".x.x.x"),
            ({"method": "GetSecret", "secret": "acme_*", "caller": "ci"}, "xxxxxx"),
            ({"method": "AddSecretVersion"}, "......"),
            ({"secret": "globex_*"}, "......"),
            ({"caller": "someone"}, "......"),
            ({"writes_only": True}, "......"),
        ],
        ids=str,
    )
    def test_calls_are_picked(self, server: Emulator, picks: dict[str, object], outcomes: str) -> None:
        assert self.outcomes(server, Fault("error", status="ABORTED", **picks)) == outcomes

    def test_counting_begins_when_the_rule_is_added(self, server: Emulator) -> None:
        server.client().get_secret(name=NAME)
        assert self.outcomes(server, Fault("error", status="ABORTED", nth=2)) == ".x...."

    def test_writes_alone(self, server: Emulator) -> None:
        server.faults.add(Fault("error", status="ABORTED", writes_only=True))
        server.client().get_secret(name=NAME)
        with pytest.raises(Aborted):
            add(server)


_PUSHER = f"""
import sys
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
import grpc
channel = grpc.insecure_channel(sys.argv[1])
client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
for data in (b"two", b"three", b"four"):
    client.add_secret_version(parent="{NAME}", payload={{"data": data}})
"""


@pytest.mark.parametrize(("number", "after", "left"), [(2, False, 2), (2, True, 3), (9, True, 4)])
def test_a_process_killed_at_a_call(server: Emulator, number: int, after: bool, left: int) -> None:
    """As when a runner is taken away: the call arrived or it did not, and no other follows. Call 9 is the control."""
    pusher = subprocess.Popen([sys.executable, "-c", _PUSHER, server.address])
    server.faults.add(Fault("drop", nth=number, after_commit=after, run=lambda _: pusher.kill()))
    code = pusher.wait(30)
    assert code == (-9 if number == 2 else 0)
    assert len(payloads(server)) == left
    assert server.client().access_secret_version(name=f"{NAME}/versions/latest").payload.data


def test_a_function_of_the_tests_may_read_the_store_in_the_midst_of_a_call(server: Emulator) -> None:
    seen: list[tuple[int, bytes]] = []

    def look(call: Call) -> None:
        reader = server.client("observer")
        seen.append((call.number, reader.access_secret_version(name=f"{NAME}/versions/latest").payload.data))

    for after in (False, True):
        server.faults.add(Fault("none", writes_only=True, after_commit=after, run=look))
    add(server)
    assert seen == [(1, b"one"), (1, b"two")]
