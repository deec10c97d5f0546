"""What ``fix`` would replace, in lines and columns: for tools that show a fix and leave it to a person to take it.

Writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.edit.fixes import fixed
from llmcompile.literals import mask
from llmcompile.load.locate import Location, Locator
from llmcompile.load.source import Source, read

_MOST = 200
"""Fixes looked for in one file: with more, it is no typing mistake but another format."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Some characters of one line, and what stands there afterwards."""

    at: Location
    text: str


def replacements(root: Path, diagnostics: Iterable[Diagnostic], locator: Locator) -> dict[Diagnostic, Replacement]:
    """For each diagnostic that ``fix`` can answer, what it would replace. All of a file's fit together."""
    by_file: dict[str, list[Diagnostic]] = defaultdict(list)
    for each in diagnostics:
        if each.fix is not None and len(by_file[each.place.file]) < _MOST:
            by_file[each.place.file].append(each)
    found: dict[Diagnostic, Replacement] = {}
    for file, wanted in by_file.items():
        source = read(root, file)
        if isinstance(source, Source):  # it was a moment ago
            after = fixed(source, wanted)
            for each, change in zip(after.done, after.changes, strict=True):
                at = locator.find(Place(file, span=(change.start, change.end)))
                if mask(change.text) == change.text:
                    found[each] = Replacement(at, change.text)
    return found
