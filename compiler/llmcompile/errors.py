"""Exceptions for wrong usage, refused changes and the world outside; each owns its exit code and next step.

Problems in the YAML are diagnostics, not exceptions. These are caught once, in the CLI.
"""

from __future__ import annotations

OK, PROBLEMS, USAGE, PENDING, REFUSED, OUTSIDE = range(6)


class CommandError(Exception):
    """Something that ends a command with a message and a next step."""

    exit_code = OUTSIDE

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class UsageError(CommandError):
    """The command was called wrongly."""

    exit_code = USAGE


class RefusedError(CommandError):
    """A guard refused: a threshold, an unexpected plan, a folder that is not ours."""

    exit_code = REFUSED


class OutsideError(CommandError):
    """The world outside failed: a disk, a store, the network, a secret that is not there."""

    exit_code = OUTSIDE
