"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from tests import measuring


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: the collector need not walk through them again and again."""
    gc.freeze()


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """Without coverage: for a test that does, hundreds of times, what others have measured."""
    with measuring.unmeasured():
        yield
