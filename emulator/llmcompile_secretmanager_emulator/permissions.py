"""Who may do what. Callers are the bearer tokens of requests; all is allowed that no rule denies."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from llmcompile_secretmanager_emulator.errors import RefusedError, denied

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Deny:
    """Globs over a permission (`secretmanager.versions.*`), a secret's id (empty for the project) and a caller."""

    permission: str
    secret: str = "*"  # noqa: S105 (a glob)
    caller: str = "*"

    def matches(self, permission: str, secret: str, caller: str) -> bool:
        pairs = ((permission, self.permission), (secret, self.secret), (caller, self.caller))
        return all(fnmatchcase(value, pattern) for value, pattern in pairs)


class Permissions:
    def __init__(self) -> None:
        self.rules: list[Deny] = []
        self._calls_left: dict[str, int] = {}

    def deny(self, permission: str, secret: str = "*", caller: str = "*") -> None:  # noqa: S107 (a glob)
        self.rules.append(Deny(permission, secret, caller))

    def expire(self, caller: str, after: int = 0) -> None:
        """The caller's credentials are good for ``after`` more calls."""
        self._calls_left[caller] = after

    def clear(self) -> None:
        self.rules.clear()
        self._calls_left.clear()

    def allows(self, permission: str, secret: str, caller: str) -> bool:
        return not any(rule.matches(permission, secret, caller) for rule in self.rules)

    def check(self, permission: str, secret: str, caller: str, name: str) -> None:
        """Raises RefusedError PERMISSION_DENIED; ``name`` is the resource as the request wrote it."""
        if not self.allows(permission, secret, caller):
            raise denied(permission, name)

    def authenticate(self, caller: str) -> None:
        """Counts the call. Raises RefusedError UNAUTHENTICATED."""
        left = self._calls_left.get(caller)
        if left is None:
            return
        if left <= 0:
            raise RefusedError(
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential.",
            )
        self._calls_left[caller] = left - 1
