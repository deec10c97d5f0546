"""One value as YAML: plain where nobody could read it otherwise, else in quotes."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import yaml
from yaml.nodes import ScalarNode

from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load

# Far narrower than YAML: within these, brackets, braces, comments and keys need no second thought.
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@%=~-]*(:[A-Za-z0-9_./+@%=~-]+)*(?:\#/[A-Za-z0-9_./~-]*)?")
_WORDY = re.compile(
    r"[A-Za-z0-9_./][^\"'#:,\[\]{}&*!|>%@`\\\0-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff]*[A-Za-z0-9_.)!?]"
)
_ODD = re.compile("[\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")
_RESOLVER = yaml.resolver.Resolver()


class Quoted(str):
    """Text that is written in quotes although it could stand without: other tools would take it for a date."""

    __slots__ = ()


def scalar(value: Any, quote: str | None = None) -> str:
    """A number, a truth value or text. ``quote`` is how its neighbours are quoted; None: it has none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if quote == "'" and value.isprintable():
        return "'" + str(value).replace("'", "''") + "'"
    if quote or (quote is None and isinstance(value, Quoted)) or not is_plain(value, neighbours=quote is not None):
        return _double(value)
    return str(value)


def is_plain(text: str, *, neighbours: bool = False) -> bool:
    """Whether text can stand without quotes. With ``neighbours`` that do, it may look like a date to other tools."""
    if not (_PLAIN.fullmatch(text) or _WORDY.fullmatch(text)):
        return False
    if load(Source("", f"[{text}, 0]")) != ((text, 0), []):
        return False
    return neighbours or _RESOLVER.resolve(ScalarNode, text, (True, False)) in _TEXT  # type: ignore[no-untyped-call]


def _double(text: str) -> str:
    # JSON's escapes are YAML's too; what YAML takes for a line end or refuses raw is escaped as well.
    return _ODD.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(text, ensure_ascii=False))
