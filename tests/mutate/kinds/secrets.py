"""Secrets: keys that were pasted, and refs that point nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Example

_PASTED = "sk-" + "Ab3dEf6hIj9k" * 3
"""Looks like a key, and is none."""


def _refs(example: Example) -> Iterator:
    return roles.scalars(example, "api_key", "client_secret")


@kind
def key_pasted_for_a_ref(example: Example) -> Iterator[Edit]:
    """A key is written out where a ref belongs"""
    for token in _refs(example):
        yield example.replace(token, _PASTED, "ref+env://NAME")


@kind
def password_pasted_for_a_ref(example: Example) -> Iterator[Edit]:
    """A password that looks like no known key is written out where a ref belongs"""
    for token in _refs(example):
        yield example.replace(token, "correct-horse", "ref+env://NAME")


@kind
def key_pasted_anywhere(example: Example) -> Iterator[Edit]:
    """A key is pasted into a field for something else"""
    for token in example.values():
        yield example.replace(token, _PASTED)


@kind
def key_pasted_for_its_hash(example: Example) -> Iterator[Edit]:
    """A router key stands where its hash belongs"""
    for token in roles.scalars(example, "sha256"):
        yield example.replace(token, _PASTED)


@kind
def ref_with_a_scheme_misspelled(example: Example) -> Iterator[Edit]:
    """A ref's scheme is misspelled"""
    for token in _refs(example):
        yield example.replace(token, token.value.replace("env", "evn"), "ref+env://", f"'{token.value}'")


@kind
def ref_with_its_plus_missing(example: Example) -> Iterator[Edit]:
    """A ref lacks its plus sign"""
    for token in _refs(example):
        yield example.replace(token, token.value.replace("ref+", "ref"), "ref+env://", f"'{token.value}'")


@kind
def ref_with_a_slash_missing(example: Example) -> Iterator[Edit]:
    """A ref has one slash"""
    for token in _refs(example):
        yield example.replace(token, token.value.replace("://", ":/"), "ref+env://", f"'{token.value}'")


@kind
def ref_without_its_scheme(example: Example) -> Iterator[Edit]:
    """A ref is the name of a variable alone"""
    for token in _refs(example):
        yield example.replace(token, token.value.removeprefix("ref+env://"), f"'{token.value}'", "ref+env://NAME")


@kind
def ref_as_a_shell_has_it(example: Example) -> Iterator[Edit]:
    """A ref is a variable as a shell has it"""
    for token in _refs(example):
        yield example.replace(token, "$" + token.value.removeprefix("ref+env://"), f"'{token.value}'", "ref+env://NAME")


@kind
def ref_inside_of_text(example: Example) -> Iterator[Edit]:
    """A ref is a part of a longer value"""
    for token in _refs(example):
        yield example.replace(token, f"Bearer {token.value}", "whole value")


@kind
def ref_with_a_name_that_cannot_be(example: Example) -> Iterator[Edit]:
    """A ref names a variable that no shell could set"""
    for token in _refs(example):
        yield example.replace(token, token.value.replace("_", "-"), "ref+env://", f"'{token.value}'")


@kind
def ref_in_a_public_field(example: Example) -> Iterator[Edit]:
    """A ref stands in a field that holds no secret"""
    for token in roles.scalars(example, "client_id", "base_url", "token_url", "deployment_prefix"):
        yield example.replace(token, "ref+env://OTHER")
