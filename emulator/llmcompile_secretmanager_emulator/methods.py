"""The methods of the API: for each its messages, the permission and quota it needs, and what it does to the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.cloud.secretmanager_v1.types import service
from google.iam.v1 import iam_policy_pb2
from google.protobuf import empty_pb2  # type: ignore[import-untyped]

from llmcompile_secretmanager_emulator import messages, reads
from llmcompile_secretmanager_emulator.model import Model, Secret, Snapshot, State
from llmcompile_secretmanager_emulator.names import version_name
from llmcompile_secretmanager_emulator.quotas import Kind


@dataclass(frozen=True, slots=True)
class Turn:
    """What a method works on. ``seen`` is the state that lagging reads see, ``allows`` asks after a permission."""

    model: Model
    seen: Snapshot
    project: int
    secret: str
    version: str
    allows: Callable[[str], bool]

    def version_reply(self, version: Any) -> Any:
        replicas = self.model.state[self.project, self.secret].replicas
        return messages.version_message(self.project, self.secret, replicas, version)


@dataclass(frozen=True, slots=True)
class Method:
    """``permission`` is empty where none is needed; ``field`` is where the request names its resource.

    ``depth`` is how deep that name must go (see ``Asked``).
    """

    name: str
    permission: str
    kind: Kind
    field: str
    depth: int
    run: Callable[[Turn, Any], Any]


def _create(turn: Turn, request: service.CreateSecretRequest) -> Any:
    replicas = messages.replicas_to_create(request.secret)
    changes = messages.changes_to_create(request.secret)
    return messages.secret_message(turn.model.create(turn.project, request.secret_id, replicas, changes))


def _get(turn: Turn, _: Any) -> Any:
    return messages.secret_message(reads.get_secret(turn.seen, turn.project, turn.secret))


def _list(turn: Turn, request: service.ListSecretsRequest) -> Any:
    page = reads.list_secrets(turn.seen, turn.project, request.filter, request.page_size, request.page_token)
    return messages.secrets_message(page)


def _update(turn: Turn, request: service.UpdateSecretRequest) -> Any:
    changes = messages.changes_to_update(request.secret, request.update_mask.paths)
    return messages.secret_message(turn.model.update(turn.project, turn.secret, changes, request.secret.etag))


def _delete(turn: Turn, request: service.DeleteSecretRequest) -> Any:
    turn.model.delete(turn.project, turn.secret, request.etag)
    return empty_pb2.Empty()


def _add(turn: Turn, request: service.AddSecretVersionRequest) -> Any:
    data = request.payload.data if "payload" in request else None
    checksum = request.payload.data_crc32c if "data_crc32c" in request.payload else None
    return turn.version_reply(turn.model.add(turn.project, turn.secret, data, checksum))


def _access(turn: Turn, _: Any) -> Any:
    by_number = turn.version.isdigit()
    snapshot = turn.model.state if by_number else turn.seen
    version, data = reads.access(snapshot, turn.project, turn.secret, turn.version)
    name = version_name(turn.project, turn.secret, version.number)
    return service.AccessSecretVersionResponse(name=name, payload={"data": data, "data_crc32c": version.checksum})


def _get_version(turn: Turn, _: Any) -> Any:
    version = reads.get_version(turn.seen, turn.project, turn.secret, turn.version)
    replicas = turn.seen[turn.project, turn.secret].replicas
    return messages.version_message(turn.project, turn.secret, replicas, version)


def _list_versions(turn: Turn, request: service.ListSecretVersionsRequest) -> Any:
    secret: Secret = reads.get_secret(turn.seen, turn.project, turn.secret)
    page = reads.list_versions(secret, request.filter, request.page_size, request.page_token)
    return messages.versions_message(secret, page)


def _test_permissions(turn: Turn, request: iam_policy_pb2.TestIamPermissionsRequest) -> Any:
    """Of those asked for, the ones that the caller has; none where there is no such secret."""
    exists = (turn.project, turn.secret) in turn.model.state
    granted = [permission for permission in request.permissions if exists and turn.allows(permission)]
    return iam_policy_pb2.TestIamPermissionsResponse(permissions=granted)


def _to(state: State) -> Callable[[Turn, Any], Any]:
    def run(turn: Turn, request: Any) -> Any:
        version = turn.model.set_state(turn.project, turn.secret, turn.version, state, request.etag)
        return turn.version_reply(version)

    return run


METHODS = [
    Method("CreateSecret", "secretmanager.secrets.create", "write", "parent", 0, _create),
    Method("GetSecret", "secretmanager.secrets.get", "read", "name", 1, _get),
    Method("ListSecrets", "secretmanager.secrets.list", "read", "parent", 0, _list),
    Method("UpdateSecret", "secretmanager.secrets.update", "write", "secret.name", 1, _update),
    Method("DeleteSecret", "secretmanager.secrets.delete", "write", "name", 1, _delete),
    Method("AddSecretVersion", "secretmanager.versions.add", "write", "parent", 1, _add),
    Method("AccessSecretVersion", "secretmanager.versions.access", "access", "name", 2, _access),
    Method("GetSecretVersion", "secretmanager.versions.get", "read", "name", 2, _get_version),
    Method("ListSecretVersions", "secretmanager.versions.list", "read", "parent", 1, _list_versions),
    Method("EnableSecretVersion", "secretmanager.versions.enable", "write", "name", 2, _to("ENABLED")),
    Method("DisableSecretVersion", "secretmanager.versions.disable", "write", "name", 2, _to("DISABLED")),
    Method("DestroySecretVersion", "secretmanager.versions.destroy", "write", "name", 2, _to("DESTROYED")),
    Method("TestIamPermissions", "", "read", "resource", 1, _test_permissions),
]
