"""Listening and stopping: one socket, one or more worker processes, uvicorn in each.

A worker ends when its parent does; a parent starts a worker again that died, and stops all of them when told.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

import uvicorn

from llmrouter.app import Router

_BACKLOG = 2048
_KEEP_ALIVE = 620  # longer than the load balancers in front, which must be the first to close
_GRACE = 25  # seconds for running requests once told to stop
_RESTART_PAUSE = 1.0
_STOP = (signal.SIGTERM, signal.SIGINT)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it: no token of a stream waits for the one before to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def run(make: Callable[[], Router], listener: socket.socket, workers: int, ready: Callable[[], None]) -> int:
    """Serve until told to stop; returns the exit code. ``ready`` is called once signals are handled."""
    if workers > 1:
        return _Supervisor(make, listener).run(workers, ready)
    _work(make, listener, ready, _nothing)
    return 0


async def _nothing() -> None:
    """A single process has no parent to watch."""


def _work(
    make: Callable[[], Router],
    listener: socket.socket,
    ready: Callable[[], None],
    tick: Callable[[], Awaitable[None]],
) -> None:
    config = uvicorn.Config(
        make(),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        callback_notify=tick,
        timeout_notify=1,
    )
    server = uvicorn.Server(config)

    def stop(_: int, __: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn takes both over while it runs, then raises them again; here they mean to stop, and exit 0.
    for number in _STOP:
        signal.signal(number, stop)
    ready()
    server.run(sockets=[listener])


@dataclass(slots=True)
class _Supervisor:
    make: Callable[[], Router]
    listener: socket.socket
    children: set[int] = field(default_factory=set)
    stopping: bool = False

    def run(self, workers: int, ready: Callable[[], None]) -> int:
        for number in _STOP:
            signal.signal(number, self._stop)
        for _ in range(workers):
            self._start()
        ready()
        while self.children:
            child, status = os.wait()
            self.children.discard(child)
            if not self.stopping:
                sys.stderr.write(f"llmrouter: a worker died ({status}); starting another\n")
                time.sleep(_RESTART_PAUSE)
                self._start()
        self.listener.close()
        return 0

    def _stop(self, _: int, __: FrameType | None) -> None:
        self.stopping = True
        for child in self.children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def _start(self) -> None:
        # Signals wait while a child is made: it must neither miss one nor act on it as if it were the parent.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        child = 0 if self.stopping else os.fork()
        if child == 0 and not self.stopping:
            self._child()
        self.children |= {child} - {0}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)

    def _child(self) -> NoReturn:
        code, parent = 1, os.getppid()

        async def orphaned() -> None:
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)

        try:
            _work(self.make, self.listener, _unblock, orphaned)
            code = 0
        finally:
            os._exit(code)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
