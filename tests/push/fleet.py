"""A small fleet: a repository of YAML whose every document changes from one generation to the next, and its secrets.

Every secret value in this folder holds ``CANARY``, so that one search finds any of them, old or new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.compiler.repo import FILES, write_repo

from llmcompile.pipeline import compile_repository
from llmcompile.push.resolve import Payload, Resolver, SecretSource, resolve_all

PROJECT = "acme-llm-prod"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CANARY = r'canary?7f3a/+=&"\9c>'
"""Not the same in any two of: raw, URL-encoded, JSON, base64."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Accounts ``a0``, ``a1``, ... with two documents each, and regions ``r0``, ``r1``, ... with one."""

    accounts: int = 8
    regions: int = 4
    generation: str = "new"
    """Every document of another generation has other bytes: keys in values, limits in policies."""
    guards: str = "{max_change_percent: 100}"

    @property
    def names(self) -> tuple[str, ...]:
        """Of accounts and regions."""
        return (*(f"a{n}" for n in range(self.accounts)), *(f"r{n}" for n in range(self.regions)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The ids of all documents' secrets."""
        forms = {"a": ("{}_llm_config", "{}_llm_policy"), "r": ("azure_openai_{}",)}
        return tuple(form.format(name) for name in self.names for form in forms[name[0]])

    @property
    def environment(self) -> dict[str, str]:
        """The variables that refs point to."""
        return {f"{name.upper()}_KEY": f"{CANARY}{name}-{self.generation}" for name in self.names}

    def write(self, root: Path) -> Path:
        """The repository, in place of whatever fleet is there."""
        for old in (*root.glob("accounts/*"), *root.glob("regions/*")):
            old.unlink()
        return write_repo(root, {"accounts/acme.yaml": None, "regions/europe-west6.yaml": None, **self._files()})

    def _files(self) -> dict[str, str]:
        limit = 60 + sum(self.generation.encode())
        project = f"stores: {{prod: 'gcpsecrets://{PROJECT}'}}\ntiers: {{pro: {{requests_per_minute: {limit}}}}}\n"
        files = {"llmcompile.yaml": f"version: 1\n{project}guards: {self.guards}\n"}
        for name in self.names:
            endpoint = f"provider: azure, base_url: https://{name}.example.com, api_key: ref+env://{name.upper()}_KEY"
            if name[0] == "r":
                text = f"region: {name}\nendpoints: {{one: {{{endpoint}}}}}\nmodels: {{gpt-4o: [one]}}\n"
                files[f"regions/{name}.yaml"] = text
            else:
                own = f"endpoints: {{own: {{{endpoint}, supported_models: [gpt-4o]}}}}\n"
                files[f"accounts/{name}.yaml"] = f"account: {name}\nregion: r0\ntier: pro\n{own}"
        return files

    def payloads(self, root: Path) -> list[Payload]:
        """All documents with their secrets, as a push has them. Writes the repository first."""
        return payloads(self.write(root), self.environment)


def payloads(root: Path, environment: dict[str, str], source: SecretSource | None = None) -> list[Payload]:
    """The documents of a repository with values in place of refs."""
    result = compile_repository(root, NOW)
    assert not result.failed, result.diagnostics
    return resolve_all(result.documents, result.linked, Resolver(root, environment, lambda: _given(source)))


def _given(source: SecretSource | None) -> SecretSource:
    assert source, "this repository has no refs to Secret Manager"
    return source


__all__ = ["CANARY", "FILES", "NOW", "PROJECT", "Fleet", "payloads"]
