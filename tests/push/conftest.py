"""A server on a virtual clock, and the command line against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.push.cli import Cli
from tests.push.fleet import PROJECT

from llmcompile_secretmanager_emulator import Emulator, VirtualClock


@pytest.fixture
def server() -> Iterator[Emulator]:
    with Emulator(PROJECT, others=("other-project",), clock=VirtualClock()) as server:
        yield server


@pytest.fixture
def cli(server: Emulator, tmp_path: Path) -> Cli:
    """In the repository ``repo``, which a test writes."""
    said = tmp_path / "said"
    said.mkdir()
    (tmp_path / "repo").mkdir()
    return Cli(server, tmp_path / "repo", said)
