"""The output contract: every document is valid by its schema and fits where it goes, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.emit.canonical import compact
from llmcompile.emit.documents import Document
from llmcompile.refs import Ref
from llmcompile.secret_ids import Kind

MAX_SECRET_BYTES = 65_536
"""What a version of a Google Secret Manager secret holds at most."""
MAX_VARIABLE_BYTES = 131_071
"""What Linux takes as one ``NAME=value`` string (MAX_ARG_STRLEN without its NUL). A document that fits into a secret
fits here too, whatever its name; a test holds the two figures together."""
RESERVED_BYTES = 256
"""Room kept for each secret, whose length is not known before the push; the push proves the real size again."""

_FILES: dict[Kind, str] = {
    "CUSTOMER_LLM_CONFIG": "customer_llm_config.schema.json",
    "ROUTER_POLICY": "router_policy.schema.json",
    "PROVISIONED_OPENAI_CONFIG": "provisioned_openai_config.schema.json",
}


class ContractError(Exception):
    """A document that its schema refuses: a bug of the compiler, never a user's mistake."""


def schema_folder() -> Path:
    """The schemas: inside the package where it was installed from a wheel, else at the checkout's root."""
    installed = Path(__file__).parents[1] / "schemas"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "schemas"


@cache
def _validator(kind: Kind) -> jsonschema_rs.Validator:
    schema = json.loads((schema_folder() / _FILES[kind]).read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(schema)


def prove(document: Document, data: Any) -> None:
    """Raise ``ContractError`` unless the document's plain data is valid by its schema."""
    validator = _validator(document.kind)
    if not validator.is_valid(data):
        error = next(iter(validator.iter_errors(data)))
        route = "/".join(str(each) for each in error.instance_path)
        raise ContractError(f"{document.kind} of {document.owner} breaks its schema at /{route}")


def too_large(document: Document, data: Any, encoded: bytes) -> Iterator[Diagnostic]:
    """Says so where a document would not fit into a secret, with what takes the most room."""
    if len(encoded) + encoded.count(b"ref+") * RESERVED_BYTES <= MAX_SECRET_BYTES:
        return  # nearly always; the exact sum below walks the whole document
    total = size(document, encoded)
    if total <= MAX_SECRET_BYTES:
        return
    room, name = max((len(compact(data[each])) + _reserved(part), each) for each, part in document.content.items())
    most = f"most of it: {name} with {room:,} bytes"
    field = "region" if document.kind == "PROVISIONED_OPENAI_CONFIG" else "account"
    message = f"{document.kind} has {total:,} bytes; a secret holds {MAX_SECRET_BYTES:,}"
    yield Diagnostic("document-too-large", message, Place(document.file, (field,)), most)


def size(document: Document, encoded: bytes) -> int:
    """The bytes that the document takes in a secret, with room for the values behind its refs."""
    return len(encoded) + (_reserved(document.content) if b"ref+" in encoded else 0)


def _reserved(content: Any) -> int:
    """The bytes that the secrets behind the refs may need beyond the refs' own text."""
    return sum(max(0, RESERVED_BYTES - len(str(ref))) for ref in refs_in(content))


def refs_in(value: Any) -> Iterator[Ref]:
    """Every ref in a document's content."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from refs_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from refs_in(item)
