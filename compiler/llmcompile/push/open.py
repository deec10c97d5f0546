"""Opens the store that ``--to`` names, and what refs to Secret Manager are read from."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llmcompile.errors import UsageError
from llmcompile.inputs.project import Project
from llmcompile.literals import quote
from llmcompile.push.clock import Clock, SystemClock
from llmcompile.push.directory import DirectoryStore
from llmcompile.push.resolve import SecretSource
from llmcompile.store_uri import STORE_FORMS, StoreUri, parse_uri
from llmcompile.suggest import did_you_mean

if TYPE_CHECKING:
    from llmcompile.push.google.calls import Calls
    from llmcompile.push.google.store import GoogleStore


def store_uri(to: str, project: Project) -> StoreUri:
    """A store by its name in ``stores:`` or by its URI."""
    uri = parse_uri(project.stores.get(to, to))
    if uri is None:
        hint = did_you_mean(to, project.stores, f"name one of {', '.join(project.stores)}" if project.stores else "")
        raise UsageError(f"no store {quote(to)}", hint or f"write {STORE_FORMS}")
    return uri


@dataclass
class Opener:
    """Opens what a command needs, Secret Manager's client once and only where something is in it."""

    root: Path
    """Where a relative folder starts."""
    clock: Clock = field(default_factory=SystemClock)
    _opening: threading.Lock = field(default_factory=threading.Lock)

    def store(self, uri: StoreUri) -> DirectoryStore | GoogleStore:
        """The store."""
        if uri.kind == "dir":
            return DirectoryStore(self.root / Path(uri.target).expanduser())
        client = self._client  # before anything else of Google's is imported: it silences what would log payloads
        from llmcompile.push.google.store import GoogleStore

        return GoogleStore(client, uri.target, self._calls)

    def source(self) -> SecretSource:
        """What refs to Secret Manager are read from."""
        with self._opening:  # refs are read by several threads, through one client and its limits
            client = self._client
            from llmcompile.push.google.source import GoogleSource

            return GoogleSource(client, self._calls)

    @cached_property
    def _client(self):  # type: ignore[no-untyped-def]
        from llmcompile.push.google.connect import connect

        return connect(os.environ)

    @cached_property
    def _calls(self) -> Calls:
        from llmcompile.push.google.calls import Calls, Limits

        return Calls(self.clock, Limits.of(self.clock))
