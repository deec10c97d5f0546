"""How many examples a property is tried with: a fixed set by default, and with ``HYPOTHESIS_SCALE=20`` twenty times as
many, drawn anew."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SCALE = int(os.environ.get("HYPOTHESIS_SCALE", "1"))


def thorough(examples: int) -> settings:
    """The settings of a property that is tried with this many examples by default."""
    return settings(
        max_examples=examples * SCALE,
        deadline=None,
        derandomize=SCALE == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
