"""The client of Secret Manager: the caller's own credentials, or a local server for tests and trials.

Nothing may make the client or gRPC log what they carry: payloads are in it, in base64 at best. gRPC reads its variables
as it is imported, so this comes before anything else of Google's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping

from llmcompile.errors import OutsideError, UsageError

EMULATOR = "SECRET_MANAGER_EMULATOR_HOST"
"""``127.0.0.1:PORT`` of a local server, without credentials or encryption."""
_TALKATIVE = ("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "GRPC_TRACE")


def connect(environment: MutableMapping[str, str]):  # type: ignore[no-untyped-def]
    """A client. Takes the variables that would log payloads out of the environment first.

    Raises ``OutsideError`` where there are no credentials, ``UsageError`` for a local server that is not local.
    """
    for name in _TALKATIVE:
        environment.pop(name, None)

    import grpc
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service import transports

    if address := environment.get(EMULATOR):
        channel = grpc.insecure_channel(_loopback(address), options=[("grpc.max_receive_message_length", -1)])
        return SecretManagerServiceClient(transport=transports.SecretManagerServiceGrpcTransport(channel=channel))
    try:
        return SecretManagerServiceClient()
    except GoogleAuthError as error:
        message = f"no credentials for Google Cloud: {error}".splitlines()[0]
        raise OutsideError(message, "gcloud auth application-default login; in CI see docs/setup.md") from error


def _loopback(address: str) -> str:
    host = address.rpartition(":")[0].strip("[]")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        message = f"{EMULATOR} is no address of this machine, and secrets would go there unencrypted"
        raise UsageError(message, f"set it to 127.0.0.1:PORT, or unset {EMULATOR}")
    return address
