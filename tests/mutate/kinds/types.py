"""Values of the wrong type, or written as another format would have them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Example, Token

_FREE = ("description", "name", "EXAMPLE")


def _numbers(example: Example) -> Iterator[Token]:
    yield from roles.prices(example)
    yield from roles.scalars(example, *roles.COUNTS)


@kind
def number_in_quotes(example: Example) -> Iterator[Edit]:
    """A number stands in quotation marks"""
    for token in _numbers(example):
        yield example.replace(token, f'"{token.value}"', token.value)


@kind
def number_with_a_unit(example: Example) -> Iterator[Edit]:
    """A number has its unit behind it"""
    for token in _numbers(example):
        unit = {"timeout_seconds": "s", "price_horizon_days": " days", "max_change_percent": "%"}.get(
            token.last, " per 1M"
        )
        yield example.replace(token, token.value + unit, f"'{token.value}'")


@kind
def number_with_a_currency(example: Example) -> Iterator[Edit]:
    """A price has its currency in front of it"""
    for token in roles.prices(example):
        yield example.replace(token, f"${token.value}", f"'{token.value}'")


@kind
def number_with_a_decimal_comma(example: Example) -> Iterator[Edit]:
    """A price has a decimal comma"""
    for token in roles.prices(example):
        if "." in token.value:
            yield example.replace(token, token.value.replace(".", ","), f"'{token.value}'")


@kind
def number_with_thousands_apart(example: Example) -> Iterator[Edit]:
    """A large number has its thousands set apart by a comma"""
    for token in roles.scalars(example, *roles.COUNTS):
        if token.value.isdigit() and len(token.value) > 3:
            yield example.replace(token, f"{int(token.value):,}", f"'{token.value}'")


@kind
def number_with_underscores(example: Example) -> Iterator[Edit]:
    """A large number has its thousands set apart by underscores"""
    for token in roles.scalars(example, *roles.COUNTS):
        if token.value.isdigit() and len(token.value) > 3:
            yield example.replace(token, f"{int(token.value):_}", f"'{token.value}'")


@kind
def number_in_short(example: Example) -> Iterator[Edit]:
    """A large number is written in thousands: 500k"""
    for token in roles.scalars(example, *roles.COUNTS):
        if token.value.endswith("000"):
            yield example.replace(token, f"{token.value[:-3]}k", f"'{token.value}'")


@kind
def number_with_a_leading_zero(example: Example) -> Iterator[Edit]:
    """A whole number starts with a zero"""
    for token in roles.scalars(example, *roles.COUNTS):
        yield example.replace(token, f"0{token.value}", f"'{token.value}'")


@kind
def number_without_its_zero(example: Example) -> Iterator[Edit]:
    """A price below one starts with the decimal point"""
    for token in roles.prices(example):
        if token.value.startswith("0."):
            yield example.replace(token, token.value[1:], f"'{token.value}'")


@kind
def number_negative(example: Example) -> Iterator[Edit]:
    """A number has a minus in front of it"""
    for token in _numbers(example):
        if token.value.strip("0."):
            yield example.replace(token, f"-{token.value}")


@kind
def whole_number_with_a_fraction(example: Example) -> Iterator[Edit]:
    """A whole number has a fraction"""
    for token in roles.scalars(example, *roles.COUNTS):
        choice = "a part of a second" if token.last == "timeout_seconds" else ""
        yield example.replace(token, f"{token.value}.5", choice=choice)


@kind
def number_for_text(example: Example) -> Iterator[Edit]:
    """A name is a number"""
    for token in roles.references(example):
        yield example.replace(token, "42")


@kind
def count_of_zero(example: Example) -> Iterator[Edit]:
    """A limit is zero"""
    for token in roles.scalars(example, *roles.COUNTS):
        free = {
            "min_changes": "every change asks for confirmation",
            "price_horizon_days": "prices are wanted for today",
        }
        yield example.replace(token, "0", choice=free.get(token.last, ""))


@kind
def word_for_a_number(example: Example) -> Iterator[Edit]:
    """A limit is a word: unlimited"""
    for token in roles.scalars(example, *roles.COUNTS):
        yield example.replace(token, "unlimited")


@kind
def yes_for_true(example: Example) -> Iterator[Edit]:
    """A boolean is written as yes"""
    for token in roles.scalars(example, "realtime"):
        yield example.replace(token, "yes", "true")


@kind
def true_in_capitals(example: Example) -> Iterator[Edit]:
    """A boolean starts with a capital letter"""
    for token in roles.scalars(example, "realtime"):
        yield example.replace(token, "True", "true")


@kind
def list_for_one_value(example: Example) -> Iterator[Edit]:
    """A single value is written as a list"""
    for token in example.values():
        if isinstance(token.route[-1], str) and not token.at("default_params", None):
            written = example.files[token.file][slice(*token.span)]
            yield example.replace(token, f"[{written}]", choice="")


@kind
def one_value_for_a_list(example: Example) -> Iterator[Edit]:
    """A list is written as its first entry"""
    for block in example.blocks:
        if isinstance(block.node, yaml.SequenceNode) and block.node.flow_style and block.key:
            span = block.node.start_mark.index, block.node.end_mark.index
            yield example.splice(block.file, span, block.node.value[0].value, meant=(f"[{block.node.value[0].value}]",))


@kind
def list_in_words(example: Example) -> Iterator[Edit]:
    """A list is one text with commas"""
    for block in example.blocks:
        if isinstance(block.node, yaml.SequenceNode) and block.node.flow_style and len(block.node.value) > 1:
            names = ", ".join(each.value for each in block.node.value)
            span = block.node.start_mark.index, block.node.end_mark.index
            yield example.splice(block.file, span, f'"{names}"', meant=(f"[{names}]",))


@kind
def mapping_for_a_value(example: Example) -> Iterator[Edit]:
    """A value has become a mapping"""
    for token in example.values():
        if isinstance(token.route[-1], str) and not token.at("default_params", None):
            written = example.files[token.file][slice(*token.span)]
            yield example.replace(token, "{value: " + written + "}")


@kind
def value_erased(example: Example) -> Iterator[Edit]:
    """A key has lost its value"""
    for block in example.blocks:
        if (
            block.key
            and block.route[:1] != ("default_params",)
            and not (block.route[0] == "access_groups" and block.file == "llmcompile.yaml" and len(block.route) == 2)
        ):
            start = block.node.start_mark.index
            stop = len(example.files[block.file][: block.span[1]].rstrip())
            edit = example.splice(
                block.file, (start, stop), "", block.key.span, meant=("remove the key", "fill it in", "write")
            )
            yield edit


@kind
def null_written(example: Example) -> Iterator[Edit]:
    """A value is null"""
    for token in example.values():
        if not token.at("default_params", None):
            yield example.replace(token, "null", "fill it in", "remove", "write")


@kind
def date_without_zeros(example: Example) -> Iterator[Edit]:
    """A date lacks its leading zeros"""
    for token in roles.scalars(example, "start", "end"):
        new = re.sub(r"-0(\d)", r"-\1", token.value)
        if new != token.value:
            yield example.replace(token, new, token.value)


@kind
def date_with_slashes(example: Example) -> Iterator[Edit]:
    """A date has slashes"""
    for token in roles.scalars(example, "start", "end"):
        yield example.replace(token, token.value.replace("-", "/"), token.value)


@kind
def date_day_first(example: Example) -> Iterator[Edit]:
    """A date starts with the day: 01.10.2024"""
    for token in roles.scalars(example, "start", "end"):
        year, month, day = token.value[:10].split("-")
        yield example.replace(token, f"{day}.{month}.{year}", f"{year}-{month}-{day}")


@kind
def date_that_does_not_exist(example: Example) -> Iterator[Edit]:
    """A date is the 31st of a month that has none"""
    for token in roles.scalars(example, "start", "end"):
        yield example.replace(token, f"{token.value[:5]}02-31{token.value[10:]}")


@kind
def date_with_a_month_of_13(example: Example) -> Iterator[Edit]:
    """A date has a month that does not exist"""
    for token in roles.scalars(example, "start", "end"):
        yield example.replace(token, f"{token.value[:5]}13{token.value[7:]}")


@kind
def date_with_an_offset(example: Example) -> Iterator[Edit]:
    """An instant has another time zone's offset"""
    for token in roles.scalars(example, "start", "end"):
        yield example.replace(token, f"{token.value[:10]}T00:00:00+02:00")
