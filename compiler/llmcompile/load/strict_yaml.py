"""Strict YAML: one compose with libyaml, then plain JSON-like data.

Mappings become dicts, sequences tuples, numbers int or Decimal, from their source text. Positions stay in the
nodes, which are dropped; ``load.locate`` composes again for the few files that have something to report.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.literals import quote
from llmcompile.load.source import Source
from llmcompile.load.suspects import suspect

if not yaml.__with_libyaml__:  # pragma: no cover - a broken installation
    raise ImportError("PyYAML was built without libyaml; install its wheel instead")

MAX_DEPTH = 32
MAX_NODES = 100_000
"""Nodes after aliases are expanded; the largest honest file of the field has a few thousand."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_CONTROL = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MAX_DIGITS, _MAX_EXPONENT = 30, 30
_TEMPLATE = re.compile(r"\{\{.*\}\}")
_CURLY = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb")
_ALIAS = re.compile(r"\*[^\s,\[\]{}]*")
_OPENED = {
    "flow": "the bracket that was opened",
    "quoted": "the quotation mark that was opened",
    "block": "what it would belong to",
    "simple key": "what it would belong to",
}
# In the words of libyaml's problem and context; the first that occurs counts.
_SYNTAX_HINTS = {
    "flow": "close the bracket, or put a comma between the entries",
    "quoted": "close the quotation mark",
    "mapping values are not allowed": "indent it like its neighbours; a value that holds ': ' needs quotes",
    "block": "check the indentation and the quotation marks of this line",
    "simple key": "write 'key: value'",
    "cannot start any token": "text that starts with this character needs quotes",
}


