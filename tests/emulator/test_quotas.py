"""The documented quotas on a virtual clock: how many pass at once, and how many after a while."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress

import pytest
from google.api_core.exceptions import NotFound, ResourceExhausted
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from tests.emulator.conftest import NAME

from llmcompile_secretmanager_emulator import Emulator, VirtualClock

PARENT = "projects/acme-llm-prod"
_NUMBERS = itertools.count()


@pytest.fixture
def limited(server: Emulator) -> Emulator:
    server.quotas.enabled = True
    return server


def passed(call: Callable[[], object], most: int) -> int:
    """How many calls pass before the first is refused."""
    for count in range(most):
        try:
            call()
        except ResourceExhausted:
            return count
    return most


def _read(client: SecretManagerServiceClient) -> object:
    return client.get_secret(name=NAME)


def _missing(client: SecretManagerServiceClient) -> object:
    """A write that fails for another reason counts too; each of another secret, whose own quota is not in the way."""
    with suppress(NotFound):
        client.add_secret_version(parent=f"{PARENT}/secrets/missing-{next(_NUMBERS)}", payload={"data": b"x"})
    return None


def _add(client: SecretManagerServiceClient) -> object:
    return client.add_secret_version(parent=NAME, payload={"data": b"x"})


def _update(client: SecretManagerServiceClient) -> object:
    return client.update_secret(request={"secret": {"name": NAME}, "update_mask": {"paths": ["labels"]}})


def _disable(client: SecretManagerServiceClient) -> object:
    return client.disable_secret_version(name=f"{NAME}/versions/1")


@pytest.mark.parametrize(
    ("call", "at_once", "wait", "after"),
    [(_read, 600, 1.0, 10), (_missing, 600, 1.0, 10), (_add, 2, 0.5, 1), (_update, 2, 1.0, 2), (_disable, 1, 1.0, 1)],
)
def test_so_many_pass(
    limited: Emulator, call: Callable[[SecretManagerServiceClient], object], at_once: int, wait: float, after: int
) -> None:
    client = limited.client()
    assert passed(lambda: call(client), at_once + 5) == at_once
    limited.clock.sleep(wait)
    assert passed(lambda: call(client), after + 5) == after


def test_control_switched_off_they_all_pass(server: Emulator) -> None:
    client = server.client()
    assert passed(lambda: _add(client), 20) == 20
    assert passed(lambda: _read(client), 700) == 700


def test_the_error_names_metric_and_project(limited: Emulator) -> None:
    client = limited.client()
    text = (
        r"Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' "
        r"of service 'secretmanager.googleapis.com' for consumer 'project_number:123456789012'\."
    )
    assert passed(lambda: _read(client), 600) == 600
    with pytest.raises(ResourceExhausted, match=text):
        _read(client)
    assert limited.journal.calls[-1].status == "RESOURCE_EXHAUSTED"


def test_reads_writes_accesses_and_projects_have_each_their_own() -> None:
    with Emulator(others=["other"], clock=VirtualClock()) as server:
        server.put("acme_llm_config", b"one")
        server.quotas.enabled = True
        client = server.client()
        assert passed(lambda: _read(client), 700) == 600
        with pytest.raises(ResourceExhausted):
            list(client.list_secrets(parent=PARENT))
        _add(client)
        client.access_secret_version(name=f"{NAME}/versions/1")
        list(client.list_secrets(parent="projects/other"))


def test_a_refused_write_spends_no_token_of_the_project(limited: Emulator) -> None:
    client = limited.client()
    assert passed(lambda: _add(client), 5) == 2
    for _ in range(700):
        with pytest.raises(ResourceExhausted):
            _add(client)
    assert passed(lambda: _missing(client), 700) == 598
