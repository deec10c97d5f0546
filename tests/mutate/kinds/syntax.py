"""YAML that is written wrong: colons, brackets, quotation marks, dashes and indentation."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import yaml
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Block, Example
from tests.mutate.kinds.characters import _lines


def _pairs(example: Example, *, flow: bool | None = None) -> Iterator[tuple[Block, tuple[int, int]]]:
    """Every pair with the span of its colon and what follows on the line."""
    for block in example.blocks:
        if block.key and (flow is None or block.flow is flow):
            yield block, (block.key.span[1], block.key.span[1] + 1)


@kind
def colon_missing(example: Example) -> Iterator[Edit]:
    """A key has no colon"""
    for block, colon in _pairs(example):
        assert block.key
        yield example.splice(block.file, colon, "", (block.key.span[0], colon[0] + 1))


@kind
def colon_without_a_space(example: Example) -> Iterator[Edit]:
    """A colon has no space behind it"""
    for block, (_at, stop) in _pairs(example):
        if example.files[block.file][stop : stop + 1] == " " and block.key:
            yield example.splice(block.file, (stop, stop + 1), "", (block.key.span[0], stop + 1))


@kind
def equals_sign_for_a_colon(example: Example) -> Iterator[Edit]:
    """A key has an equals sign in place of its colon"""
    for block, colon in _pairs(example):
        assert block.key
        yield example.splice(block.file, colon, " =", (block.key.span[0], colon[1] + 1))


@kind
def space_before_a_colon(example: Example) -> Iterator[Edit]:
    """A space stands in front of a colon"""
    for block, (at, _) in _pairs(example):
        yield example.splice(block.file, (at, at), " ")


@kind
def bracket_not_closed(example: Example) -> Iterator[Edit]:
    """A bracket is not closed"""
    for file, text in example.files.items():
        for found in re.finditer(r"[\]}]", text):
            opened = _opening(text, found.start())
            edit = example.splice(file, found.span(), "", meant=("close the bracket",))
            yield Edit(file, edit.changed, ((file, (opened, opened + 1)), (file, found.span())), edit.meant)


def _opening(text: str, at: int) -> int:
    depth = 0
    for index in range(at, -1, -1):
        depth += (text[index] in "]}") - (text[index] in "[{")
        if depth == 0:
            return index
    raise AssertionError(at)


@kind
def bracket_not_opened(example: Example) -> Iterator[Edit]:
    """A bracket is not opened"""
    for file, text in example.files.items():
        for found in re.finditer(r"[\[{]", text):
            closed = next(
                each.start() for each in re.finditer(r"[\]}]", text) if _opening(text, each.start()) == found.start()
            )
            edit = example.splice(file, found.span(), "")
            yield Edit(file, edit.changed, ((file, (found.start(), closed)),))


@kind
def comma_missing(example: Example) -> Iterator[Edit]:
    """A comma is missing between two entries"""
    for file, text in example.files.items():
        for found in re.finditer(r",(?= )", text):
            if not text[: found.start()].rpartition("\n")[2].lstrip().startswith(("#", "name", "description")):
                start = max(text.rfind(each, 0, found.start()) for each in "[{,") + 1
                stop = min(at for each in "]},\n" if (at := text.find(each, found.end())) > 0)
                yield example.splice(file, found.span(), "", (start, stop - 1), meant=("comma",))


@kind
def comma_doubled(example: Example) -> Iterator[Edit]:
    """A comma is there twice"""
    for file, text in example.files.items():
        for found in re.finditer(r",(?= )", text):
            if not text[: found.start()].rpartition("\n")[2].lstrip().startswith(("#", "name", "description")):
                yield example.splice(file, (found.end(), found.end()), ",")


@kind
def quotation_mark_not_closed(example: Example) -> Iterator[Edit]:
    """A quotation mark is not closed"""
    for token in (each for each in example.tokens if each.quoted):
        start, stop = token.span
        yield example.splice(token.file, (stop - 1, stop), "", (start, stop - 1), meant=("quotation mark",))


@kind
def quotation_mark_opened(example: Example) -> Iterator[Edit]:
    """A value starts with a quotation mark that nothing closes"""
    for token in (each for each in example.values() if not each.quoted):
        yield example.replace(token, f'"{token.value}', "quotation mark")


@kind
def curly_quotation_marks(example: Example) -> Iterator[Edit]:
    """A value stands between the quotation marks of a word processor"""
    for token in example.values():
        yield example.replace(token, f"\u201c{token.value}\u201d", f"'{token.value}'", token.value, "without quotes")


@kind
def quoted_value(example: Example) -> Iterator[Edit]:
    """A value stands in quotation marks that it needs not"""
    for token in (each for each in example.values() if not each.quoted):
        yield example.replace(token, f'"{token.value}"')


@kind
def dash_without_a_space(example: Example) -> Iterator[Edit]:
    """A dash has no space behind it"""
    for file, at, line in _lines(example):
        if found := re.match(r" *- ", line):
            yield example.splice(
                file, (at + found.end() - 1, at + found.end()), "", (at + found.end() - 2, at + len(line) - 1)
            )


@kind
def dash_missing(example: Example) -> Iterator[Edit]:
    """An entry of a list has no dash"""
    for file, at, line in _lines(example):
        if found := re.match(r" *- ", line):
            spot = at + found.end() - 2
            yield example.splice(file, (spot, spot + 2), "  ", (spot, at + len(line)))


def _shifted(example: Example, by: int) -> Iterator[Edit]:
    for file, at, line in _lines(example):
        indent = len(line) - len(line.lstrip(" "))
        if indent + by < 0:
            continue
        text = example.files[file]
        edited = text[:at] + " " * (indent + by) + line.lstrip(" ") + text[at + len(line) :]
        start, stop = at, at + len(line) + by
        # What is indented wrong is told apart by its neighbour: either may be called the wrong one.
        below = edited.find("\n", stop + 1)
        above = edited.rfind("\n", 0, max(0, start - 1)) + 1
        spots = (start, stop), (above, start), (stop, below if below >= 0 else len(edited))
        yield Edit(file, {file: edited.encode()}, tuple((file, each) for each in spots))


@kind
def a_space_more(example: Example) -> Iterator[Edit]:
    """A line is indented by a space more"""
    return _shifted(example, 1)


@kind
def a_space_less(example: Example) -> Iterator[Edit]:
    """A line is indented by a space less"""
    return _shifted(example, -1)


@kind
def a_level_deeper(example: Example) -> Iterator[Edit]:
    """A line is indented by a level more"""
    return _shifted(example, 2)


@kind
def a_level_up(example: Example) -> Iterator[Edit]:
    """A line is indented by a level less"""
    return _shifted(example, -2)


@kind
def key_twice(example: Example) -> Iterator[Edit]:
    """A key is written a second time, with another value"""
    for block in example.blocks:
        if block.key and isinstance(block.node, yaml.ScalarNode):
            start, stop = block.span
            indent = start - example.files[block.file].rfind("\n", 0, start) - 1
            gap = ", " if block.flow else f"\n{' ' * indent}"
            again = f"{gap}{block.key.value}: {'1' if block.node.value[:1].isdigit() else 'other'}"
            spot = stop + len(gap), stop + len(gap) + len(block.key.value)
            yield example.splice(block.file, (stop, stop), again, spot, meant=("keep one",))


@kind
def merge_key(example: Example) -> Iterator[Edit]:
    """A mapping takes another one's keys by a merge key"""
    for block in example.blocks:
        if block.key and isinstance(block.node, yaml.MappingNode) and block.node.flow_style:
            at = block.node.start_mark.index + 1
            yield example.splice(block.file, (at, at), "<<: {}, ", (at, at + 2), meant=("write the keys out",))


