"""Refs to Secret Manager, read with the caller's credentials from whichever project they name."""

from __future__ import annotations

from dataclasses import dataclass

from google.cloud import secretmanager_v1 as sm

from llmcompile.errors import OutsideError
from llmcompile.push.google.calls import Calls, NotFoundError
from llmcompile.push.google.store import access
from llmcompile.push.resolve import UnresolvedError
from llmcompile.push.store import Version


@dataclass(frozen=True, slots=True)
class GoogleSource:
    """Reads versions of any secret that the caller may read."""

    client: sm.SecretManagerServiceClient
    calls: Calls

    def access(self, target: str, version: int | None) -> Version:
        """A version of ``PROJECT/SECRET``; None: the latest."""
        project, _, secret = target.partition("/")
        name, number = f"projects/{project}/secrets/{secret}", str(version or "latest")
        try:
            found = access(self.client, self.calls, name, number)
        except NotFoundError:
            raise UnresolvedError(f"no version {number} of secret {secret} in project {project}") from None
        except OutsideError as error:
            raise UnresolvedError(str(error)) from error
        if found.payload is None:
            raise UnresolvedError(f"version {number} is {found.state}")
        return found
