"""The journal under concurrency and failure, and what the server refuses because it does not model it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition, InvalidArgument, MethodNotImplemented
from tests.emulator.conftest import NAME

from llmcompile_secretmanager_emulator import Emulator

PARENT = "projects/acme-llm-prod"


def test_calls_at_once_are_each_numbered_and_committed_whole(server: Emulator) -> None:
    clients = [server.client(f"caller-{n}") for n in range(4)]

    def add(n: int) -> str:
        return clients[n % 4].add_secret_version(parent=NAME, payload={"data": str(n).encode()}).name

    with ThreadPoolExecutor(16) as pool:
        names = list(pool.map(add, range(200)))
    assert {int(name.rpartition("/")[2]) for name in names} == set(range(2, 202))
    calls = server.journal.of("AddSecretVersion")
    assert [call.number for call in calls] == list(range(1, 201))
    assert {call.caller for call in calls} == {f"caller-{n}" for n in range(4)}
    secret = server.secret("acme_llm_config")
    assert secret is not None
    for n, name in enumerate(names):
        assert secret.versions[int(name.rpartition("/")[2]) - 1].payload == str(n).encode()


def test_of_two_that_hold_one_etag_one_wins(server: Emulator) -> None:
    secret = server.client().get_secret(name=NAME)
    clients = [server.client(str(n)) for n in range(8)]

    def claim(n: int) -> bool:
        request = {
            "secret": {"name": NAME, "etag": secret.etag, "annotations": {"by": str(n)}},
            "update_mask": {"paths": ["annotations"]},
        }
        try:
            clients[n].update_secret(request=request)
        except FailedPrecondition:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(8)))
    assert sum(won) == 1
    present = server.secret("acme_llm_config")
    assert present is not None
    assert present.annotations == {"by": str(won.index(True))}
    assert sum(call.committed for call in server.journal.writes) == 1


def test_a_call_that_names_nothing_is_numbered_too(server: Emulator) -> None:
    with pytest.raises(InvalidArgument):
        server.client().get_secret(name="nonsense")
    server.client().get_secret(name=NAME)
    assert [(call.number, call.secret, call.status) for call in server.journal.calls] == [
        (1, "", "INVALID_ARGUMENT"),
        (2, "acme_llm_config", "OK"),
    ]


def test_forgotten_calls_leave_their_numbers_behind(server: Emulator) -> None:
    server.client().get_secret(name=NAME)
    server.journal.clear()
    server.client().get_secret(name=NAME)
    assert [call.number for call in server.journal.calls] == [2]


def test_no_payload_is_in_it(server: Emulator) -> None:
    server.client().add_secret_version(parent=NAME, payload={"data": b"sk-canary-0001"})
    server.client().access_secret_version(name=f"{NAME}/versions/latest")
    assert [call.size for call in server.journal.calls] == [14, 14]
    assert "canary" not in repr(server.journal.calls)
    assert "canary" not in repr(server.secret("acme_llm_config"))


_KEY = {"kms_key_name": "projects/p/locations/global/keyRings/r/cryptoKeys/k"}


@pytest.mark.parametrize(
    "fields",
    [
        {"ttl": {"seconds": 60}},
        {"topics": [{"name": "projects/p/topics/t"}]},
        {"rotation": {"rotation_period": {"seconds": 3600}}},
        {"version_destroy_ttl": {"seconds": 86400}},
        {"tags": {"123/environment": "production"}},
        {"replication": {"automatic": {"customer_managed_encryption": _KEY}}},
        {"replication": {"user_managed": {"replicas": [{"location": "l", "customer_managed_encryption": _KEY}]}}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_not_modelled_is_refused_and_not_dropped(server: Emulator, fields: dict[str, Any]) -> None:
    secret = {"replication": {"automatic": {}}, **fields}
    with pytest.raises(MethodNotImplemented, match="does not model"):
        server.client().create_secret(parent=PARENT, secret_id="other", secret=secret)
    assert server.secret("other") is None


def test_nor_are_regional_secrets_policies_and_other_updates(server: Emulator) -> None:
    client = server.client()
    for call in (
        lambda: client.get_secret(name="projects/acme-llm-prod/locations/europe-west1/secrets/x"),
        lambda: client.get_iam_policy({"resource": NAME}),
        lambda: client.update_secret(request={"secret": {"name": NAME}, "update_mask": {"paths": ["topics"]}}),
    ):
        with pytest.raises(MethodNotImplemented):
            call()
