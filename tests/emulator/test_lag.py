"""What lagging reads see, and what never lags. Every test has its control: the same reads without lag are fresh."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from tests.emulator.conftest import NAME

from llmcompile_secretmanager_emulator import Emulator

PARENT = "projects/acme-llm-prod"


def _latest(client: SecretManagerServiceClient) -> str:
    return client.access_secret_version(name=f"{NAME}/versions/latest").payload.data.decode()


def _alias(client: SecretManagerServiceClient) -> str:
    return client.access_secret_version(name=f"{NAME}/versions/live").payload.data.decode()


def _metadata_latest(client: SecretManagerServiceClient) -> str:
    return client.get_secret_version(name=f"{NAME}/versions/latest").name.rpartition("/")[2]


def _listed_versions(client: SecretManagerServiceClient) -> int:
    return len(list(client.list_secret_versions(parent=NAME)))


def _label(client: SecretManagerServiceClient) -> str:
    return client.get_secret(name=NAME).labels["n"]


def _listed_secrets(client: SecretManagerServiceClient) -> int:
    return len(list(client.list_secrets(parent=PARENT)))


READS: list[tuple[Callable[[SecretManagerServiceClient], object], object, object]] = [
    (_latest, "one", "two"),
    (_alias, "one", "two"),
    (_metadata_latest, "1", "2"),
    (_listed_versions, 1, 2),
    (_label, "old", "new"),
    (_listed_secrets, 1, 2),
]


def change(server: Emulator) -> None:
    """Four writes, calls 1 to 4."""
    client = server.client()
    client.add_secret_version(parent=NAME, payload={"data": b"two"})
    secret = {"name": NAME, "labels": {"n": "new"}, "version_aliases": {"live": 2}}
    client.update_secret(request={"secret": secret, "update_mask": {"paths": ["labels", "version_aliases"]}})
    client.create_secret(parent=PARENT, secret_id="globex_llm_config", secret={"replication": {"automatic": {}}})
    client.add_secret_version(parent=f"{PARENT}/secrets/globex_llm_config", payload={"data": b"g"})


@pytest.fixture
def staged(server: Emulator) -> Emulator:
    server.put("acme_llm_config", labels={"n": "old"})
    secret = {"name": NAME, "version_aliases": {"live": 1}}
    server.client().update_secret(request={"secret": secret, "update_mask": {"paths": ["version_aliases"]}})
    server.lag.settle()
    return server


@pytest.mark.parametrize(("read", "old", "new"), READS, ids=lambda value: getattr(value, "__name__", ""))
class TestReads:
    def test_control_without_lag_they_are_fresh(
        self, staged: Emulator, read: Callable[[SecretManagerServiceClient], object], old: object, new: object
    ) -> None:
        client = staged.client()
        assert read(client) == old
        change(staged)
        assert read(client) == new

    def test_after_so_many_calls_they_are_fresh(
        self, staged: Emulator, read: Callable[[SecretManagerServiceClient], object], old: object, new: object
    ) -> None:
        staged.lag.set(calls=10)
        change(staged)
        client = staged.client()
        seen = [read(client) for _ in range(11)]
        assert seen[0] == old
        assert seen[-1] == new
        assert seen.index(new) >= 7, "the writes were calls 2 to 5, each shows after ten more"

    def test_after_so_many_seconds_they_are_fresh(
        self, staged: Emulator, read: Callable[[SecretManagerServiceClient], object], old: object, new: object
    ) -> None:
        staged.lag.set(seconds=60)
        change(staged)
        client = staged.client()
        assert read(client) == old
        staged.clock.sleep(59)
        assert read(client) == old
        staged.clock.sleep(1)
        assert read(client) == new


def test_access_by_number_and_the_etag_check_never_lag(staged: Emulator) -> None:
    client = staged.client()
    old = client.get_secret(name=NAME)
    staged.lag.set(calls=1000)
    change(staged)
    assert client.access_secret_version(name=f"{NAME}/versions/2").payload.data == b"two"
    lagging = client.get_secret(name=NAME)
    assert lagging.etag == old.etag
    with pytest.raises(FailedPrecondition):
        client.update_secret(request={"secret": lagging, "update_mask": {"paths": ["labels"]}})


def test_a_new_secret_is_unknown_to_lagging_reads_and_known_to_writes(server: Emulator) -> None:
    server.lag.set(calls=1000)
    change(server)
    client, name = server.client(), f"{PARENT}/secrets/globex_llm_config"
    for read in (lambda: client.get_secret(name=name), lambda: list(client.list_secret_versions(parent=name))):
        with pytest.raises(NotFound):
            read()
    assert client.access_secret_version(name=f"{name}/versions/1").payload.data == b"g"
    assert client.add_secret_version(parent=name, payload={"data": b"h"}).name.endswith("/versions/2")


def test_with_a_seed_a_read_may_see_less_than_the_one_before(server: Emulator) -> None:
    def seen(seed: int | None) -> list[str]:
        server.lag.set(calls=8, seed=seed)
        client = server.client()
        client.add_secret_version(parent=NAME, payload={"data": b"x"})
        numbers = [_metadata_latest(client) for _ in range(9)]
        server.lag.settle()
        return numbers

    drawn, steady = seen(1), seen(None)
    assert drawn != sorted(drawn)
    assert steady == sorted(steady), "the control goes only forward"


def test_settled_it_shows_at_once(server: Emulator) -> None:
    server.lag.set(calls=1000)
    change(server)
    assert _latest(server.client()) == "one"
    server.lag.settle()
    assert _latest(server.client()) == "two"


def test_what_is_staged_shows_at_once(server: Emulator) -> None:
    server.lag.set(calls=1000)
    server.put("acme_llm_config", b"two")
    assert _latest(server.client()) == "two"
