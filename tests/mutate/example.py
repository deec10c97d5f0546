"""The worked example as texts and tokens, and the ways to edit it. Reads YAML by PyYAML alone, not by the compiler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from tests.mutate.edits import Edit, Span

FOLDERS = ("accounts", "models", "regions")
PROJECT = "llmcompile.yaml"
Route = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A key or a scalar of a file, where it is written."""

    file: str
    route: Route
    span: Span
    """With its quotation marks."""
    value: str
    is_key: bool = False
    quoted: bool = False

    @property
    def last(self) -> str:
        """The nearest key on its route."""
        return next((step for step in reversed(self.route) if isinstance(step, str)), "")

    def at(self, *pattern: str | int | None) -> bool:
        """Whether the route is of this form; None stands for any step."""
        return len(pattern) == len(self.route) and all(
            each is None or each == step for each, step in zip(pattern, self.route, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A key with its value, or an entry of a list: what can be dropped or moved as a whole."""

    file: str
    route: Route
    span: Span
    """From the key, or the entry, to its end; without the dash, the comma and the line's end."""
    key: Token | None
    flow: bool
    """Whether it stands inside of brackets."""
    node: yaml.Node


@dataclass(frozen=True)
class Example:
    """The files of a repository."""

    files: Mapping[str, str]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Every key and scalar, by file and place."""
        return tuple(each for file in self.files for each in _tokens(file, (), self._root(file)))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every pair of a mapping and every entry of a list, by file and place."""
        return tuple(each for file in self.files for each in _blocks(file, (), self._root(file)))

    def _root(self, file: str) -> yaml.Node:
        return yaml.compose(self.files[file], yaml.CBaseLoader)

    def key_tokens(self) -> Iterator[Token]:
        """Every key."""
        return (each for each in self.tokens if each.is_key)

    def values(self) -> Iterator[Token]:
        """Every scalar that is a value or an entry of a list."""
        return (each for each in self.tokens if not each.is_key)

    def value(self, file: str, *route: str | int) -> Token:
        """The scalar at a route."""
        return next(each for each in self.values() if each.file == file and each.route == route)

    def block(self, file: str, *route: str | int) -> Block:
        """The pair or entry at a route."""
        return next(each for each in self.blocks if each.file == file and each.route == route)

    def ids(self, folder: str) -> list[str]:
        """The ids of a folder's files."""
        return [Path(file).stem for file in self.files if file.startswith(folder)]

    def text(self, block: Block) -> str:
        """A block as it is written."""
        return self.files[block.file][slice(*block.span)]

    def replace(self, token: Token, new: str, *meant: str, choice: str = "") -> Edit:
        """Something else in a token's place; ``meant`` is what should be suggested."""
        return self.splice(token.file, token.span, new, meant=meant, choice=choice)

    def splice(
        self,
        file: str,
        span: Span,
        new: str,
        wrong: Span | None = None,
        *,
        meant: tuple[str, ...] = (),
        choice: str = "",
    ) -> Edit:
        """Something else at a span; ``wrong`` is the wrong token in the new text, else all that is new."""
        text = self.files[file]
        edited = text[: span[0]] + new + text[span[1] :]
        spot = wrong or (span[0], span[0] + len(new))
        return Edit(file, {file: edited.encode()}, ((file, spot),), meant, choice)

    def drop(self, block: Block, *wrong: Token | Span, meant: tuple[str, ...] = (), choice: str = "") -> Edit:
        """The file without a block; ``wrong`` is what lacks it, in front of it in the file."""
        start, stop = self.whole(block)
        text = self.files[block.file]
        spots = [each.span if isinstance(each, Token) else each for each in wrong] or [(start, start)]
        edited = text[:start] + text[stop:]
        spots = [(a - (stop - start), b - (stop - start)) if a >= stop else (a, b) for a, b in spots]
        return Edit(
            block.file, {block.file: edited.encode()}, tuple((block.file, each) for each in spots), meant, choice
        )

    def whole(self, block: Block) -> Span:
        """The span of a block with its dash and lines, or with the comma that goes with it."""
        text, (start, stop) = self.files[block.file], block.span
        if not block.flow:
            start = text.rfind("\n", 0, start) + 1
            end = text.find("\n", len(text[:stop].rstrip()))
            return start, len(text) if end < 0 else end + 1
        if text[stop:].lstrip(" ").startswith(","):
            return start, text.index(",", stop) + 1 + (text[text.index(",", stop) + 1] == " ")
        before = text[:start].rstrip(" \n")
        return (len(before) - 1, stop) if before.endswith(",") else (start, stop)


def load(root: Path) -> Example:
    """The example below a root."""
    paths = [root / PROJECT, *(path for folder in FOLDERS for path in sorted((root / folder).glob("*.yaml")))]
    return Example({path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths})


def _span(node: yaml.Node) -> Span:
    return node.start_mark.index, node.end_mark.index


def _token(file: str, route: Route, node: yaml.ScalarNode, *, is_key: bool = False) -> Token:
    return Token(file, route, _span(node), node.value, is_key, bool(node.style))


def _tokens(file: str, route: Route, node: yaml.Node) -> Iterator[Token]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield _token(file, (*route, key.value), key, is_key=True)
            yield from _tokens(file, (*route, key.value), value)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _tokens(file, (*route, index), item)
    elif isinstance(node, yaml.ScalarNode):
        yield _token(file, route, node)


def _blocks(file: str, route: Route, node: yaml.Node) -> Iterator[Block]:
    flow = bool(getattr(node, "flow_style", False))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*route, key.value)
            span = key.start_mark.index, value.end_mark.index
            yield Block(file, here, span, _token(file, here, key, is_key=True), flow, value)
            yield from _blocks(file, here, value)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield Block(file, (*route, index), _span(item), None, flow, item)
            yield from _blocks(file, (*route, index), item)
