"""A local Google Secret Manager, for tests and demonstrations: the unmodified client speaks to it over a socket.

It keeps everything in memory and knows nothing of llmcompile.
"""

from llmcompile_secretmanager_emulator.clock import SystemClock, VirtualClock
from llmcompile_secretmanager_emulator.faults import Fault
from llmcompile_secretmanager_emulator.journal import Call
from llmcompile_secretmanager_emulator.server import Emulator

__all__ = ["Call", "Emulator", "Fault", "SystemClock", "VirtualClock"]
