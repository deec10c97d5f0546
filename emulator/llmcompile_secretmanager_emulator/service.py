"""One call from its arrival to its reply: who asks, what goes wrong by rule, what is allowed, what the model does.

No gRPC here: requests and replies are the API's messages. One lock orders arrivals and commits; it is not held while a
fault delays a call or runs a test's function.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any

from llmcompile_secretmanager_emulator.clock import Clock
from llmcompile_secretmanager_emulator.errors import RefusedError, denied, malformed
from llmcompile_secretmanager_emulator.faults import Fault, Faults, flipped
from llmcompile_secretmanager_emulator.journal import Call, Journal
from llmcompile_secretmanager_emulator.lag import Lag
from llmcompile_secretmanager_emulator.methods import Method, Turn
from llmcompile_secretmanager_emulator.model import Model
from llmcompile_secretmanager_emulator.names import Asked, parse
from llmcompile_secretmanager_emulator.permissions import Permissions
from llmcompile_secretmanager_emulator.quotas import Quotas


class DroppedError(Exception):
    """The connection is to be cut, without a reply."""


class Service:
    """All parts of the server but the socket. ``projects`` gives each project's number by its id."""

    def __init__(self, projects: Mapping[str, int], clock: Clock, journal: Journal) -> None:
        self.model = Model(clock.now)
        self.lag = Lag()
        self.quotas = Quotas()
        self.permissions = Permissions()
        self.faults = Faults()
        self.journal = journal
        self._clock = clock
        self._numbers = {**projects, **{str(number): number for number in projects.values()}}
        self._lock = threading.RLock()
        self._arrived = 0

    def answer(self, method: Method, request: Any, caller: str) -> Any:
        """The reply. Raises RefusedError, or DroppedError."""
        call, faults = self._arrive(method, request, caller)
        try:
            for fault in faults:
                if not fault.after_commit:
                    self._act(fault, call, request)
            reply = self._commit(method, request, call)
            for fault in faults:
                if fault.after_commit:
                    self._act(fault, call, request)
            return _corrupted(reply) if any(fault.do == "corrupt_reply" for fault in faults) else reply
        except RefusedError as refused:
            call.status = refused.status
            raise
        except DroppedError:
            call.status = "DROPPED"
            raise
        finally:
            with self._lock:
                self.journal.add(call)

    @contextmanager
    def staging(self) -> Iterator[None]:
        """Keeps calls out meanwhile; what the model then holds shows at once, whatever lags."""
        with self._lock:
            yield
            self.lag.record(self._arrived, self._clock.now(), self.model.state)
            self.lag.settle()

    def _arrive(self, method: Method, request: Any, caller: str) -> tuple[Call, list[Fault]]:
        asked = _asked(method, request)
        payload = getattr(request, "payload", None)
        with self._lock:
            self._arrived += 1
            call = Call(self._arrived, self._clock.now(), method.name, caller, method.kind == "write")
            call.secret = getattr(request, "secret_id", "") or (asked.secret if asked else "")
            call.version = asked.version if asked else ""
            call.size = None if payload is None else len(payload.data)
            return call, self.faults.due(call)

    def _act(self, fault: Fault, call: Call, request: Any) -> None:
        if fault.run is not None:
            fault.run(call)
        match fault.do:
            case "error":
                raise RefusedError(fault.status, fault.message)
            case "drop":
                raise DroppedError
            case "delay":
                self._clock.sleep(fault.seconds)
            case "corrupt_request" if call.size:
                request.payload.data = flipped(request.payload.data)

    def _commit(self, method: Method, request: Any, call: Call) -> Any:
        with self._lock:
            self.permissions.authenticate(call.caller)
            turn = self._turn(method, request, call)
            before = self.model.state
            reply = method.run(turn, request)
            call.committed = self.model.state is not before
            if call.committed:
                self.lag.record(call.number, self._clock.now(), self.model.state)
            if method.name == "AddSecretVersion":
                call.version = reply.name.rpartition("/")[2]
            if method.name == "AccessSecretVersion":
                call.size = len(reply.payload.data)
            return reply

    def _turn(self, method: Method, request: Any, call: Call) -> Turn:
        """What the method works on, once the call is well named, within the quotas and allowed. Raises RefusedError."""
        text = attrgetter(method.field)(request)
        asked = parse(text)
        if asked.depth != method.depth:
            raise malformed(text)
        number = self._numbers.get(asked.project, 0)
        if not number and method.permission:
            raise denied(method.permission, text)
        now = self._clock.now()
        self.quotas.take(now, method.kind, method.name, number, f"{number}/{asked.secret}/{asked.version}")
        if method.permission:
            self.permissions.check(method.permission, call.secret, call.caller, text)
        seen = self.lag.view(call.number, now, self.model.state)
        allows = partial(self.permissions.allows, secret=asked.secret, caller=call.caller)
        return Turn(self.model, seen, number, asked.secret, asked.version, allows)


def _asked(method: Method, request: Any) -> Asked | None:
    try:
        return parse(attrgetter(method.field)(request))
    except RefusedError:
        return None


def _corrupted(reply: Any) -> Any:
    """The data of the payload changed on its way, its checksum did not."""
    if hasattr(reply, "payload"):
        reply.payload.data = flipped(reply.payload.data)
    return reply
