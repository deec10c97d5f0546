"""One pair of stand-in upstreams and one router for all tests that speak over sockets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # helpers stand beside the tests

from redis_process import RedisProcess
from running import RunningRouter
from standin import StandIn, dead_url
from worlds import documents

C = TypeVar("C", bound=Any)


@pytest.fixture(scope="session")
def _upstreams() -> Iterator[tuple[StandIn, StandIn]]:
    with StandIn("a") as a, StandIn("b") as b:
        yield a, b


@pytest.fixture(scope="session")
def router(_upstreams: tuple[StandIn, StandIn]) -> Iterator[RunningRouter]:
    a, b = _upstreams
    arguments = ("--idle-timeout", "0.6", "--max-body-mib", "1", "--region", "here", "--cooldown", "0")
    with RunningRouter(documents(a.url, b.url, dead_url()), *arguments) as running:
        yield running


@pytest.fixture
def upstreams(_upstreams: tuple[StandIn, StandIn]) -> tuple[StandIn, StandIn]:
    """Both stand-ins, healthy and without memory."""
    for each in _upstreams:
        each.reset()
    return _upstreams


@pytest.fixture
def opened() -> Iterator[Callable[[C], C]]:
    """Closes a client after the test: one that is only dropped leaves its sockets to some other test."""
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture(scope="session")
def _redis_process() -> Iterator[RedisProcess]:
    if not RedisProcess.available:
        pytest.skip("redis-server is not installed")
    process = RedisProcess()
    yield process
    process.close()


@pytest.fixture
def redis_server(_redis_process: RedisProcess) -> RedisProcess:
    """A Redis without memory."""
    _redis_process.reset()
    return _redis_process
