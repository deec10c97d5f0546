"""A new file: its data in blocks, with the line that lets an editor find its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmcompile.edit.render import Style, block

_HEAD = "# yaml-language-server: $schema=../schemas/{}.schema.json\n"


def document(kind: str, data: Mapping[str, Any]) -> str:
    """The text of ``models/``, ``accounts/`` or ``regions/``; what is None, empty or False is left out."""
    written = {key: value for key, value in data.items() if value not in (None, (), {}, False)}
    return _HEAD.format(kind) + "\n".join(block(written, None, Style(), 0)) + "\n"
