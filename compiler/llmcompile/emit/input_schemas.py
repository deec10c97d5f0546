"""The editor's schemas, generated from the input models, with the repository's own words in them."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from llmcompile.errors import OutsideError
from llmcompile.inputs.account import Account
from llmcompile.inputs.base import Input
from llmcompile.inputs.model import Model
from llmcompile.inputs.project import Project
from llmcompile.inputs.region import Region
from llmcompile.inputs.words import MARK
from llmcompile.load.vocabulary import Vocabulary
from llmcompile.providers import PREFIXES

_KINDS: dict[str, type[Input]] = {"account": Account, "model": Model, "project": Project, "region": Region}


def render(vocabulary: Vocabulary | None = None) -> dict[str, str]:
    """File name to text, for every kind of input. With a vocabulary, each name is one of those that there are."""
    return {f"{name}.schema.json": _text(name, kind, vocabulary) for name, kind in _KINDS.items()}


def _text(name: str, kind: type[Input], vocabulary: Vocabulary | None) -> str:
    schema = _tidied(_described(kind), vocabulary)
    # What every editor knows: later drafts have nothing that is used here.
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"https://llmcompile.example/schemas/{name}.schema.json",
    }
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


def _described(kind: type[Input]) -> dict[str, Any]:
    """The schema as pydantic has it, with the docstring below each field as its description."""
    schema = kind.model_json_schema()
    kinds = {each.__name__: each for each in _heirs(Input)}
    for name, part in {kind.__name__: schema, **schema.get("$defs", {})}.items():
        said: dict[str, str] = {}
        for each in reversed(kinds[name].__mro__):
            said |= _docstrings(each) if issubclass(each, Input) else {}
        for field, value in part["properties"].items():
            if field in said:
                part["properties"][field] = dict(sorted({**value, "description": said[field]}.items()))
    return schema


def _heirs(kind: type[Input]) -> Iterator[type[Input]]:
    for each in kind.__subclasses__():
        yield each
        yield from _heirs(each)


@cache
def _docstrings(kind: type[Input]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _tidied(schema: Any, vocabulary: Vocabulary | None, *, nullable: bool = False) -> Any:
    """Without what only says null: a key that is not used is left out, never null. Titles repeat the names."""
    if isinstance(schema, list):
        return [_tidied(each, vocabulary) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = _reshaped(schema)
    tidy = {
        key: _tidied(value, vocabulary, nullable=key == "additionalProperties")  # NAME: with nothing behind it
        for key, value in schema.items()
        if not _noise(key, value)
    }
    options = [each for each in tidy.get("anyOf", ()) if each != {"type": "null"}]
    if len(options) == 1 and not nullable:
        del tidy["anyOf"]
        tidy = {**options[0], **tidy}
    mark = schema.get(MARK)
    return _spoken(tidy, vocabulary.words[mark["kind"]], mark) if mark and vocabulary else tidy


def _reshaped(schema: dict[str, Any]) -> dict[str, Any]:
    """In the words that editors take: a name of the wrong shape is underlined, and so is a list without entries."""
    new = dict(schema)
    if new.get("type") == "array" and "minLength" in new:  # pydantic's word for it behind a validator
        new["minItems"] = new.pop("minLength")
    if len(new.get("patternProperties", ())) == 1 and "additionalProperties" not in new:
        ((pattern, new["additionalProperties"]),) = new.pop("patternProperties").items()
        new["propertyNames"] = {**new.get("propertyNames", {}), "pattern": pattern}
    return new


def _spoken(free: dict[str, Any], words: Mapping[str, str], mark: Mapping[str, Any]) -> dict[str, Any]:
    """One of the words, in place of any text that is spelled right."""
    names = sorted(words)
    known: dict[str, Any] = {"enum": names}
    if any(words.values()):
        known["enumDescriptions"] = [words[name] for name in names]
    said = {key: free[key] for key in ("description", "type") if key in free}
    if mark["new"]:
        spelled = {key: free[key] for key in ("pattern", "minLength", "maxLength") if key in free}
        return said | {"anyOf": [known, spelled]} if names else free
    if mark["kind"] == "served" and names:
        prefixed = f"^({'|'.join(PREFIXES)})/({'|'.join(map(re.escape, names))})$"
        return said | {"anyOf": [known, {"pattern": prefixed}]}
    return said | known


def _noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None) or key == MARK


def stale(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """The schemas whose files are missing or differ."""
    return [name for name, text in texts.items() if _read(folder / name) != text]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write these schemas."""
    try:
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutsideError(f"cannot write {folder}: {error.strerror}", "run it again") from error
