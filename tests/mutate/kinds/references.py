"""References that lead somewhere else or nowhere, and declarations that are gone."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Example, Token


@kind
def reference_to_nothing(example: Example) -> Iterator[Edit]:
    """A reference names something that is nowhere"""
    for token in roles.references(example):
        yield example.replace(token, "zzz-other")


@kind
def fallback_to_nothing(example: Example) -> Iterator[Edit]:
    """A fallback names a model that was taken out of the catalogue"""
    for token in roles.references(example, "fallbacks", "context_window_fallbacks"):
        yield example.replace(token, "claude-2", "add it under models/")


@kind
def wrong_region(example: Example) -> Iterator[Edit]:
    """An account is in a region that the platform is not in"""
    for token in roles.references(example, "region", "regions"):
        yield example.replace(token, "asia-east1", "add regions/asia-east1.yaml")


@kind
def region_of_another_cloud(example: Example) -> Iterator[Edit]:
    """An account's region is named as Azure names its regions"""
    for token in roles.references(example, "region", "regions"):
        yield example.replace(token, "westeurope")


@kind
def endpoint_of_another_region(example: Example) -> Iterator[Edit]:
    """A region's model names an endpoint that only another region has"""
    regions = {file: _endpoints(example, file) for file in example.files if file.startswith("regions/")}
    for token in example.values():
        if roles.folder(token) == "regions" and token.at("models", None, None):
            others = set().union(*regions.values()) - regions[token.file]
            for other in sorted(others):
                yield example.replace(token, other)


def _endpoints(example: Example, file: str) -> set[str]:
    return {str(each.route[1]) for each in example.key_tokens() if each.file == file and each.at("endpoints", None)}


@kind
def reference_of_another_sort(example: Example) -> Iterator[Edit]:
    """A reference names something of another sort: a team for a tier, a group for a model"""
    swapped = {
        "tier": "general",
        "team": "pro",
        "groups": "gpt-4o",
        "fallbacks": "beta",
        "models": "support",
        "region": "pro",
    }
    for token in roles.references(example):
        if token.last in swapped and not token.is_key:
            yield example.replace(token, swapped[token.last])


@kind
def declaration_removed(example: Example) -> Iterator[Edit]:
    """A tier, credential, endpoint, team or member is gone, and still referred to"""
    for block in example.blocks:
        if (
            block.key
            and len(block.route) == 2
            and block.route[0] in ("tiers", "credentials", "endpoints", "teams", "route_groups")
        ):
            name = block.route[1]
            users = [each for each in roles.references(example) if each.value == name and _sees(block.file, each)]
            if users:
                edit = example.drop(block)
                spots = [(each.file, each.span) for each in users if each.file != block.file]
                start, stop = example.whole(block)
                here = [each for each in users if each.file == block.file]
                parent = example.block(block.file, block.route[0]).key
                here += [parent] if parent else []  # which holds nothing any more, if it was the only one
                moved = [(each.file, _moved(each, start, stop)) for each in here]
                yield Edit(edit.file, edit.changed, (*spots, *moved))


def _sees(file: str, user: Token) -> bool:
    return file in ("llmcompile.yaml", user.file)


def _moved(token: Token, start: int, stop: int) -> tuple[int, int]:
    by = stop - start if token.span[0] >= stop else 0
    return token.span[0] - by, token.span[1] - by


@kind
def credential_of_another_provider(example: Example) -> Iterator[Edit]:
    """An endpoint takes a shared credential that another provider issued"""
    for block in example.blocks:
        if block.file.startswith("regions") and len(block.route) == 3 and block.route[-1] == "api_key":
            provider = example.value(block.file, *block.route[:-1], "provider").value
            if provider != "azure":
                yield example.splice(block.file, block.span, "credential: azure-shared")


@kind
def entry_twice(example: Example) -> Iterator[Edit]:
    """An entry of a list is there twice"""
    for block in example.blocks:
        if block.key is None and block.flow and isinstance(block.node, yaml.ScalarNode):
            written = example.text(block)
            at = block.span[1]
            yield example.splice(
                block.file, (at, at), f", {written}", (at + 2, at + 2 + len(written)), meant=("keep one",)
            )


