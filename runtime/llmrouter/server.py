"""Listening and stopping: one socket, one or more worker processes, an event loop in each.

A worker ends when its parent does; a parent starts a worker again that died, and stops all of them when told.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

import uvloop

from llmrouter import tracing
from llmrouter.app import Router, Settings
from llmrouter.inbound import Connection, HttpServer
from llmrouter.outbound import HttpUpstream
from llmrouter.outbox import Outbox
from llmrouter.record import Lines
from llmrouter.reload import Live

_BACKLOG = 2048
_GRACE = 25  # seconds for running requests once told to stop
_SPANS_GRACE = 3.0  # seconds more for spans that are not sent yet
_RESTART_PAUSE = 1.0
_TICK = 0.5
_STOP = (signal.SIGTERM, signal.SIGINT)
_BLOCKED = (*_STOP, signal.SIGHUP)


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


def run(settings: Settings, live: Live, listener: socket.socket, workers: int, ready: Callable[[], None]) -> int:
    """Serve until told to stop; returns the exit code. ``ready`` is called once signals are handled."""

    def work(ready: Callable[[], None], orphaned: Callable[[], bool]) -> None:
        uvloop.run(_serve(settings, live, listener, ready, orphaned))

    if workers > 1:
        return _Supervisor(work, listener).run(workers, ready)
    work(ready, lambda: False)
    return 0


async def _serve(
    settings: Settings,
    live: Live,
    listener: socket.socket,
    ready: Callable[[], None],
    orphaned: Callable[[], bool],
) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in _STOP:
        loop.add_signal_handler(number, told.set)
    loop.add_signal_handler(signal.SIGHUP, live.ask)
    outbox, lines = Outbox(), Lines(sys.stdout.fileno())
    upstream = HttpUpstream(outbox)
    traced = tracing.start(os.environ, lambda line: sys.stderr.write(f"llmrouter: {line}\n"))
    router = Router(live.snapshot, upstream, settings, lines.write, live.told, traced)
    server = HttpServer(router, outbox)
    server.tick()
    listening = await loop.create_server(lambda: Connection(server), sock=listener, backlog=_BACKLOG)
    gc.freeze()  # what is there from the start stays
    ready()
    while not told.is_set() and not orphaned():
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _TICK)
        server.tick()
        if await live.turn():
            router.serve(live.snapshot)
    listening.close()
    await server.drain(_GRACE)
    await upstream.close()
    await router.close()
    lines.flush()
    if traced is not None:
        traced.close(_SPANS_GRACE)


@dataclass(slots=True)
class _Supervisor:
    work: Callable[[Callable[[], None], Callable[[], bool]], None]
    listener: socket.socket
    children: set[int] = field(default_factory=set)
    stopping: bool = False

    def run(self, workers: int, ready: Callable[[], None]) -> int:
        for number in _STOP:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda *_: self._tell(signal.SIGHUP))
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
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for child in self.children:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _start(self) -> None:
        # Signals wait while a child is made: it must neither miss one nor act on it as if it were the parent.
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        child = 0 if self.stopping else os.fork()
        if child == 0 and not self.stopping:
            self._child()
        self.children |= {child} - {0}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)

    def _child(self) -> NoReturn:
        code, parent = 1, os.getppid()
        try:
            self.work(_unblock, lambda: os.getppid() != parent)
            code = 0
        finally:
            os._exit(code)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