@kind
def alias_without_an_anchor(example: Example) -> Iterator[Edit]:
    """A value is an alias of nothing"""
    for token in example.values():
        yield example.replace(token, "*shared", "write the value out")


@kind
def tagged_value(example: Example) -> Iterator[Edit]:
    """A value has a tag of another tool"""
    for token in example.values():
        yield example.replace(token, f"!env {example.files[token.file][slice(*token.span)]}", "write the plain value")


@kind
def placeholder(example: Example) -> Iterator[Edit]:
    """A value is a placeholder that another tool would fill in"""
    for token in example.values():
        yield example.replace(token, '"${' + token.last.upper() + '}"', "write the value out")


@kind
def template(example: Example) -> Iterator[Edit]:
    """A value is a placeholder of a template"""
    for token in example.values():
        choice = "text for people" if token.last in ("description", "name") else ""
        yield example.replace(token, '"{{ .Values.' + token.last + ' }}"', choice=choice)


@kind
def keys_reordered(example: Example) -> Iterator[Edit]:
    """Two keys of one mapping have changed places"""
    pairs = [each for each in example.blocks if each.key and isinstance(each.node, yaml.ScalarNode)]
    for one, other in itertools.pairwise(pairs):
        if one.file == other.file and one.route[:-1] == other.route[:-1] and other.span[0] > one.span[1]:
            text = example.files[one.file]
            middle = text[one.span[1] : other.span[0]]
            new = example.text(other) + middle + example.text(one)
            yield example.splice(one.file, (one.span[0], other.span[1]), new)
