"""A local Google Secret Manager, for tests and demonstrations: the unmodified client speaks to it over a socket.

It keeps everything in memory and knows nothing of llmcompile.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcompile_secretmanager_emulator.clock import SystemClock, VirtualClock
    from llmcompile_secretmanager_emulator.faults import Fault
    from llmcompile_secretmanager_emulator.journal import Call
    from llmcompile_secretmanager_emulator.server import Emulator

__all__ = ["Call", "Emulator", "Fault", "SystemClock", "VirtualClock"]
_HOMES = {"Call": "journal", "Emulator": "server", "Fault": "faults", "SystemClock": "clock", "VirtualClock": "clock"}


def __getattr__(name: str) -> object:
    """Imported when asked for, so that the command can still say what to install where gRPC is missing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
