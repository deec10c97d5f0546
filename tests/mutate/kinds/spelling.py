"""Names that are misspelled: fields, words out of a list, references, and what references lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Example, Token


def _misspelled(example: Example, tokens: Iterable[Token], typo: Callable[[str], str]) -> Iterator[Edit]:
    for token in tokens:
        new = typo(token.value)
        if new and new != token.value:
            yield example.replace(token, f'"{new}"' if token.quoted else new, f"'{token.value}'")


@kind
def field_without_a_letter(example: Example) -> Iterator[Edit]:
    """A field's name lacks a letter"""
    return _misspelled(example, roles.fields(example), roles.dropped_letter)


@kind
def field_with_swapped_letters(example: Example) -> Iterator[Edit]:
    """Two letters of a field's name are swapped"""
    return _misspelled(example, roles.fields(example), roles.swapped_letters)


@kind
def field_with_a_doubled_letter(example: Example) -> Iterator[Edit]:
    """A letter of a field's name is there twice"""
    return _misspelled(example, roles.fields(example), roles.doubled_letter)


@kind
def field_in_capitals(example: Example) -> Iterator[Edit]:
    """A field's name starts with a capital letter"""
    return _misspelled(example, roles.fields(example), str.capitalize)


@kind
def field_with_dashes(example: Example) -> Iterator[Edit]:
    """A field's name has dashes for underscores"""
    return _misspelled(example, roles.fields(example), lambda word: word.replace("_", "-"))


@kind
def field_in_camel_case(example: Example) -> Iterator[Edit]:
    """A field's name is written as other formats have it: baseUrl"""
    return _misspelled(
        example,
        roles.fields(example),
        lambda word: word[0] + word.title().replace("_", "")[1:] if "_" in word else word,
    )


@kind
def field_in_singular_or_plural(example: Example) -> Iterator[Edit]:
    """A field's name has an s too many or lacks one"""
    typo = lambda word: word[:-1] if word.endswith("s") else word + "s"  # noqa: E731
    others = {"region", "regions"}
    return _misspelled(example, (each for each in roles.fields(example) if each.value not in others), typo)


@kind
def word_without_a_letter(example: Example) -> Iterator[Edit]:
    """A word out of a fixed list lacks a letter"""
    return _misspelled(example, roles.enumerated(example), roles.dropped_letter)


@kind
def word_with_swapped_letters(example: Example) -> Iterator[Edit]:
    """Two letters of a word out of a fixed list are swapped"""
    return _misspelled(example, roles.enumerated(example), roles.swapped_letters)


@kind
def word_in_capitals(example: Example) -> Iterator[Edit]:
    """A word out of a fixed list starts with a capital letter"""
    return _misspelled(example, roles.enumerated(example), str.capitalize)


@kind
def reference_without_a_letter(example: Example) -> Iterator[Edit]:
    """A reference lacks a letter"""
    return _misspelled(example, roles.references(example), roles.dropped_letter)


@kind
def reference_with_swapped_letters(example: Example) -> Iterator[Edit]:
    """Two letters of a reference are swapped"""
    return _misspelled(example, roles.references(example), roles.swapped_letters)


@kind
def reference_with_a_doubled_letter(example: Example) -> Iterator[Edit]:
    """A letter of a reference is there twice"""
    return _misspelled(example, roles.references(example), roles.doubled_letter)


@kind
def reference_with_a_wrong_letter(example: Example) -> Iterator[Edit]:
    """A letter of a reference is the one beside it on the keyboard"""
    return _misspelled(example, roles.references(example), roles.struck_beside)


@kind
def reference_in_capitals(example: Example) -> Iterator[Edit]:
    """A reference is written in capitals"""
    return _misspelled(example, roles.references(example), str.upper)


@kind
def reference_with_another_separator(example: Example) -> Iterator[Edit]:
    """A reference has underscores for dashes"""
    return _misspelled(example, roles.references(example), lambda word: word.replace("-", "_"))


@kind
def reference_with_a_foreign_letter(example: Example) -> Iterator[Edit]:
    """A letter of a reference is a Cyrillic one that looks the same"""
    alike = str.maketrans({"o": "о", "e": "е", "a": "а"})  # noqa: RUF001
    return _misspelled(example, roles.references(example), lambda word: word.translate(alike))


@kind
def reference_with_a_space(example: Example) -> Iterator[Edit]:
    """A reference ends in a space, inside of quotation marks"""
    for token in roles.references(example):
        yield example.replace(token, f'"{token.value} "', f"'{token.value}'")


@kind
def reference_under_a_provider(example: Example) -> Iterator[Edit]:
    """A model of an azure endpoint is written with another provider's prefix"""
    for token in roles.references(example, "supported_models"):
        yield example.replace(token, f"groq/{token.value}", f"'{token.value}'")


@kind
def declared_name_misspelled(example: Example) -> Iterator[Edit]:
    """A name is misspelled where it is declared, so that its references lead nowhere"""
    # Which of the two is meant is anyone's guess: nothing is expected to be suggested.
    declared = roles.declarations(example, "tiers", "credentials", "endpoints", "teams", "access_groups")
    used = {token.value for token in roles.references(example)}
    for token in declared:
        if token.value in used and not (token.file == "llmcompile.yaml" and token.route[0] == "access_groups"):
            yield example.replace(token, roles.dropped_letter(token.value))


@kind
def id_misspelled(example: Example) -> Iterator[Edit]:
    """The id inside of a file is misspelled"""
    tokens = (each for each in example.values() if each.route in (("account",), ("region",), ("code",)))
    own = (each for each in tokens if roles.folder(each) != "accounts" or each.route == ("account",))
    return _misspelled(example, own, roles.swapped_letters)


@kind
def carried_group_misspelled(example: Example) -> Iterator[Edit]:
    """The access group that a model carries is misspelled, which makes a new one"""
    tokens = (each for each in example.values() if each.at("access_groups", None))
    return _misspelled(example, tokens, roles.dropped_letter)


@kind
def provider_misspelled(example: Example) -> Iterator[Edit]:
    """A provider's name has two letters swapped"""
    return _misspelled(example, roles.scalars(example, "provider"), roles.swapped_letters)


@kind
def currency_misspelled(example: Example) -> Iterator[Edit]:
    """A currency's code has two letters swapped"""
    return _misspelled(example, roles.scalars(example, "currency"), roles.swapped_letters)


@kind
def currency_in_small_letters(example: Example) -> Iterator[Edit]:
    """A currency's code is written in small letters"""
    return _misspelled(example, roles.scalars(example, "currency"), str.lower)


@kind
def currency_as_a_sign(example: Example) -> Iterator[Edit]:
    """A currency is written as its sign"""
    for token in roles.scalars(example, "currency"):
        yield example.replace(token, "$", "USD")


@kind
def parameter_misspelled(example: Example) -> Iterator[Edit]:
    """A request parameter that the router adds is misspelled"""
    tokens = (each for each in example.key_tokens() if each.at("default_params", None))
    return _misspelled(example, tokens, roles.dropped_letter)
