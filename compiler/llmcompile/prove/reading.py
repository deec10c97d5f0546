"""Compiled documents as the router reads them: what many accounts share is read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from llmcompile.emit.canonical import compact, plain
from llmcompile.emit.documents import Document
from llmrouter.documents import Documents, parse
from llmrouter.entities import Model
from llmrouter.snapshot import Snapshot


class Reader:
    """Reads the documents of one account after the other."""

    def __init__(self, regions: Iterable[Document]) -> None:
        self._written = {each.owner: each for each in regions}
        self._regions: dict[str, Documents] = {}
        self._models: dict[str, Model] = {}
        """By the text of what policies say of them."""
        self._last: tuple[Document, Documents] | None = None

    def snapshot(self, customer: Document, policy: Document, region: str) -> Snapshot:
        """The router's picture of an account in a region, but for the digests: nobody ever loads it."""
        if region not in self._regions:
            self._regions[region] = parse(provisioned=_encoded(self._written[region].content))
        if self._last is None or self._last[0] is not customer:  # an account's regions come one after the other
            self._last = customer, self._own(customer, policy)
        own, shared = self._last[1], self._regions[region]
        both = replace(own, platform=shared.platform, platform_models=shared.platform_models, digests={})
        return Snapshot.build(both)

    def _own(self, customer: Document, policy: Document) -> Documents:
        models = {code: (f"{code} {said!r}", said) for code, said in policy.content["models"].items()}
        fresh = {code: said for code, (known, said) in models.items() if known not in self._models}
        read = parse(_encoded(customer.content), policy=_encoded({**policy.content, "models": fresh}))
        assert read.policy is not None  # noqa: S101 - it was given
        self._models |= {models[code][0]: model for code, model in read.policy.models.items()}
        every = {code: self._models[known] for code, (known, _) in models.items()}
        return replace(read, policy=replace(read.policy, models=every))


def _encoded(content: Mapping[str, Any]) -> bytes:
    """As stores hold it. Something stands in place of every secret: whether there is one matters, not what it is."""
    return compact(plain(content, lambda ref: "-"))