class TooDeep(Exception):  # noqa: N818 - a signal between two functions of this module
    """Nesting went past the limit, at this character."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class _Loader(CParser):
    """libyaml's composer without implicit types, and with its depth bounded.

    Depth is counted in the hooks that the C composer calls at each node anyway; without the bound it would
    recurse on the C stack as deep as the file says.
    """

    depth = 0

    def descend_resolver(self, parent: Node | None, index: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep(parent.start_mark.index if parent else 0)

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        return ""  # the plain scalar rules below are the only ones; any other tag was written out


def compose(source: Source) -> Node | Diagnostic | None:
    """The node tree of a file, None where there is no node at all, or why it is not YAML."""
    try:
        return _Loader(source.text).get_single_node()
    except TooDeep as error:
        return Diagnostic(
            "yaml-depth",
            f"nested deeper than {MAX_DEPTH} levels",
            Place(source.file, span=(error.index, error.index + 1)),
            "no field needs that; look for brackets or dashes that were never closed",
        )
    except yaml.MarkedYAMLError as error:
        return _syntax(source, error)
    except yaml.reader.ReaderError as error:
        at = max(0, source.text.find(chr(error.character)))
        message = f"character U+{error.character:04X} is not allowed"
        return Diagnostic("yaml-control", message, Place(source.file, span=(at, at + 1)), "remove it")


def _syntax(source: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    at = min(mark.index if mark else 0, len(source.text))
    place = Place(source.file, span=(at, min(at + 1, len(source.text))))
    if error.problem == "but found another document":
        return Diagnostic(
            "yaml-documents", "holds more than one document", place, "one file describes one thing: split it"
        )
    problem, context = error.problem or error.context or "", error.context or ""
    if found := _ALIAS.match(source.text, at) if "undefined alias" in problem else None:
        message = f"alias {quote(found.group())} has no anchor above it"
        place = Place(source.file, span=found.span())
        return Diagnostic("yaml-alias", message, place, "write the value out; text that starts with '*' needs quotes")
    if "alias" in problem or "anchor" in problem:
        return Diagnostic("yaml-alias", problem, place, "write the value out")
    hint = next((words for key, words in _SYNTAX_HINTS.items() if key in f"{problem} {context}"), "")
    opened = min(error.context_mark.index, len(source.text)) if context and error.context_mark else at
    if "simple key" in context:
        return _begun(source, opened, at, problem, hint)
    if meant := suspect(source.text, at):
        return _begun(source, meant.span[0], at, problem, meant.hint, meant.span[1])
    if "flow" in context and _is_left_open(source.text, opened, at):
        return _begun(source, opened, at, problem, hint)
    related: tuple[Related, ...] = ()
    if opened != at:
        label = next((words for key, words in _OPENED.items() if key in context), context)
        related = (Related(Place(source.file, span=(opened, opened)), label),)
    return Diagnostic("yaml-syntax", f"not YAML: {problem}", place, hint, related)


def _is_left_open(text: str, opened: int, noticed: int) -> bool:
    """Whether a bracket was noticed to be open where something else begins: on a line that is not further in."""
    line, other = (text.rfind("\n", 0, at) + 1 for at in (opened, noticed))
    return other > line and (noticed == len(text) or _indent(text, other) <= _indent(text, line))


def _indent(text: str, start: int) -> int:
    rest = text[start:].partition("\n")[0]
    return len(rest) - len(rest.lstrip(" "))


def _begun(source: Source, start: int, noticed: int, problem: str, hint: str, stop: int = 0) -> Diagnostic:
    """What was begun and never finished: it is wrong where it stands, not where it was noticed."""
    line = source.text.find("\n", start)
    end = stop or (len(source.text) if line < 0 else line)
    related = (Related(Place(source.file, span=(noticed, noticed)), "noticed here"),)
    return Diagnostic("yaml-syntax", f"not YAML: {problem}", Place(source.file, span=(start, end)), hint, related)


def load(source: Source) -> tuple[Any, list[Diagnostic]]:
    """Parse a file: its data, and everything that is wrong with it as YAML.

    With errors the data is incomplete and must not be used.
    """
    node = compose(source)
    if isinstance(node, Diagnostic):
        return None, [node]
    if node is None or (isinstance(node, ScalarNode) and not node.style and node.value in ("", "~", "null")):
        place = Place(source.file, span=(0, 0))
        hint = "fill it in; delete it only if nothing is lost"
        return None, [Diagnostic("file-empty", "the file says nothing", place, hint)]
    builder = _Builder(source)
    data = builder.build(node, 0)
    return data, builder.diagnostics


class _Builder:
    """Turns nodes into data, collecting what is wrong with their places."""

    def __init__(self, source: Source) -> None:
        self.file = source.file
        self.diagnostics: list[Diagnostic] = []
        self.nodes = 0
        self.overflown = False

    def build(self, node: Node, depth: int) -> Any:
        """The data of a node. Only an alias that holds itself gets deeper than what was composed."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            if not self.overflown:
                self.overflown = True
                self._say(
                    "yaml-alias",
                    node,
                    f"aliases recurse or expand to more than {MAX_NODES:,} values",
                    "write the values out, or move what is shared into llmcompile.yaml",
                )
            return None
        if node.tag:
            self._say(
                "yaml-tag",
                node,
                f"YAML tag {quote(node.tag.removeprefix('tag:yaml.org,2002:'))} is not allowed",
                "write the plain value; for a secret, a ref such as ref+env://NAME",
            )
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode):
            return tuple([self.build(item, depth + 1) for item in node.value])
        assert isinstance(node, MappingNode)  # noqa: S101 - the three kinds of YAML nodes
        return self._mapping(node, depth + 1)

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.tag or not key.value or _is_controlling(key):
                self._say("yaml-key", key, "a key must be a word: plain text on one line", "write 'key: value'")
                continue
            if key.value == "<<" and not key.style:
                self._say("yaml-merge-key", key, "merge keys (<<) are not part of this format", "write the keys out")
                continue
            if key.value in data:
                related = (Related(Place(self.file, span=_span(first[key.value])), "first written here"),)
                self._say("yaml-duplicate-key", key, f"key {quote(key.value)} is written twice", "keep one", related)
                continue
            first[key.value] = key
            data[key.value] = self.build(value, depth)
        return data

    def _scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        if "{" in text:
            hint = "write the value out; for a secret, a ref such as ref+env://NAME"
            if "${" in text:
                self._say("yaml-interpolation", node, "'${...}' is not interpolated here", hint)
            if _TEMPLATE.search(text):
                self._say("yaml-interpolation", node, "'{{...}}' is not filled in here", hint)
        if node.style:
            if _is_controlling(node):
                self._say("yaml-control", node, "a control character inside a value", "remove the escape")
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] in _CURLY:
            inner = text.strip("".join(_CURLY))
            message = "quotation marks of a word processor, which would be a part of the value"
            self._say("yaml-quote", node, message, f"write '{inner}'" if inner else 'write "..."')
        if text[0] in "-0123456789" and _NUMBER.fullmatch(text):
            return self._number(node, text)
        return text

    def _number(self, node: ScalarNode, text: str) -> int | Decimal | None:
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > _MAX_DIGITS or len(exponent) > 4 or abs(int(exponent or 0)) > _MAX_EXPONENT:
            self._say(
                "yaml-number",
                node,
                "a number too long to be kept exactly",
                "write fewer digits; quote it if it is text",
            )
            return None
        make: Callable[[str], int | Decimal] = int if mantissa == text and "." not in text else Decimal
        return make(text)

    def _say(self, code: str, node: Node, message: str, hint: str = "", related: tuple[Related, ...] = ()) -> None:
        self.diagnostics.append(Diagnostic(code, message, Place(self.file, span=_span(node)), hint, related))


def _is_controlling(node: ScalarNode) -> bool:
    """Whether a control character is in a scalar. Only escapes get them there: libyaml refuses them in the text."""
    return bool(node.style and _CONTROL.search(node.value))


def _span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index
