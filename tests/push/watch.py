"""Looks at the true state of a server at every single call: what readers of ``latest`` get is whole, old or new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmcompile_secretmanager_emulator import Call, Emulator, Fault


@dataclass(slots=True)
class Watch:
    """``allowed`` has what each secret may hold; one without a version before may have none, until it has one."""

    server: Emulator
    allowed: Mapping[str, set[bytes]]
    looks: int = 0
    broken: list[str] = field(default_factory=list)
    _had: set[str] = field(default_factory=set)

    def start(self) -> None:
        """From now until the server's faults are cleared."""
        self._had = {secret for secret in self.allowed if self._versions(secret)}
        self.server.faults.add(Fault("none", run=self.look))

    def look(self, call: Call | None = None) -> None:
        """Once; called by the server as each call arrives, when those before have done what they do."""
        self.looks += 1
        for secret, allowed in self.allowed.items():
            versions = self._versions(secret)
            if versions:
                self._had.add(secret)
            elif secret in self._had:
                self.broken.append(f"{secret} has no version, at {call}")
            if versions and (versions[-1].state != "ENABLED" or versions[-1].payload not in allowed):
                self.broken.append(f"{secret} version {versions[-1].number} is not whole, at {call}")

    def _versions(self, secret: str):  # type: ignore[no-untyped-def]
        held = self.server.secret(secret)
        return held.versions if held else ()
