"""Every call to Secret Manager: within its quotas, with a deadline, tried again where that is safe, its errors ours.

The client itself retries one method alone, so it is told to retry none. A write whose outcome is unknown is not
repeated here: whoever writes looks first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError

from llmcompile.errors import OutsideError
from llmcompile.push.clock import Clock
from llmcompile.push.limits import Backoff, Bucket, Windows
from llmcompile.push.store import ConflictError, DeniedError, UncertainError

Answer = TypeVar("Answer")

DEADLINE = 30.0
"""Seconds for one attempt."""
_PER_MINUTE = 540
"""Nine tenths of the 600 reads and 600 writes that a project has."""
_ACCESSES_PER_MINUTE = 81_000
"""Nine tenths of 90,000."""

_REFUSED = (api.ResourceExhausted,)
"""Not carried out: the quota was used up."""
_UNKNOWN = (
    api.ServiceUnavailable,
    api.DeadlineExceeded,
    api.GatewayTimeout,
    api.InternalServerError,
    api.Unknown,
    api.Cancelled,
    api.DataLoss,
    api.RetryError,
)
"""May have been carried out."""
_NO_TOKEN = "Getting metadata from plugin failed"  # noqa: S105 - the text of gRPC where credentials cannot be refreshed


class NotFoundError(OutsideError):
    """There is no such secret or version."""


class NotReadableError(OutsideError):
    """The version is disabled or destroyed, the etag is an old one, or the service refuses for a reason of its own."""


class ChecksumError(Exception):
    """What arrived is not what was sent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The quotas of one project, shared by all its threads."""

    reads: Bucket
    writes: Bucket
    accesses: Bucket
    secret: Windows
    """Writes to one secret."""

    @classmethod
    def of(cls, clock: Clock) -> Limits:
        """What Google documents, less a tenth."""
        return cls(
            reads=Bucket(_PER_MINUTE / 60, 20, clock),
            writes=Bucket(_PER_MINUTE / 60, 20, clock),
            accesses=Bucket(_ACCESSES_PER_MINUTE / 60, 100, clock),
            secret=Windows(2, 1.1, clock),
        )


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls are made."""

    clock: Clock
    limits: Limits
    backoff: Backoff = field(default_factory=Backoff)

    def read(self, what: str, call: Callable[..., Answer]) -> Answer:
        """A call that changes nothing, counted as a read; ``what`` names it in messages."""
        return self._call(what, self.limits.reads.take, call, again=(*_REFUSED, *_UNKNOWN, ChecksumError))

    def access(self, what: str, call: Callable[..., Answer]) -> Answer:
        """The same, of a payload."""
        return self._call(what, self.limits.accesses.take, call, again=(*_REFUSED, *_UNKNOWN, ChecksumError))

    def write(self, what: str, secret: str, call: Callable[..., Answer]) -> Answer:
        """A call that changes something. Raises ``UncertainError`` where nobody knows whether it did."""

        def take() -> None:
            self.limits.secret.take(secret)
            self.limits.writes.take()

        return self._call(what, take, call, again=(*_REFUSED, ChecksumError))

    def _call(self, what: str, take: Callable[[], None], call: Callable[..., Answer], again: Any) -> Answer:
        waits = self.backoff.waits()
        while True:
            take()
            try:
                return call(timeout=DEADLINE, retry=None)
            except again as error:
                if _NO_TOKEN in str(error) or (wait := next(waits, None)) is None:
                    raise _translated(what, error) from error
                self.clock.sleep(wait)
            except (api.GoogleAPICallError, api.RetryError, GoogleAuthError) as error:
                raise _translated(what, error) from error


def _translated(what: str, error: Exception) -> Exception:
    """The error in words of ours. Messages of the service name resources and permissions, never payloads."""
    text = getattr(error, "message", "") or str(error)
    match error:
        case api.NotFound():
            return NotFoundError(f"cannot {what}: {text}", _AGAIN)
        case api.PermissionDenied() | api.Unauthenticated() | GoogleAuthError():
            return DeniedError(f"cannot {what}: {text}", _GRANT)
        case api.ServiceUnavailable() if _NO_TOKEN in text:
            return DeniedError(f"cannot {what}: the credentials cannot be refreshed", _GRANT)
        case api.AlreadyExists() | api.Aborted():
            return ConflictError(f"cannot {what}: {text}")
        case api.FailedPrecondition():
            return NotReadableError(f"cannot {what}: {text}", _AGAIN)
        case ChecksumError():
            return OutsideError(f"cannot {what}: {text}, each time", "look at the network in between")
        case _ if isinstance(error, _UNKNOWN):
            return UncertainError(f"cannot {what}: {text}", _AGAIN)
        case _:
            return OutsideError(f"cannot {what}: {text}", _AGAIN)


_GRANT = "check who is signed in and its roles (docs/setup.md), then run it again: it writes what is left"
_AGAIN = "run it again: it writes what is left"
