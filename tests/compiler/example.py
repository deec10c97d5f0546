"""The worked example as a repository of its own, and everything that compiling a repository must keep to."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jsonschema

from llmcompile.codes import CODES
from llmcompile.emit.canonical import compact
from llmcompile.load.locate import Location, Locator
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.show import machine, text
from llmcompile.show.located import Located, located

ROOT = Path(__file__).parents[2]
FOLDERS = ("accounts", "models", "regions")
AS_OF = datetime(2026, 1, 15, tzinfo=UTC)


def copy_example(to: Path) -> Path:
    """A copy of the worked example's YAML below ``to``, which may exist."""
    to.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, to / folder)
    shutil.copy(ROOT / "llmcompile.yaml", to)
    return to


def compile_and_check(root: Path) -> tuple[Compiled, list[Located]]:
    """Compile, place and show everything; the promises that hold for any YAML are asserted on the way."""
    compiled = compile_repository(root, AS_OF)
    found = located(compiled.diagnostics, Locator(root))
    lines: dict[str, list[str]] = {}
    for each in found:
        assert each.diagnostic.code in CODES
        for at in (each.at, *(related for related, _ in each.related)):
            assert_inside(root, at, lines)
    shown = text.render(found), machine.render_json(found), machine.render_github(found)
    json.loads(shown[1])
    assert len(shown[2].splitlines()) == len(found)
    assert bool(compiled.documents) is not compiled.failed
    for document in compiled.documents:
        _validate(document.kind, compact(document.plain()))
    return compiled, found


def codes(found: list[Located]) -> list[str]:
    """The codes of what was found, in order."""
    return [each.diagnostic.code for each in found]


@cache
def _validate(kind: str, compact: bytes) -> None:
    """Most documents are those of the compilation before, and stay valid."""
    schema(kind).validate(json.loads(compact))


@cache
def schema(kind: str) -> jsonschema.Draft202012Validator:
    """The schema of a kind of document, in a validator that the compiler itself does not use."""
    content = json.loads((ROOT / "schemas" / f"{kind.lower()}.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(content)


def assert_inside(root: Path, at: Location, lines: dict[str, list[str]]) -> None:
    """Line and column lie in the file, the end not before the start; ``lines`` keeps what was read."""
    if at.file not in lines:
        path = root / at.file
        raw = path.read_bytes() if path.is_file() else b""
        lines[at.file] = raw.decode("utf-8", "replace").split("\n")
    of_file = lines[at.file]
    for line, column in ((at.line, at.column), (at.end_line, at.end_column)):
        assert 1 <= line <= len(of_file), at
        assert 1 <= column <= len(of_file[line - 1]) + 1, at
    assert (at.line, at.column) <= (at.end_line, at.end_column)
