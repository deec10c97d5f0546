"""Settings that only make sense in some places: batching, and the kinds of stores."""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.literals import quote
from llmcompile.load.root import PROJECT_FILE
from llmcompile.store_uri import STORE_FORMS, parse_uri


def batch_inputs(context: Context) -> Iterator[Diagnostic]:
    """Only embedding models take several inputs in one request."""
    for model in context.models:
        if model.input.upstream_max_batch_inputs is not None and model.input.type != "embedding":
            place = Place(model.file, ("upstream_max_batch_inputs",)).key()
            message = f"upstream_max_batch_inputs is for embedding models, this one is {model.input.type}"
            related = (Related(Place(model.file, ("type",)), "its type"),)
            yield Diagnostic("batching-type", message, place, "remove the line", related)


def chat_batching(context: Context) -> Iterator[Diagnostic]:
    """Only endpoints that serve a chat model batch chats."""
    models = context.catalogue.models
    for endpoint in context.endpoints():
        if endpoint.chat_batching is None:
            continue
        known = [models[code] for code in endpoint.codes if code in models]
        if known and all(model.input.type != "chat" for model in known):
            place = (endpoint.place / "chat_batching").key()
            message = f"endpoint '{endpoint.name}' serves no chat model"
            yield Diagnostic("batching-type", message, place, "remove chat_batching")


def stores(whole: Whole) -> Iterator[Diagnostic]:
    """Every store is of a kind that exists."""
    for name, uri in whole.catalogue.project.stores.items():
        if parse_uri(uri) is None:
            place = Place(PROJECT_FILE, ("stores", name))
            yield Diagnostic("store-invalid", f"{quote(uri)} is no store", place, f"write {STORE_FORMS}")
