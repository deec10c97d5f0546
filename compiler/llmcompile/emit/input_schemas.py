"""The editor's schemas, generated from the input models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmcompile.errors import OutsideError
from llmcompile.inputs.account import Account
from llmcompile.inputs.base import Input
from llmcompile.inputs.model import Model
from llmcompile.inputs.project import Project
from llmcompile.inputs.region import Region

_KINDS: dict[str, type[Input]] = {"account": Account, "model": Model, "project": Project, "region": Region}


def render() -> dict[str, str]:
    """File name to text, for every kind of input."""
    return {f"{name}.schema.json": _text(name, kind) for name, kind in _KINDS.items()}


def _text(name: str, kind: type[Input]) -> str:
    schema = _tidied(kind.model_json_schema())
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://llmcompile.example/schemas/{name}.schema.json",
    }
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


def _tidied(schema: Any) -> Any:
    """Without what only says null: a key that is not used is left out, never null. Titles repeat the names."""
    if isinstance(schema, list):
        return [_tidied(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidied(value) for key, value in schema.items() if not _noise(key, value)}
    options = [each for each in tidy.get("anyOf", ()) if each != {"type": "null"}]
    if len(options) == 1:
        del tidy["anyOf"]
        tidy = {**options[0], **tidy}
    return tidy


def _noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def stale(folder: Path) -> list[str]:
    """The schemas whose files are missing or differ."""
    return [name for name, text in render().items() if _read(folder / name) != text]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write(folder: Path, names: list[str]) -> None:
    """Write these schemas."""
    texts = render()
    try:
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text(texts[name], encoding="utf-8")
    except OSError as error:
        raise OutsideError(f"cannot write {folder}: {error.strerror}", "run it again") from error