@kind
def fallback_to_itself(example: Example) -> Iterator[Edit]:
    """A model falls back to itself"""
    for token in roles.references(example, "fallbacks", "context_window_fallbacks"):
        yield example.replace(token, example.value(token.file, "code").value, "remove")


@kind
def fallback_cycle(example: Example) -> Iterator[Edit]:
    """A fallback leads back to where it started"""
    for token in roles.references(example, "fallbacks", "context_window_fallbacks"):
        source = example.value(token.file, "code").value
        target = next(each for each in example.values() if each.route == ("code",) and each.value == token.value)
        edit = _fallbacks(example, target, str(token.route[0]), source)
        if edit:
            yield Edit(edit.file, edit.changed, (*edit.tokens, (token.file, token.span)), ("remove",))


def _fallbacks(example: Example, code: Token, field: str, target: str) -> Edit | None:
    """A fallback more for a model that has none of this kind; None where it has."""
    if any(each.file == code.file and each.at(field) for each in example.key_tokens()):
        return None
    line = f"\n{field}: [{target}]"
    at = code.span[1] + len(line) - 1 - len(target)
    return example.splice(code.file, (code.span[1], code.span[1]), line, (at, at + len(target)))


@kind
def fallback_of_another_type(example: Example) -> Iterator[Edit]:
    """A model falls back to a model of another type"""
    types = {each.file: each.value for each in example.values() if each.route == ("type",)}
    for token in roles.references(example, "fallbacks", "context_window_fallbacks"):
        for other, of_type in types.items():
            if of_type != types[token.file]:
                yield example.replace(token, example.value(other, "code").value)


@kind
def fallback_added_of_another_type(example: Example) -> Iterator[Edit]:
    """A model gets a fallback of another type"""
    codes = [each for each in example.values() if each.route == ("code",)]
    types = {each.file: example.value(each.file, "type").value for each in codes}
    for code in codes:
        other = next(each for each in codes if types[each.file] != types[code.file])
        if edit := _fallbacks(example, code, "fallbacks", other.value):
            yield edit


@kind
def model_that_nothing_serves(example: Example) -> Iterator[Edit]:
    """An account is granted a model that none of its endpoints serves"""
    for token in roles.references(example, "access"):
        if token.at("access", "models", None):
            yield example.replace(token, "llama3.2")


@kind
def member_that_nothing_serves(example: Example) -> Iterator[Edit]:
    """A route group has a member that no endpoint of the account serves"""
    for token in roles.references(example, "members"):
        yield example.replace(token, "llama3.2")


@kind
def member_of_another_type(example: Example) -> Iterator[Edit]:
    """A route group mixes chat with embeddings"""
    for token in roles.references(example, "members"):
        edit = example.replace(token, "text-embedding-3-large")
        # Which of two is the odd one is anyone's guess.
        others = [(each.file, each.span) for each in roles.references(example, "members") if each != token]
        shift = len("text-embedding-3-large") - len(token.value)
        moved = [(file, (a + shift, b + shift) if a > token.span[0] else (a, b)) for file, (a, b) in others]
        yield Edit(edit.file, edit.changed, (*edit.tokens, *moved))


@kind
def group_named_like_a_model(example: Example) -> Iterator[Edit]:
    """A route group has the name of a model"""
    for token in example.key_tokens():
        if token.at("route_groups", None):
            yield example.replace(token, "gpt-4o-mini", "rename it")


@kind
def list_emptied(example: Example) -> Iterator[Edit]:
    """A list of endpoints, models or members holds nothing any more"""
    needed = ("supported_models", "scopes", "members", "regions")
    for block in example.blocks:
        in_region = block.file.startswith("regions") and len(block.route) == 2 and block.route[0] == "models"
        if block.key and isinstance(block.node, yaml.SequenceNode) and (block.route[-1] in needed or in_region):
            stop = len(example.files[block.file][: block.span[1]].rstrip())
            edit = example.splice(block.file, (block.node.start_mark.index, stop), "[]")
            tokens = (*edit.tokens, (block.file, block.key.span))
            yield Edit(edit.file, edit.changed, tokens)
