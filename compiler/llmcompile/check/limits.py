"""Limits: fallbacks take the batches that they are given, and tiers limit someone."""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.model import FALLBACKS
from llmcompile.load.root import PROJECT_FILE


def fallback_batches(context: Context) -> Iterator[Diagnostic]:
    """A fallback takes as many inputs in one request as the model that it stands in for."""
    models = context.catalogue.models
    for model in models.values():
        size = model.input.upstream_max_batch_inputs or 1
        for field in FALLBACKS if size > 1 else ():
            for index, code in enumerate(getattr(model.input, field)):
                taken = (models[code].input.upstream_max_batch_inputs or 1) if code in models else size
                # A fallback of another type is that mistake, and batches are for embedding models alone.
                if taken < size and models[code].input.type == "embedding" == model.input.type:
                    related = (Related(Place(model.file, ("upstream_max_batch_inputs",)), "the size of its batches"),)
                    message = f"'{code}' takes {taken} of the {size} inputs that '{model.input.code}' sends at once"
                    hint = f"write upstream_max_batch_inputs: {taken} there, or name a fallback that takes {size}"
                    yield Diagnostic("fallback-batch", message, Place(model.file, (field, index)), hint, related)


def unreachable_tiers(context: Context) -> Iterator[Diagnostic]:
    """A tier limits traffic over the platform's endpoints; an account without any needs none."""
    for account in context.accounts:
        if account.input.tier is not None and account.input.source in ("tenant", "local"):
            message = (
                f"tier '{account.input.tier}' limits nothing: source {account.input.source} never uses the platform"
            )
            related = (Related(Place(account.file, ("source",)), "the source"),)
            yield Diagnostic(
                "tier-unreachable", message, Place(account.file, ("tier",)), "remove it, or write source: auto", related
            )


def unused_tiers(whole: Whole) -> Iterator[Diagnostic]:
    """Every tier is some account's or key's."""
    used = frozenset[str]().union(*(account.tiers for account in whole.accounts))
    known = whole.catalogue.project.tiers
    # What is misspelled or could not be loaded is said where it stands, and is not the tier's fault.
    if used <= known.keys() and not whole.catalogue.broken_accounts:
        for name in known:
            if name not in used:
                place = Place(PROJECT_FILE, ("tiers", name)).key()
                yield Diagnostic("tier-unused", f"no account and no key has the tier '{name}'", place)
