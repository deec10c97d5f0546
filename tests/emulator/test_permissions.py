"""Who may do what: denied by rule, agreed with by TestIamPermissions, and credentials that come to their end."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import PermissionDenied, Unauthenticated
from tests.emulator.conftest import NAME

from llmcompile_secretmanager_emulator import Emulator

PARENT = "projects/acme-llm-prod"
ADD = "secretmanager.versions.add"
CALLS = {
    "secretmanager.secrets.create": "CreateSecret",
    "secretmanager.secrets.get": "GetSecret",
    "secretmanager.secrets.list": "ListSecrets",
    "secretmanager.secrets.update": "UpdateSecret",
    "secretmanager.secrets.delete": "DeleteSecret",
    "secretmanager.versions.add": "AddSecretVersion",
    "secretmanager.versions.access": "AccessSecretVersion",
    "secretmanager.versions.get": "GetSecretVersion",
    "secretmanager.versions.list": "ListSecretVersions",
    "secretmanager.versions.enable": "EnableSecretVersion",
    "secretmanager.versions.disable": "DisableSecretVersion",
    "secretmanager.versions.destroy": "DestroySecretVersion",
}


def call_all(server: Emulator) -> set[str]:
    """Calls every method once; those that were denied."""
    client, version = server.client("ci"), f"{NAME}/versions/1"
    secret = {"replication": {"automatic": {}}}
    for call in (
        lambda: client.create_secret(parent=PARENT, secret_id="other", secret=secret),
        lambda: client.get_secret(name=NAME),
        lambda: client.list_secrets(parent=PARENT),
        lambda: client.update_secret(request={"secret": {"name": NAME}, "update_mask": {"paths": ["labels"]}}),
        lambda: client.add_secret_version(parent=NAME, payload={"data": b"x"}),
        lambda: client.access_secret_version(name=version),
        lambda: client.get_secret_version(name=version),
        lambda: client.list_secret_versions(parent=NAME),
        lambda: client.disable_secret_version(name=version),
        lambda: client.enable_secret_version(name=version),
        lambda: client.destroy_secret_version(name=version),
        lambda: client.delete_secret(name=NAME),
    ):
        try:
            call()
        except PermissionDenied as error:
            assert "(or it may not exist)." in error.message  # noqa: PT017 (not every call is denied)
    return {call.method for call in server.journal.calls if call.status == "PERMISSION_DENIED"}


@pytest.mark.parametrize("permission", CALLS)
def test_each_call_needs_its_own_permission(server: Emulator, permission: str) -> None:
    server.permissions.deny(permission)
    assert call_all(server) == {CALLS[permission]}


def test_control_all_is_allowed_that_no_rule_denies(server: Emulator) -> None:
    assert call_all(server) == set()
    assert {call.method for call in server.journal.calls} == set(CALLS.values())


def test_the_text_names_permission_and_resource_as_asked(server: Emulator) -> None:
    server.permissions.deny(ADD)
    text = f"Permission '{ADD}' denied for resource '{NAME}' \\(or it may not exist\\)\\."
    with pytest.raises(PermissionDenied, match=text):
        server.client().add_secret_version(parent=NAME, payload={"data": b"x"})
    assert [(call.status, call.committed) for call in server.journal.calls] == [("PERMISSION_DENIED", False)]


def test_a_rule_is_for_a_caller_and_a_secret(server: Emulator) -> None:
    server.put("globex_llm_config", b"one")
    server.permissions.deny("secretmanager.versions.*", secret="acme_*", caller="ci")
    with pytest.raises(PermissionDenied):
        server.client("ci").access_secret_version(name=f"{NAME}/versions/1")
    server.client("admin").access_secret_version(name=f"{NAME}/versions/1")
    server.client("ci").get_secret(name=NAME)
    server.client("ci").access_secret_version(name=f"{PARENT}/secrets/globex_llm_config/versions/1")


def test_permission_comes_before_existence(server: Emulator) -> None:
    server.permissions.deny("secretmanager.versions.access")
    with pytest.raises(PermissionDenied):
        server.client().access_secret_version(name=f"{PARENT}/secrets/missing/versions/1")


def test_an_unknown_project_is_denied(server: Emulator) -> None:
    with pytest.raises(PermissionDenied, match="resource 'projects/elsewhere/secrets/x' "):
        server.client().get_secret(name="projects/elsewhere/secrets/x")


def test_what_is_asked_after_agrees_with_what_is_denied(server: Emulator) -> None:
    server.permissions.deny(ADD, secret="acme_*", caller="ci")
    request = {"resource": NAME, "permissions": [ADD, "secretmanager.versions.access"]}
    assert list(server.client("ci").test_iam_permissions(request).permissions) == ["secretmanager.versions.access"]
    assert list(server.client("admin").test_iam_permissions(request).permissions) == request["permissions"]


def test_credentials_expire_after_so_many_calls(server: Emulator) -> None:
    server.permissions.expire("ci", after=2)
    client = server.client("ci")
    for _ in range(2):
        client.get_secret(name=NAME)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            client.add_secret_version(parent=NAME, payload={"data": b"x"})
    server.client("renewed").add_secret_version(parent=NAME, payload={"data": b"x"})
    assert [call.status for call in server.journal.calls] == ["OK", "OK", "UNAUTHENTICATED", "UNAUTHENTICATED", "OK"]
