"""Rights: teams and keys wider than their parents, groups that say nothing, keys that are not unique."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Block, Example, Token


def _teams(example: Example) -> Iterator[Block]:
    return (each for each in example.blocks if len(each.route) == 2 and each.route[0] == "teams")


def _inserted(example: Example, block: Block, text: str, wrong: str) -> Edit:
    """Text in front of the closing brace of a mapping; ``wrong`` is the wrong part of it."""
    at = block.node.end_mark.index - 1
    spot = at + text.index(wrong)
    return example.splice(block.file, (at, at), text, (spot, spot + len(wrong)))


@kind
def team_wider_than_its_account(example: Example) -> Iterator[Edit]:
    """A team gets an access group that its account does not have"""
    for token in example.values():
        if token.at("teams", None, "groups", None):
            at = token.span[1]
            yield example.splice(token.file, (at, at), ", labs", (at + 2, at + 6), meant=("remove it here",))


@kind
def team_with_a_model_of_its_own(example: Example) -> Iterator[Edit]:
    """A team gets a model that its account may not call"""
    for block in _teams(example):
        if example.value(block.file, *block.route, "mode").value == "restrict":
            yield _inserted(example, block, ", models: [llama3.2]", "llama3.2")


@kind
def key_wider_than_its_team(example: Example) -> Iterator[Edit]:
    """A key gets an access group that its parent does not have"""
    for block in example.blocks:
        if len(block.route) == 2 and block.route[0] == "keys":
            yield _inserted(example, block, ", mode: restrict, groups: [labs]", "labs")


@kind
def account_narrower_than_its_team(example: Example) -> Iterator[Edit]:
    """An account loses the access group that one of its teams has"""
    used = {(each.file, each.value): each for each in example.values() if each.at("teams", None, "groups", None)}
    for block in example.blocks:
        if (
            len(block.route) == 3
            and block.route[:2] == ("access", "groups")
            and isinstance(block.node, yaml.ScalarNode)
        ):
            team = used.get((block.file, block.node.value))
            key = example.block(block.file, "access", "groups").key
            assert key
            if team:
                access = example.block(block.file, "access").key
                assert access
                yield example.drop(block, team, key, access, meant=("grant it to the parent", "grant 'gpt-4o' too"))


@kind
def restricted_to_nothing(example: Example) -> Iterator[Edit]:
    """A team is restricted, and no list says to what"""
    for token in roles.scalars(example, "mode"):
        if token.value == "inherit":
            yield example.replace(token, "restrict")


@kind
def restriction_lost(example: Example) -> Iterator[Edit]:
    """A team with lists inherits"""
    for token in roles.scalars(example, "mode"):
        if token.value == "restrict":
            edit = example.replace(token, "inherit", "write mode: restrict")
            groups = example.block(token.file, *token.route[:-1], "groups").key
            assert groups
            yield Edit(
                edit.file,
                edit.changed,
                (*edit.tokens, (token.file, (groups.span[0] - 1, groups.span[1] - 1))),
                edit.meant,
            )


@kind
def access_to_nothing(example: Example) -> Iterator[Edit]:
    """An account's list of access groups is empty"""
    for block in example.blocks:
        if block.key and block.route == ("access", "groups"):
            span = block.node.start_mark.index, block.node.end_mark.index
            edit = example.splice(block.file, span, "[]")
            access = example.block(block.file, "access").key
            assert access
            yield Edit(edit.file, edit.changed, (*edit.tokens, (block.file, access.span)))


@kind
def group_in_capitals(example: Example) -> Iterator[Edit]:
    """An access group that a model carries is written in capitals"""
    for token in example.values():
        if token.at("access_groups", None):
            yield example.replace(token, token.value.upper(), f"'{token.value}'")


@kind
def group_with_a_space(example: Example) -> Iterator[Edit]:
    """An access group that a model carries has two words"""
    for token in example.values():
        if token.at("access_groups", None):
            yield example.replace(token, f"{token.value} models", f"'{token.value}-models'")


