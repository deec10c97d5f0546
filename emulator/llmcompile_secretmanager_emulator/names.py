"""Resource names. Requests name a project by id or by number, replies always by number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcompile_secretmanager_emulator.errors import malformed, not_modelled

_NAME = re.compile(r"projects/(?P<project>[^/]+)(/secrets/(?P<secret>[^/]+)(/versions/(?P<version>[^/]+))?)?")
_REGIONAL = re.compile(r"projects/[^/]+/locations/[^/]+(/.*)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A name as the request wrote it, in parts; a part that is not there is empty."""

    text: str
    project: str
    secret: str = ""
    version: str = ""

    @property
    def depth(self) -> int:
        """0 for a project, 1 for a secret, 2 for a version."""
        return bool(self.secret) + bool(self.version)


def parse(text: str) -> Asked:
    """Raises RefusedError: INVALID_ARGUMENT for what is no name, UNIMPLEMENTED for regional secrets."""
    if _REGIONAL.fullmatch(text):
        raise not_modelled("regional secrets")
    match = _NAME.fullmatch(text)
    if match is None:
        raise malformed(text)
    return Asked(text, match["project"], match["secret"] or "", match["version"] or "")


def secret_name(project: int, secret: str) -> str:
    return f"projects/{project}/secrets/{secret}"


def version_name(project: int, secret: str, version: int | str) -> str:
    return f"{secret_name(project, secret)}/versions/{version}"
