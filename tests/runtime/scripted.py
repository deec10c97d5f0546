"""Upstreams that do on the wire what a script says, call by call, over real sockets; every call is remembered."""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto


class End(Enum):
    """How a connection goes on where a script has said all."""

    CLOSE = auto()
    RESET = auto()
    STALL = auto()
    """Nothing more, until the other side gives up."""


@dataclass(frozen=True, slots=True)
class Drip:
    """Bytes one by one."""

    data: bytes


Step = bytes | Callable[[], bytes] | Drip | End
Script = tuple[Step, ...]
"""The answer to one call, or what gives it when it is due. The connection stays open unless it says otherwise."""


def said(step: Step) -> bytes:
    """The bytes of a step."""
    match step:
        case bytes():
            return step
        case Drip(data):
            return data
        case End():
            return b""
        case _:
            return step()


class Listens(Enum):
    """What an upstream does before it answers."""

    WHOLE = auto()
    """It takes the whole request."""
    HEAD = auto()
    """It answers before the body, and never takes that."""
    NEVER = auto()
    """Its port is closed."""
    FULL = auto()
    """It accepts nobody."""
    DEAF = auto()
    """It accepts, and plays its script at once."""


@dataclass(slots=True)
class Scripted:
    """One upstream; of its calls the last script is repeated."""

    calls: Sequence[Script]
    listens: Listens = Listens.WHOLE
    tls: ssl.SSLContext | None = None
    heads: list[bytes] = field(default_factory=list)
    """Of the requests that it got."""
    port: int = 0
    listener: socket.socket = field(init=False)
    _waiting: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Take a port, and listen unless it shall not."""
        self.listener = socket.socket()
        if self.listens is Listens.HEAD:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        if self.listens is Listens.NEVER:
            return
        self.listener.listen(0 if self.listens is Listens.FULL else 128)
        for _ in range(3 if self.listens is Listens.FULL else 0):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(self.listener.getsockname())
            self._waiting.append(waiting)

    def close(self) -> None:
        """Let go of the port."""
        for each in [self.listener, *self._waiting]:
            each.close()

    def serve(self, connection: socket.socket) -> None:
        """One connection, from beginning to end."""
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while self.listens is Listens.DEAF or self._heard(connection):
                if not _played(connection, self._script()):
                    break
        connection.close()

    def _script(self) -> Script:
        at = max(0, len(self.heads) - 1)
        return self.calls[min(at, len(self.calls) - 1)]

    def _heard(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(1024)):
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        missing = int(found[1]) - len(body) if found and self.listens is Listens.WHOLE else 0
        while missing > 0:
            if not (more := connection.recv(65536)):
                return False
            missing -= len(more)
        with self._lock:
            self.heads.append(head)
        return True


def _played(connection: socket.socket, script: Script) -> bool:
    """Whether the connection is there for another call."""
    for step in script:
        match step:
            case Drip(data):
                for at in range(len(data)):
                    connection.sendall(data[at : at + 1])
            case End.CLOSE:
                return False
            case End.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case End.STALL:
                while connection.recv(65536):
                    pass
                return False
            case _:
                connection.sendall(said(step))
    return True


class Upstreams:
    """Serves any number of scripted upstreams: one thread accepts, one more for each connection."""

    def __init__(self, upstreams: Sequence[Scripted]) -> None:
        self._upstreams = upstreams
        self._selector = selectors.DefaultSelector()
        self._stop, self._stopped = socket.socketpair()
        self._serving: list[threading.Thread] = []

    def __enter__(self) -> Upstreams:
        for each in self._upstreams:
            each.open()
            if each.listens not in (Listens.NEVER, Listens.FULL):
                self._selector.register(each.listener, selectors.EVENT_READ, each)
        self._selector.register(self._stopped, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """To be left once whoever calls them has closed its connections."""
        self._stop.send(b".")
        for each in [self._thread, *self._serving]:
            each.join(30)
        self._selector.close()
        for each in (self._stop, self._stopped, *self._upstreams):
            each.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                connection, _address = key.data.listener.accept()
                self._serving.append(threading.Thread(target=key.data.serve, args=(connection,), daemon=True))
                self._serving[-1].start()
