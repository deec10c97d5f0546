"""Adoption in one process: documents in a store that someone else filled, a repository, and what became of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.compiler.repo import write_repo

from llmcompile.adopt.adopting import Adopted, Loaded, Remembering, adopt, read_all
from llmcompile.adopt.reading import Existing, Subject
from llmcompile.adopt.translate import Unsaid
from llmcompile.load.repository import load_repository
from llmcompile.pipeline import compile_repository
from llmcompile.push.memory import MemoryStore
from llmcompile.push.resolve import Resolver, UnresolvedError, resolve_all
from llmcompile.push.store import Held, Version
from llmcompile.store_uri import StoreUri

AS_OF = datetime(2026, 1, 15, tzinfo=UTC)
PROJECT = "example-llm-prod"
URI = StoreUri("gcpsecrets", PROJECT)
PRICED = (
    "code: {code}\ntype: chat\ntoken_costs:\n"
    "  - {{start: 2024-10-01, currency: USD, per_million_tokens: {{text_input: 1, text_output: 2}}}}\n"
)


KEY, SECRET = "canary-key/+=&7f3a", "canary-oauth\\9c?~1"
ENDPOINT: dict[str, Any] = {
    "provider": "azure",
    "version": "2023-05-15",
    "supported_models": ["gpt-4", "gpt-4o"],
    "deployment_prefix": "custom-",
    "base_url": "https://acme.example-eu.cloud",
    "api_key": None,
    "oauth_token_url": "https://login.example.com/token",
    "oauth_client_id": "3f2b",
    "oauth_client_secret": SECRET,
    "scopes": ["api://x/.default"],
}
KEYED: dict[str, Any] = dict.fromkeys(ENDPOINT) | {
    "provider": "groq",
    "supported_models": ["gpt-4o"],
    "base_url": "https://api.groq.com/openai/v1",
    "api_key": KEY,
    "path_style": "openai",
}
ACCOUNT = {"default": ENDPOINT, "spare": KEYED}
REGION: dict[str, Any] = {
    "endpoints": {"north": {"api_key": KEY, "base_url": "https://north.example.com/"}},
    "models": {"gpt-4o": ["north"]},
}
NAMES = A, R = ("account/acme", "region/europe-north1")
SECRETS = {"account/acme": "acme_llm_config", "region/europe-north1": "azure_openai_europe-north1"}


def without_acme(root: Path) -> Path:
    """The small repository with another account."""
    changes = {"accounts/acme.yaml": None, "accounts/other.yaml": "account: other\nregion: europe-west6\ntier: pro\n"}
    return write_repo(root, changes)


def compact(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def changed(data: Any, route: tuple[str | int, ...], value: Any) -> Any:
    """A copy with something else at a route; ``...`` removes what is there."""
    copy = json.loads(json.dumps(data))
    at = copy
    for step in route[:-1]:
        at = at[step]
    if value is ...:
        del at[route[-1]]
    else:
        at[route[-1]] = value
    return copy


def foreign_store(documents: Mapping[str, bytes], older: int = 0) -> MemoryStore:
    """A store in which someone else has put these, by secret, after ``older`` other versions."""
    store = MemoryStore()
    for secret, payload in documents.items():
        store.kept[secret] = Held(secret, {"team": "platform"}, {"note": "by hand"}, '"1"')
        store.payloads[secret] = [Version(number, b"{}") for number in range(1, older + 1)]
        store.payloads[secret].append(Version(older + 1, payload))
    return store


@dataclass(frozen=True, slots=True)
class StoreSource:
    """Refs into the store itself."""

    store: MemoryStore

    def access(self, target: str, version: int | None) -> Version:
        project, _, secret = target.partition("/")
        found = self.store.read(secret, version or 0) if project == PROJECT else None
        if found is None or found.payload is None:
            raise UnresolvedError("nothing there to read")
        return found


def adopt_from(
    root: Path, store: MemoryStore, names: Sequence[str], unsaid: Unsaid | None = None, **environment: str
) -> Adopted:
    """What ``llmcompile adopt`` does."""
    repository, problems = load_repository(root)
    assert repository.project is not None
    existing = read_all([Subject.of(each) for each in names], store)
    remembering = Remembering.of(existing, URI, lambda: StoreSource(store))
    resolver = Resolver(root, environment, lambda: remembering)
    loaded = Loaded(root, repository.project, repository, tuple(problems))
    return adopt(loaded, existing, URI, unsaid or Unsaid(("europe-west6",)), resolver, AS_OF)


def existing_of(store: MemoryStore, names: Sequence[str]) -> list[Existing]:
    """The documents of a store."""
    return read_all([Subject.of(each) for each in names], store)


def recompiled(root: Path, store: MemoryStore, names: Sequence[str]) -> dict[str, bytes]:
    """What the written files compile to, by secret: the whole pipeline over the disk, models priced first."""
    for path in (root / "models").iterdir():
        if "fill it in" in path.read_text(encoding="utf-8"):
            path.write_text(PRICED.format(code=json.dumps(path.stem)), encoding="utf-8")
    compiled = compile_repository(root, AS_OF)
    assert not compiled.failed, compiled.diagnostics
    existing = existing_of(store, names)
    remembering = Remembering.of(existing, URI, lambda: StoreSource(store))
    wanted = {each.subject.secret for each in existing}
    documents = [each for each in compiled.documents if each.secret in wanted]
    payloads = resolve_all(documents, compiled.linked, Resolver(root, {}, lambda: remembering))
    return {each.document.secret: each.data for each in payloads}


def without_nulls(data: Any) -> Any:
    """The data without keys that are null; readers take them for keys that are not there."""
    if isinstance(data, dict):
        return {key: without_nulls(value) for key, value in data.items() if value is not None}
    return [without_nulls(each) for each in data] if isinstance(data, list) else data


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a root, hidden ones too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
