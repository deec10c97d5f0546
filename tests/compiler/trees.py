"""A repository of YAML as a dictionary: the fake of the port that reads files, and the worked example in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from tests.compiler.example import FOLDERS, ROOT

from llmcompile.diagnostics import Diagnostic
from llmcompile.load import source
from llmcompile.load.strict_yaml import load
from llmcompile.load.tree import Entry

Data = dict[str, Any]
"""What the files say, by file."""


@dataclass(frozen=True)
class Files:
    """Files by path."""

    texts: Mapping[str, str]

    def listed(self, folder: str) -> Sequence[Entry] | Diagnostic | None:
        names = [each.removeprefix(f"{folder}/") for each in self.texts if each.startswith(f"{folder}/")]
        return [Entry(each, folder=False) for each in names] or None

    def raw(self, file: str) -> bytes | Diagnostic:
        if file not in self.texts:
            return source.unreadable(file, "No such file", link=False)
        return self.texts[file].encode()


def example_texts() -> dict[str, str]:
    """The worked example's YAML, as it is written."""
    paths = [ROOT / "llmcompile.yaml", *(each for folder in FOLDERS for each in sorted((ROOT / folder).glob("*.yaml")))]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


@cache
def _example() -> str:
    return json.dumps(
        {file: load(source.Source(file, text))[0] for file, text in example_texts().items()}, default=_number
    )


def example_data() -> Data:
    """What the worked example says, to be changed."""
    data: Data = json.loads(_example())
    return data


def written(data: Data) -> Files:
    """Data as files; JSON is YAML."""
    return Files({file: json.dumps(each) for file, each in data.items()})


def _number(value: Any) -> float:
    assert isinstance(value, Decimal)
    return float(value)
