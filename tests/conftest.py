"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests import measuring


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """Without coverage: for a test that does, hundreds of times, what others have measured."""
    with measuring.unmeasured():
        yield
