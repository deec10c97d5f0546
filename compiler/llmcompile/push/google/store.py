"""The ``gcpsecrets://`` store: the store port over the client, one project. Names by number are never compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import google_crc32c
from google.api_core import exceptions as api
from google.cloud import secretmanager_v1 as sm
from google.iam.v1 import iam_policy_pb2

from llmcompile.errors import OutsideError
from llmcompile.push.google.calls import Calls, ChecksumError, NotFoundError, NotReadableError
from llmcompile.push.ownership import LABELS
from llmcompile.push.store import ConflictError, Held, State, Version, VersionInfo

_PAGE = 25_000
_RIGHTS = ("secrets.get", "secrets.update", "versions.access", "versions.add", "versions.get", "versions.list")
_PREFIX = "secretmanager."
_CHECKSUM = re.compile("checksum|crc32c", re.IGNORECASE)
"""In the text of an invalid argument: the payload changed on its way."""


@dataclass(frozen=True, slots=True)
class GoogleStore:
    """The secrets of one project."""

    client: sm.SecretManagerServiceClient
    project: str
    calls: Calls

    def secrets(self) -> Iterable[Held]:
        """All of them: one call for 25,000."""
        token = ""
        while True:
            request = sm.ListSecretsRequest(parent=self._parent, page_size=_PAGE, page_token=token)
            page = self._read(f"list the secrets of {self.project}", self.client.list_secrets, request)
            yield from (_held(each) for each in page.secrets)
            if not (token := page.next_page_token):
                return

    def held(self, secret: str) -> Held | None:
        """One secret."""
        try:
            request = sm.GetSecretRequest(name=self._name(secret))
            return _held(self._read(f"read secret {secret}", self.client.get_secret, request))
        except NotFoundError:
            return None

    def read(self, secret: str, number: int) -> Version | None:
        """A version by its number."""
        try:
            return access(self.client, self.calls, self._name(secret), str(number))
        except NotFoundError:
            return None

    def versions(self, secret: str) -> Sequence[VersionInfo]:
        """All versions, newest first."""
        found: list[VersionInfo] = []
        token = ""
        while True:
            request = sm.ListSecretVersionsRequest(parent=self._name(secret), page_size=_PAGE, page_token=token)
            try:
                page = self._read(f"list the versions of {secret}", self.client.list_secret_versions, request)
            except NotFoundError:
                return found
            found += [VersionInfo(_number(each.name), _state(each.state), each.create_time) for each in page.versions]
            if not (token := page.next_page_token):
                return found

    def latest(self, secret: str) -> int | None:
        """What ``latest`` is now, where it can be read."""
        request = sm.GetSecretVersionRequest(name=f"{self._name(secret)}/versions/latest")
        try:
            found = self._read(f"read the latest version of {secret}", self.client.get_secret_version, request)
        except NotFoundError:
            return None
        return _number(found.name) if _state(found.state) == "enabled" else None

    def lacking(self, secret: str, *, exists: bool) -> Sequence[str]:
        """Asks for the rights on a secret that exists.

        Nobody can be asked about one that does not: there, two calls are made that could never be carried out, one
        without a replication and one without a payload. They fail as denied, or for what they lack.
        """
        name = self._name(secret)
        if exists:
            asked = [_PREFIX + each for each in _RIGHTS]
            question = iam_policy_pb2.TestIamPermissionsRequest(resource=name, permissions=asked)
            rights = self._read(f"ask for the rights on {secret}", self.client.test_iam_permissions, question)
            return [each for each in asked if each not in rights.permissions]
        create = sm.CreateSecretRequest(parent=self._parent, secret_id=secret, secret=sm.Secret())
        add = sm.AddSecretVersionRequest(parent=name)
        probes = {
            "secrets.create": partial(self.client.create_secret, create),
            "versions.add": partial(self.client.add_secret_version, add),
        }
        return [_PREFIX + right for right, probe in probes.items() if self._denied(secret, probe)]

    def _denied(self, secret: str, probe: Callable[..., Any]) -> bool:
        try:
            self.calls.write(f"ask for the rights on {secret}", secret, probe)
        except (NotFoundError, NotReadableError, ConflictError):
            return False
        except OutsideError as error:
            if isinstance(error.__cause__, api.PermissionDenied):
                return True
            if not isinstance(error.__cause__, api.InvalidArgument):
                raise
        return False

    def create(self, secret: str, annotations: Mapping[str, str]) -> Held:
        """Make an empty secret, replicated as Google sees fit."""
        automatic = sm.Replication(automatic=sm.Replication.Automatic())
        new = sm.Secret(replication=automatic, labels=dict(LABELS), annotations=dict(annotations))
        request = sm.CreateSecretRequest(parent=self._parent, secret_id=secret, secret=new)
        return _held(self.calls.write(f"create secret {secret}", secret, partial(self.client.create_secret, request)))

    def update(self, held: Held, annotations: Mapping[str, str]) -> Held:
        """Change a secret that still has this etag."""
        changed = sm.Secret(
            name=self._name(held.secret),
            labels={**held.labels, **LABELS},
            annotations=dict(annotations),
            etag=held.etag,
        )
        request = sm.UpdateSecretRequest(secret=changed, update_mask={"paths": ["labels", "annotations"]})
        call = partial(self.client.update_secret, request)
        try:
            return _held(self.calls.write(f"update secret {held.secret}", held.secret, call))
        except NotReadableError as error:  # a failed precondition: the etag
            raise ConflictError(str(error)) from error

    def add(self, secret: str, payload: bytes) -> int:
        """Add a version whose payload is checked on its way."""
        data = sm.SecretPayload(data=payload, data_crc32c=google_crc32c.value(payload))
        request = sm.AddSecretVersionRequest(parent=self._name(secret), payload=data)

        def checked(**options: Any) -> sm.SecretVersion:
            try:
                return self.client.add_secret_version(request, **options)
            except api.InvalidArgument as error:
                if _CHECKSUM.search(error.message):
                    raise ChecksumError("what arrived there does not have the checksum that was sent") from error
                raise

        added = self.calls.write(f"add a version to {secret}", secret, checked)
        if not added.client_specified_payload_checksum:
            message = f"the checksum of version {_number(added.name)} of {secret} was not checked"
            raise OutsideError(message, "run it again: it reads the version, and compares")
        return _number(added.name)

    def enable(self, secret: str, number: int) -> None:
        """Make a version readable."""
        request = sm.EnableSecretVersionRequest(name=self._version(secret, number))
        self._state_change("enable", secret, number, partial(self.client.enable_secret_version, request))

    def disable(self, secret: str, number: int) -> None:
        """Make a version unreadable."""
        request = sm.DisableSecretVersionRequest(name=self._version(secret, number))
        self._state_change("disable", secret, number, partial(self.client.disable_secret_version, request))

    def destroy(self, secret: str, number: int) -> None:
        """Destroy a version."""
        request = sm.DestroySecretVersionRequest(name=self._version(secret, number))
        self._state_change("destroy", secret, number, partial(self.client.destroy_secret_version, request))

    def _state_change(self, verb: str, secret: str, number: int, call: Callable[..., Any]) -> None:
        self.calls.write(f"{verb} version {number} of {secret}", secret, call)

    def _read(self, what: str, call: Callable[..., Any], request: Any) -> Any:
        return self.calls.read(what, partial(call, request))

    @property
    def _parent(self) -> str:
        return f"projects/{self.project}"

    def _name(self, secret: str) -> str:
        return f"{self._parent}/secrets/{secret}"

    def _version(self, secret: str, number: int) -> str:
        return f"{self._name(secret)}/versions/{number}"


def access(client: sm.SecretManagerServiceClient, calls: Calls, name: str, version: str) -> Version:
    """A version's payload, checked on its way. ``version`` is a number or ``latest``.

    Raises ``NotFoundError``; a version that is not enabled has no payload.
    """

    def checked(**options: Any) -> Version:
        answer = client.access_secret_version(
            sm.AccessSecretVersionRequest(name=f"{name}/versions/{version}"), **options
        )
        payload = answer.payload
        if "data_crc32c" not in payload:  # those made before July 2021 under a key of the customer's have none
            message = f"version {version} of {_last(name)} has no checksum: nobody can tell whether it arrived whole"
            raise OutsideError(message, "add its value as a new version")
        if google_crc32c.value(payload.data) != payload.data_crc32c:
            raise ChecksumError("what arrived does not have the checksum that was sent")
        return Version(_number(answer.name), payload.data)

    try:
        return calls.access(f"read version {version} of {_last(name)}", checked)
    except NotReadableError as error:
        state: State = "destroyed" if "is in DESTROYED state" in str(error) else "disabled"
        return Version(int(version) if version.isdecimal() else 0, None, state)


def _held(secret: sm.Secret) -> Held:
    aliased = frozenset(secret.version_aliases.values())
    return Held(_last(secret.name), dict(secret.labels), dict(secret.annotations), secret.etag, aliased)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _number(name: str) -> int:
    return int(_last(name))


def _state(state: sm.SecretVersion.State) -> State:
    names: dict[str, State] = {"ENABLED": "enabled", "DISABLED": "disabled"}
    return names.get(state.name, "destroyed")
