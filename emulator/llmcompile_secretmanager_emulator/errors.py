"""Errors as data: what Secret Manager answers instead of a reply, a status and its text.

Texts seen in the field are kept word for word; a `?` marks a text that could not be checked against the live service
(its status comes from Google's documentation, or from the API's description).
"""

from __future__ import annotations

from typing import Literal

Status = Literal[
    "ABORTED",
    "ALREADY_EXISTS",
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
    "UNKNOWN",
]


class RefusedError(Exception):
    """The call ends with this status; ``message`` is what the client shows."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status: Status = status
        self.message = message


def invalid(message: str) -> RefusedError:
    return RefusedError("INVALID_ARGUMENT", message)


def malformed(name: str) -> RefusedError:
    return invalid(f"Resource ID [{name}] is not in a valid format.")


def no_secret(name: str) -> RefusedError:
    return RefusedError("NOT_FOUND", f"Secret [{name}] not found.")


def no_versions(name: str) -> RefusedError:
    return RefusedError("NOT_FOUND", f"Secret [{name}] not found or has no versions.")


def no_version(name: str) -> RefusedError:
    return RefusedError("NOT_FOUND", f"Secret Version [{name}] not found.")


def wrong_state(name: str, state: str) -> RefusedError:
    return RefusedError("FAILED_PRECONDITION", f"Secret Version [{name}] is in {state} state.")


def stale(name: str) -> RefusedError:
    """An etag that is not the current one: the status is documented, the text is not (?)."""
    return RefusedError("FAILED_PRECONDITION", f"The etag provided for [{name}] does not match its current etag.")


def denied(permission: str, name: str) -> RefusedError:
    return RefusedError(
        "PERMISSION_DENIED", f"Permission '{permission}' denied for resource '{name}' (or it may not exist)."
    )


def not_modelled(what: str) -> RefusedError:
    """RefusedError rather than dropped in silence: the real service has it, this server does not."""
    return RefusedError("UNIMPLEMENTED", f"This local server does not model {what}.")
