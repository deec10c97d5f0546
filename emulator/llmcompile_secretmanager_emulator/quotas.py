"""The documented request quotas as token buckets, one each per project, per secret and per version. Off until enabled.

600 reads, 600 writes and 90,000 accesses a minute per project; per secret 2 AddSecretVersion or UpdateSecret a second;
per version 1 change of state a second. Google enforces the last two softly, this server strictly.
(?: the size of a burst: here one minute's, or one second's, worth; the texts of the last two.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmcompile_secretmanager_emulator.errors import RefusedError

Kind = Literal["read", "write", "access"]


@dataclass(frozen=True, slots=True)
class Limit:
    metric: str
    tokens: int
    seconds: float

    @property
    def text(self) -> str:
        return f"{self.metric} per {'minute' if self.seconds == 60 else 'second'}"


PER_PROJECT: dict[Kind, Limit] = {
    "read": Limit("Read requests", 600, 60),
    "write": Limit("Write requests", 600, 60),
    "access": Limit("Access requests", 90_000, 60),
}
PER_SECRET = Limit("Write requests per secret", 2, 1)
PER_VERSION = Limit("State change requests per secret version", 1, 1)
_SECRET_METHODS = {"AddSecretVersion", "UpdateSecret"}
_VERSION_METHODS = {"EnableSecretVersion", "DisableSecretVersion", "DestroySecretVersion"}


@dataclass(slots=True)
class _Bucket:
    limit: Limit
    left: float
    at: float

    def refill(self, now: float) -> float:
        earned = (now - self.at) * self.limit.tokens / self.limit.seconds
        self.left, self.at = min(self.left + earned, self.limit.tokens), now
        return self.left


class Quotas:
    def __init__(self) -> None:
        self.enabled = False
        self._buckets: dict[tuple[Limit, str], _Bucket] = {}

    def take(self, now: float, kind: Kind, method: str, project: int, resource: str) -> None:
        """One token of every bucket concerned, or of none: raises RefusedError RESOURCE_EXHAUSTED."""
        if not self.enabled:
            return
        asked = [(PER_PROJECT[kind], str(project))]
        asked += [(PER_SECRET, resource)] * (method in _SECRET_METHODS)
        asked += [(PER_VERSION, resource)] * (method in _VERSION_METHODS)
        buckets = [self._buckets.setdefault(key, _Bucket(key[0], key[0].tokens, now)) for key in asked]
        for bucket in buckets:
            if bucket.refill(now) < 1:
                raise exceeded(bucket.limit, project)
        for bucket in buckets:
            bucket.left -= 1


def exceeded(limit: Limit, project: int) -> RefusedError:
    return RefusedError(
        "RESOURCE_EXHAUSTED",
        f"Quota exceeded for quota metric '{limit.metric}' and limit '{limit.text}' of service "
        f"'secretmanager.googleapis.com' for consumer 'project_number:{project}'.",
    )
