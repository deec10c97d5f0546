"""The fault matrix: what an upstream does, call by call, and what that comes to.

``docs/reliability.md`` shows it (``make golden`` writes it there); ``test_faults.py`` plays it through a real router.
"""

from __future__ import annotations

from collections.abc import Mapping

from fault_answers import BODIES, ERROR_BODIES, FRAMING, STREAMS
from fault_calls import CONNECTIONS, OAUTH, STATUSES
from faults import Fault

FAULTS: Mapping[str, list[Fault]] = {
    "Connections and TLS": CONNECTIONS,
    "Statuses": STATUSES,
    "Errors that cannot be read": ERROR_BODIES,
    "Framing": FRAMING,
    "Answers": BODIES,
    "Streams": STREAMS,
    "Access tokens": OAUTH,
}