@kind
def group_that_the_fallback_lacks(example: Example) -> Iterator[Edit]:
    """A fallback carries another access group than its model, so that some may call the one and not the other"""
    targets = {each.value for each in roles.references(example, "fallbacks", "context_window_fallbacks")}
    for token in example.values():
        if token.at("access_groups", None) and example.value(token.file, "code").value in targets:
            yield example.replace(token, "labs")


@kind
def groups_of_a_model_lost(example: Example) -> Iterator[Edit]:
    """A model that only its access groups let anyone call carries none"""
    for block in example.blocks:
        if block.route == ("access_groups",) and block.file.startswith("models"):
            code = example.value(block.file, "code")
            yield example.drop(block, code, code.span)


@kind
def key_id_twice(example: Example) -> Iterator[Edit]:
    """Two router keys have one id"""
    return _copied(example, "id")


@kind
def key_hash_twice(example: Example) -> Iterator[Edit]:
    """Two router keys have one hash"""
    return _copied(example, "sha256")


def _copied(example: Example, field: str) -> Iterator[Edit]:
    keys = [each for each in roles.scalars(example, field) if each.route[0] == "keys"]
    for one in keys:
        for other in keys:
            if one != other and one.file == other.file:
                edit = example.replace(one, other.value, "issue a key of its own")
                yield Edit(
                    edit.file, edit.changed, (*edit.tokens, (other.file, _after(example, edit, other))), edit.meant
                )


def _after(example: Example, edit: Edit, token: Token) -> tuple[int, int]:
    by = len((edit.changed[edit.file] or b"").decode()) - len(example.files[edit.file])
    moved = by if token.span[0] > edit.tokens[0][1][0] else 0
    return token.span[0] + moved, token.span[1] + moved


@kind
def key_without_a_hash(example: Example) -> Iterator[Edit]:
    """A router key has no hash"""
    for block in example.blocks:
        if len(block.route) == 3 and block.route[0] == "keys" and block.route[2] == "sha256":
            parent = example.block(block.file, *block.route[:2])
            start, stop = parent.span
            yield example.drop(block, (start, stop - 2), meant=("add sha256",))


@kind
def key_hash_shortened(example: Example) -> Iterator[Edit]:
    """A router key's hash lacks its last digit"""
    for token in roles.scalars(example, "sha256"):
        yield example.replace(token, token.value[:-1], "sha256sum")


@kind
def key_hash_with_a_wrong_letter(example: Example) -> Iterator[Edit]:
    """A router key's hash holds an o for a zero"""
    for token in roles.scalars(example, "sha256"):
        yield example.replace(token, f"o{token.value[1:]}", "sha256sum")


@kind
def tier_of_no_traffic(example: Example) -> Iterator[Edit]:
    """An account that never uses the platform has a tier, which limits nothing"""
    for token in roles.scalars(example, "source"):
        if token.value in ("tenant", "local"):
            at = token.span[1]
            edit = example.splice(token.file, (at, at), "\ntier: pro", (at + 7, at + 10))
            yield edit


@kind
def endpoints_that_the_source_ignores(example: Example) -> Iterator[Edit]:
    """An account with endpoints of its own takes everything from the platform"""
    for token in roles.scalars(example, "source"):
        if any(each.file == token.file and each.route == ("endpoints",) for each in example.key_tokens()):
            edit = example.replace(token, "platform")
            key = example.block(token.file, "endpoints").key
            assert key
            by = len("platform") - len(token.value)
            yield Edit(edit.file, edit.changed, (*edit.tokens, (token.file, (key.span[0] + by, key.span[1] + by))))


@kind
def source_without_endpoints(example: Example) -> Iterator[Edit]:
    """An account without endpoints of its own takes everything from them"""
    for token in roles.scalars(example, "source"):
        if not any(each.file == token.file and each.route == ("endpoints",) for each in example.key_tokens()):
            yield example.replace(token, "tenant", "source: platform")
