"""A server of its own for each test, and one secret in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmcompile_secretmanager_emulator import Emulator, VirtualClock

NAME = "projects/acme-llm-prod/secrets/acme_llm_config"


@pytest.fixture
def server() -> Iterator[Emulator]:
    with Emulator(clock=VirtualClock()) as server:
        server.put("acme_llm_config", b"one")
        yield server
