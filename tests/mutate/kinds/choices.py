"""Edits that change what is served and that an author may well have meant: nothing contradicts them.

None of them counts as a mistake; they are tried, counted and listed, so that nobody takes the recall for more than
it is.
What they change is shown by ``plan``, in words, for those who review.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import yaml
from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Example

_OPTIONAL = (
    "tier", "source", "weight", "tags", "timeout_seconds", "fallbacks", "context_window_fallbacks", "default_params",
    "upstream_max_batch_inputs", "guards", "price_horizon_days", "team", "models", "chat_batching", "access",
    "requests_per_minute", "tokens_per_day", "concurrent", "policy", "max_in_flight", "deployment_prefix", "realtime",
)  # fmt: skip


@kind
def another_price(example: Example) -> Iterator[Edit]:
    """A price is a tenth higher"""
    for token in roles.prices(example):
        if Decimal(token.value):
            new = f"{(Decimal(token.value) * Decimal('1.1')).normalize():f}"
            yield example.replace(token, new, choice="prices change; --witness compares with a published list")


@kind
def another_date(example: Example) -> Iterator[Edit]:
    """A price starts a day later"""
    for token in roles.scalars(example, "start"):
        if token.value[8:10] < "28":
            day = f"{int(token.value[8:10]) + 1:02}"
            yield example.replace(token, token.value[:8] + day + token.value[10:], choice="prices change on any day")


@kind
def another_limit(example: Example) -> Iterator[Edit]:
    """A limit is ten times higher"""
    for token in roles.scalars(example, *roles.COUNTS):
        yield example.replace(token, f"{token.value}0", choice="a limit is what someone decides")


@kind
def another_tier(example: Example) -> Iterator[Edit]:
    """An account or key has another tier"""
    tiers = ("free", "pro", "enterprise")
    for token in roles.scalars(example, "tier"):
        new = tiers[(tiers.index(token.value) + 1) % 3]
        yield example.replace(token, new, choice="customers change their tier")


@kind
def another_region(example: Example) -> Iterator[Edit]:
    """An account is in another region of the platform's"""
    regions = example.ids("regions")
    for token in roles.references(example, "region", "regions"):
        for other in regions:
            used = {
                each.value for each in example.values() if each.file == token.file and each.route[:1] == ("regions",)
            }
            if other != token.value and other not in used:
                yield example.replace(token, other, choice="accounts move; residency: holds those that must not")


@kind
def another_source(example: Example) -> Iterator[Edit]:
    """An account with endpoints of its own takes the rest from the platform, or no longer"""
    for token in roles.scalars(example, "source"):
        other = {"auto": "tenant", "tenant": "auto"}.get(token.value)
        if other and any(each.file == token.file and each.route == ("endpoints",) for each in example.key_tokens()):
            yield example.replace(token, other, choice="where traffic goes is what someone decides")


@kind
def another_priority(example: Example) -> Iterator[Edit]:
    """Primary and secondary endpoint have changed places"""
    for block in example.blocks:
        if block.file.startswith("regions") and len(block.route) == 2 and isinstance(block.node, yaml.SequenceNode):
            names = [each.value for each in block.node.value]
            if len(names) > 1:
                span = block.node.start_mark.index, block.node.end_mark.index
                new = f"[{', '.join(reversed(names))}]"
                yield example.splice(block.file, span, new, choice="which endpoint comes first is what someone decides")


@kind
def another_team(example: Example) -> Iterator[Edit]:
    """A key is another team's"""
    for token in roles.references(example, "team"):
        other = "research" if token.value == "support" else "support"
        yield example.replace(token, other, choice="keys change hands")


@kind
def another_group(example: Example) -> Iterator[Edit]:
    """A model that nothing falls back to carries another access group that is granted"""
    targets = {each.value for each in roles.references(example, "fallbacks", "context_window_fallbacks")}
    for token in example.values():
        if token.at("access_groups", None) and example.value(token.file, "code").value not in targets:
            other = "beta" if token.value == "general" else "general"
            yield example.replace(token, other, choice="who may call a model is what someone decides")


@kind
def another_hash(example: Example) -> Iterator[Edit]:
    """A key's hash has another digit"""
    for token in roles.scalars(example, "sha256"):
        digit = "1" if token.value[5] == "0" else "0"
        new = f"{token.value[:5]}{digit}{token.value[6:]}"
        yield example.replace(token, new, choice="one hash looks like another; a key was rotated")


@kind
def another_secret(example: Example) -> Iterator[Edit]:
    """A ref names another variable"""
    for token in roles.scalars(example, "api_key", "client_secret"):
        why = "what a ref points to is known to push alone, which refuses one that points nowhere"
        yield example.replace(token, f"{token.value}_2", choice=why)


@kind
def another_version(example: Example) -> Iterator[Edit]:
    """An endpoint has another API version"""
    for token in (each for each in roles.scalars(example, "version") if len(each.route) > 1):
        yield example.replace(token, '"2025-03-01-preview"', choice="versions are chosen; sunset: dates them")


@kind
def optional_field_gone(example: Example) -> Iterator[Edit]:
    """A field that is optional is gone"""
    for block in example.blocks:
        if (
            block.key
            and block.route[-1] in _OPTIONAL
            and not (block.file.startswith("regions") and len(block.route) == 1)
        ) and block.route[0] not in ("credentials", "stores"):
            yield example.drop(block, choice="a limit, a choice or an extra that need not be there")


@kind
def entry_gone(example: Example) -> Iterator[Edit]:
    """One of several entries of a list is gone"""
    for block in example.blocks:
        parent = [each for each in example.blocks if each.file == block.file and each.route[:-1] == block.route[:-1]]
        if block.key is None and block.flow and len(parent) > 1 and "teams" not in block.route:
            yield example.drop(block, choice="lists become shorter")


@kind
def account_gone(example: Example) -> Iterator[Edit]:
    """An account is gone"""
    for file in example.files:
        if file.startswith("accounts/"):
            why = "customers leave; what is in the store is kept until prune"
            yield Edit(file, {file: None}, ((file, (0, 1)),), choice=why)


@kind
def another_store(example: Example) -> Iterator[Edit]:
    """A store leads to another project"""
    token = example.value("llmcompile.yaml", "stores", "production")
    yield example.replace(token, "gcpsecrets://other-llm-prod", choice="push asks the project whose it is")


@kind
def another_description(example: Example) -> Iterator[Edit]:
    """A text for people says something else"""
    for token in roles.scalars(example, "description", "name"):
        if len(token.route) == 1 or token.last == "description":
            yield example.replace(token, "Something else", choice="text for people")
