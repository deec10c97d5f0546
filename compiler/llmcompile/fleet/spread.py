"""Work on groups of items spread over several processes, in order.

The processes are forks: they have what was read before, and nothing is sent to them. What they make is sent back.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

from llmcompile.errors import OutsideError

_WORTH = 400
"""Items that make a process pay for itself."""
_ENDS = (signal.SIGINT, signal.SIGTERM)
I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


def processes(items: int, jobs: int = 0) -> int:
    """How many processes to spread over: ``jobs``, or as many as pay and as there are cores for (0)."""
    if sys.platform != "linux":
        return 1  # elsewhere a fork of a process that has loaded system libraries may hang
    return jobs or max(1, min(len(os.sched_getaffinity(0)), items // _WORTH))


def spread(
    work: Callable[[Sequence[I]], list[R]], groups: Sequence[Sequence[I]], count: int
) -> Generator[R, None, None]:
    """What ``work`` makes of the items of each group, in order, by ``count`` processes; results must pickle.

    What ``work`` raises is raised here. ``OutsideError`` where the system killed a process.
    """
    if count < 2:
        for group in groups:
            yield from work(group)
        return
    started: list[tuple[BaseProcess, Connection]] = []
    try:
        for number in range(count):
            _start(work, groups[number::count], started)
        for number in range(len(groups)):
            yield from _received(started[number % count][1])
    finally:
        for process, pipe in started:
            process.terminate()
            process.join()
            pipe.close()


def _start(
    work: Callable[[Sequence[I]], list[R]],
    groups: Sequence[Sequence[I]],
    started: list[tuple[BaseProcess, Connection]],
) -> None:
    """A process more among those that are ``started``, with the end of its pipe that results come from.

    Nobody else may hold an end of that pipe: it would hide that the process, or this one, died. Who ends this one
    meanwhile is heard once the process is known: one that nobody knows would go on writing.
    """
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    inherited = (*(pipe for _, pipe in started), receiving)
    process = context.Process(target=_serve, args=(work, groups, sending, inherited), daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        process.start()
        started.append((process, receiving))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sending.close()


def _received(receiving: Connection) -> list[R]:
    try:
        made: list[R] | BaseException = receiving.recv()
    except EOFError as error:
        hint = "out of memory? run it again with --jobs 1"
        raise OutsideError("a process that compiled accounts was killed", hint) from error
    if isinstance(made, BaseException):
        raise made
    return made


def _serve(
    work: Callable[[Sequence[I]], list[R]],
    groups: Sequence[Sequence[I]],
    sending: Connection,
    inherited: Sequence[Connection],
) -> None:
    """In the fork: until all groups are done, or nobody wants them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers it, and ends its forks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    for pipe in inherited:
        pipe.close()
    gc.freeze()  # what was there before the fork is never garbage, and looking at it would copy its pages
    with suppress(BrokenPipeError):
        for group in groups:
            try:
                made: list[R] | Exception = work(group)
            except Exception as error:  # whatever it is, the parent raises it
                made = error
            sending.send(made)
            if isinstance(made, Exception):
                return
