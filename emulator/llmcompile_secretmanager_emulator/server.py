"""The socket: gRPC on loopback, spoken to by the unmodified google-cloud-secret-manager client."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.cloud.secretmanager_v1.types import service as messages
from google.iam.v1 import iam_policy_pb2

from llmcompile_secretmanager_emulator.clock import Clock, SystemClock
from llmcompile_secretmanager_emulator.errors import RefusedError
from llmcompile_secretmanager_emulator.journal import Journal
from llmcompile_secretmanager_emulator.methods import METHODS, Method
from llmcompile_secretmanager_emulator.model import Changes, Secret
from llmcompile_secretmanager_emulator.permissions import ANONYMOUS
from llmcompile_secretmanager_emulator.service import DroppedError, Service

_SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
_FIRST_NUMBER = 123_456_789_012
_THREADS = 32  # calls at once, delayed ones included
_CHANNEL = [
    ("grpc.max_receive_message_length", -1),  # as Google's client: pages may be large
    ("grpc.use_local_subchannel_pool", 1),  # or the channels of one process share a connection
]


class Emulator:
    """A server from ``with`` to its end. ``address`` is HOST:PORT; the parts of its behaviour are its attributes.

    Projects are given by id and numbered from 123456789012. Raises OSError where the port is taken.
    """

    def __init__(
        self,
        project: str = "acme-llm-prod",
        *,
        others: Sequence[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        journal: Path | None = None,
    ) -> None:
        self.project = project
        self.projects: Mapping[str, int] = {
            name: _FIRST_NUMBER + index for index, name in enumerate((project, *others))
        }
        self.number = self.projects[project]
        self.clock: Clock = clock or SystemClock()
        self.journal = Journal(journal)
        self._service = Service(self.projects, self.clock, self.journal)
        self.model = self._service.model
        self.lag = self._service.lag
        self.quotas = self._service.quotas
        self.permissions = self._service.permissions
        self.faults = self._service.faults
        self._channels: list[grpc.Channel] = []
        self._server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_handlers(self._service),))
        self.address = f"{host}:{_bind(self._server, host, port)}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels:
            channel.close()
        self._server.stop(grace=0).wait()

    def client(self, token: str | None = None) -> SecretManagerServiceClient:
        """An unmodified client with a connection of its own; ``token`` is who it says it is."""
        channel = grpc.insecure_channel(self.address, options=_CHANNEL)
        self._channels.append(channel)
        if token is not None:
            channel = grpc.intercept_channel(channel, _Bearer(token))
        return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))

    def put(
        self,
        secret_id: str,
        *payloads: bytes,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Secret:
        """Sets the stage: adds versions past the journal and all rules but the model's, creating the secret if need be.

        Labels and annotations, where given, replace those it had.
        """
        with self._service.staging():
            if self.secret(secret_id) is None:
                self.model.create(self.number, secret_id, (), Changes())
            self.model.update(self.number, secret_id, Changes(labels, annotations), etag="")
            for payload in payloads:
                self.model.add(self.number, secret_id, payload, None)
            return self.model.state[self.number, secret_id]

    def secret(self, secret_id: str) -> Secret | None:
        """The true present state of a secret of the first project, whatever lags."""
        return self.model.state.get((self.number, secret_id))


class _Bearer(grpc.UnaryUnaryClientInterceptor):
    """Sends the token with every call: insecure channels take no call credentials."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), self._header]
        return continuation(details._replace(metadata=metadata), request)


def _bind(server: grpc.Server, host: str, port: int) -> int:
    try:
        return int(server.add_insecure_port(f"{host}:{port}"))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {host}:{port}") from error


def _handlers(service: Service) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        _SERVICE, {method.name: _handler(service, method) for method in METHODS}
    )


def _handler(service: Service, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return service.answer(method, request, _caller(context))
        except RefusedError as refused:
            return context.abort(grpc.StatusCode[refused.status], refused.message)
        except DroppedError:
            return _cut(context)

    kind = getattr(messages, f"{method.name}Request", iam_policy_pb2.TestIamPermissionsRequest)
    read = kind.deserialize if hasattr(kind, "deserialize") else kind.FromString
    return grpc.unary_unary_rpc_method_handler(handle, read, _serialize)


def _serialize(reply: Any) -> bytes:
    """Most messages are wrapped by proto-plus, those of IAM and Empty are not."""
    kind = type(reply)
    return bytes(kind.serialize(reply) if hasattr(kind, "serialize") else reply.SerializeToString())


def _caller(context: grpc.ServicerContext) -> str:
    header = dict(context.invocation_metadata()).get("authorization", "")
    return str(header).removeprefix("Bearer ") or ANONYMOUS


def _cut(context: grpc.ServicerContext) -> None:
    """Shuts the very socket that the call came on, and with it the other calls on it, as a lost connection does."""
    port = int(context.peer().rpartition(":")[2])
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the listing names descriptors that are closed by now, its own among them
            if stat.S_ISSOCK(entry.stat().st_mode):
                _shut_if_from(port, int(entry.name))
    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")


def _shut_if_from(port: int, descriptor: int) -> None:
    """The client's end may be in this process too; it has the port as its own, not as its peer's."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.getpeername()[1:2] == (port,):
            connection.shutdown(socket.SHUT_RDWR)
