"""Between the model's values and the API's messages; nothing here decides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from google.cloud.secretmanager_v1.types import resources, service

from llmcompile_secretmanager_emulator.errors import invalid, not_modelled
from llmcompile_secretmanager_emulator.model import Changes, Secret, Version
from llmcompile_secretmanager_emulator.names import version_name
from llmcompile_secretmanager_emulator.reads import Page

_CREATE_FIELDS = {"name", "replication", "labels", "annotations", "version_aliases", "etag", "create_time"}
_UPDATE_FIELDS = {"labels", "annotations", "version_aliases"}


def secret_message(secret: Secret) -> resources.Secret:
    return resources.Secret(
        name=secret.name,
        replication=_replication(secret.replicas),
        create_time=_time(secret.created),
        labels=dict(secret.labels),
        annotations=dict(secret.annotations),
        version_aliases=dict(secret.aliases),
        etag=secret.etag,
    )


def version_message(
    project: int, secret_id: str, replicas: tuple[str, ...], version: Version
) -> resources.SecretVersion:
    return resources.SecretVersion(
        name=version_name(project, secret_id, version.number),
        create_time=_time(version.created),
        destroy_time=None if version.destroyed is None else _time(version.destroyed),
        state=getattr(resources.SecretVersion.State, version.state),
        replication_status=_replication(replicas),
        etag=version.etag,
        client_specified_payload_checksum=version.client_checksum,
    )


def secrets_message(page: Page[Secret]) -> service.ListSecretsResponse:
    return service.ListSecretsResponse(
        secrets=[secret_message(secret) for secret in page.items], next_page_token=page.token, total_size=page.total
    )


def versions_message(secret: Secret, page: Page[Version]) -> service.ListSecretVersionsResponse:
    return service.ListSecretVersionsResponse(
        versions=[version_message(secret.project, secret.id, secret.replicas, version) for version in page.items],
        next_page_token=page.token,
        total_size=page.total,
    )


def replicas_to_create(secret: resources.Secret) -> tuple[str, ...]:
    """Locations, none for automatic replication. Raises RefusedError: global secrets must say which (?: the text)."""
    unknown = {field.name for field, _ in resources.Secret.pb(secret).ListFields()} - _CREATE_FIELDS
    if unknown:
        raise not_modelled(f"the fields {', '.join(sorted(unknown))} of a secret")
    if "automatic" in secret.replication:
        _no_encryption(secret.replication.automatic)
        return ()
    if not secret.replication.user_managed.replicas:
        raise invalid("Field [secret.replication] is required.")
    for replica in secret.replication.user_managed.replicas:
        _no_encryption(replica)
    return tuple(replica.location for replica in secret.replication.user_managed.replicas)


def changes_to_create(secret: resources.Secret) -> Changes:
    return Changes(dict(secret.labels), dict(secret.annotations), dict(secret.version_aliases))


def changes_to_update(secret: resources.Secret, paths: Iterable[str]) -> Changes:
    """Whole fields only (?: that `labels.one` is refused). Raises RefusedError."""
    asked = set(paths)
    if not asked:
        raise invalid("Field [update_mask] is required.")
    for path in sorted(asked - _UPDATE_FIELDS):
        if path in resources.Secret.meta.fields and path not in _CREATE_FIELDS:
            raise not_modelled(f"an update of {path}")
        raise invalid(f"Update mask path [{path}] is not valid.")
    return Changes(
        labels=dict(secret.labels) if "labels" in asked else None,
        annotations=dict(secret.annotations) if "annotations" in asked else None,
        aliases=dict(secret.version_aliases) if "version_aliases" in asked else None,
    )


def _no_encryption(holder: Any) -> None:
    if "customer_managed_encryption" in holder:
        raise not_modelled("customer-managed encryption")


def _replication(replicas: tuple[str, ...]) -> dict[str, Any]:
    """Serves Replication and ReplicationStatus: both have these two shapes."""
    if replicas:
        return {"user_managed": {"replicas": [{"location": location} for location in replicas]}}
    return {"automatic": {}}


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
