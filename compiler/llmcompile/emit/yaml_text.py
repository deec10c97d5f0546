"""Data as YAML's text, as people write it: what our strict loader reads back is what was meant."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml

_WIDTH = 110
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")


class Flow(dict[str, Any]):
    """A mapping that stands in one line."""


class Bare(str):
    """Text that needs no quotes for our loader, though YAML would like some: a date."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Mappings and lists in blocks, tuples in brackets, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _decimal(dumper: yaml.SafeDumper, data: Decimal) -> yaml.Node:
    text = f"{data:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


_Dumper.add_representer(tuple, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True))
_Dumper.add_representer(Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, True))
_Dumper.add_representer(Bare, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:timestamp", data))
_Dumper.add_representer(Decimal, _decimal)
# YAML 1.1 takes 1e5 for text; our loader, like JSON, takes it for a number.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-0123456789"))


def dump(data: Any) -> str:
    """Plain data, decimals exact, in the order that it has."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def schema_line(kind: str, root: str = "..") -> str:
    """The first line of a file, by which editors find its schema; ``root`` is the way from the file to the root."""
    return f"# yaml-language-server: $schema={f'{root}/'.removeprefix('./')}schemas/{kind}.schema.json\n"
