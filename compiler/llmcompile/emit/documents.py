"""All documents of a catalogue, each with where it goes and what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmcompile.emit.canonical import compact, digest, plain
from llmcompile.emit.endpoint_documents import customer_config, provisioned_config
from llmcompile.emit.policy import PolicyEmitter
from llmcompile.link.catalogue import Account, Region
from llmcompile.load.root import PROJECT_FILE
from llmcompile.secret_ids import Kind, secret_id


@dataclass(frozen=True, slots=True)
class Document:
    """One compiled document, with refs in place of secrets."""

    kind: Kind
    owner: str
    """The account's or region's id."""
    file: str
    """The YAML file of the owner."""
    content: Any
    """The data; refs are ``Ref`` objects, so that a secret's place is known by type."""
    sources: tuple[str, ...]
    """The YAML files that it was made from, sorted."""

    @property
    def secret(self) -> str:
        """The id of the secret that holds it in a store."""
        return secret_id(self.kind, self.owner)

    @property
    def path(self) -> str:
        """Its file below ``dist/``."""
        folder = "regions" if self.kind == "PROVISIONED_OPENAI_CONFIG" else "accounts"
        return f"{folder}/{self.owner}/{self.kind}.json"

    def plain(self) -> Any:
        """The data as JSON knows it, refs as text."""
        return plain(self.content)

    @property
    def digest(self) -> str:
        """SHA-256 of the document with refs in place of values."""
        return digest(compact(self.plain()))


@dataclass(frozen=True, slots=True)
class Made:
    """A document in the forms that it takes, each made once."""

    document: Document
    data: Any
    """Plain data, with refs as text."""
    encoded: bytes
    """The same as compact JSON."""

    @classmethod
    def of(cls, document: Document) -> Made:
        """The forms of a document."""
        data = document.plain()
        return cls(document, data, compact(data))


def region_document(region: Region) -> Document:
    """The platform's endpoints of one region."""
    files = tuple(sorted({PROJECT_FILE, region.file}))
    content = provisioned_config(region)
    return Document("PROVISIONED_OPENAI_CONFIG", region.input.region, region.file, content, files)


def account_documents(account: Account, emitter: PolicyEmitter) -> Iterator[Document]:
    """The account's endpoints and its policy."""
    files = tuple(sorted({PROJECT_FILE, account.file}))
    yield Document("CUSTOMER_LLM_CONFIG", account.id, account.file, customer_config(account), files)
    policy = emitter.policy(account)
    regions = {emitter.catalogue.regions[each].file for each in account.input.all_regions}
    models = {emitter.catalogue.models[each].file for each in policy["models"]}
    sources = tuple(sorted({PROJECT_FILE, account.file, *regions, *models}))
    yield Document("ROUTER_POLICY", account.id, account.file, policy, sources)
