"""Judges one mutation: does it matter (by ``meaning``), and what does the checker say to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from tests.mutate.edits import Edit
from tests.mutate.example import FOLDERS, Example
from tests.mutate.meaning import meaning

from llmcompile.diagnostics import Severity
from llmcompile.load.locate import Location, Locator
from llmcompile.pipeline import compile_repository
from llmcompile.prove import PROOFS
from llmcompile.show import text
from llmcompile.show.located import Located, located

AS_OF = datetime(2026, 1, 15, tzinfo=UTC)
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a mutation."""

    kind: str
    edit: Edit
    where: str
    """``file:line:column`` of the wrong token."""
    matters: bool
    """Whether the repository means something else now, by a reading that is not the compiler's."""
    caught: str
    """error, warning, proof (a warning of ``check --proofs`` alone), or empty."""
    right_token: bool
    """Whether a diagnostic's own place covers the wrong token."""
    named: bool
    """Whether a diagnostic covers it, or names it as a related place."""
    suggested: bool
    """Whether the first diagnostic there suggests what was meant; true where there is no one right answer."""
    printed: str

    @property
    def harmful(self) -> bool:
        """Whether it must be caught."""
        return self.matters and not self.edit.choice


class Judge:
    """A repository on disk that is mutated and restored."""

    as_of = AS_OF

    def __init__(self, example: Example, root: Path) -> None:
        self.example, self.root = example, root
        self.raw = {file: content.encode() for file, content in example.files.items()}
        self.meaning = meaning(self.raw)
        assert self.meaning is not None
        for file, content in self.raw.items():
            self._write(file, content)
        self.known = {self._known(each) for each in self._said(proofs=True)}

    def judge(self, kind: str, edit: Edit) -> Judgement:
        """What comes of an edit."""
        after = {file: raw for file, raw in {**self.raw, **edit.changed}.items() if raw is not None}
        matters = meaning(after) != self.meaning
        with self.mutated(edit):
            found = self._new(proofs=False)
            caught = _worst(found)
            if not caught and matters:
                found = self._new(proofs=True)
                caught = "proof" if _worst(found) else ""
        tokens = [(file, *_positions(after.get(file, b""), span)) for file, span in edit.tokens]
        at_token = [each for each in found if _covers(each.at, tokens)]
        named = at_token or [each for each in found if any(_covers(at, tokens) for at, _ in each.related)]
        suggested = not edit.meant or (bool(named) and _suggests(named[0], edit.meant))
        printed = click.unstyle(text.render(found))
        where = f"{edit.file}:{tokens[0][1][0]}:{tokens[0][1][1]}" if tokens else edit.file
        return Judgement(kind, edit, where, matters, caught, bool(at_token), bool(named), suggested, printed)

    def _new(self, *, proofs: bool) -> list[Located]:
        return [each for each in self._said(proofs=proofs) if self._known(each) not in self.known]

    def _said(self, *, proofs: bool) -> list[Located]:
        compiled = compile_repository(self.root, AS_OF, proofs=PROOFS if proofs else ())
        return located(compiled.diagnostics, Locator(self.root))

    @staticmethod
    def _known(each: Located) -> tuple[str, str, str]:
        return each.diagnostic.code, each.diagnostic.message, each.at.file

    @contextmanager
    def mutated(self, edit: Edit) -> Iterator[None]:
        """The repository with an edit, for as long as it is looked at."""
        for file, raw in edit.changed.items():
            self._write(file, raw)
        try:
            yield
        finally:
            for file in edit.changed:
                self._write(file, self.raw.get(file))

    def _write(self, file: str, raw: bytes | None) -> None:
        path = self.root / file
        if raw is None:
            path.unlink(missing_ok=True)
            if path.parent != self.root and path.parent.name not in FOLDERS:
                path.parent.rmdir()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)


def _worst(found: list[Located]) -> str:
    """error or warning, whichever is worse; empty where there are notes at most."""
    severities = {each.diagnostic.severity for each in found}
    return next((each.value for each in (Severity.ERROR, Severity.WARNING) if each in severities), "")


def _positions(raw: bytes, span: tuple[int, int]) -> tuple[Position, Position]:
    content = raw.decode("utf-8", "replace")
    start, stop = min(span[0], len(content)), min(max(span), len(content))
    return _position(content, start), _position(content, stop)


def _position(content: str, index: int) -> Position:
    return content.count("\n", 0, index) + 1, index - (content.rfind("\n", 0, index) + 1) + 1


def _covers(at: Location, tokens: list[tuple[str, Position, Position]]) -> bool:
    """Whether a place and a token have a character in common; what is empty has the one behind it."""
    first, last = (at.line, at.column), max((at.end_line, at.end_column), (at.line, at.column + 1))
    return any(
        file == at.file and first < max(stop, (start[0], start[1] + 1)) and start < last for file, start, stop in tokens
    )


def _suggests(found: Located, meant: tuple[str, ...]) -> bool:
    """Whether the hint says it: a name in quotes must be the first that the hint quotes."""
    hint, fix = found.diagnostic.hint, found.diagnostic.fix
    if fix is not None and any(str(fix.value) == each.strip("'") for each in meant):
        return True
    quoted = re.findall(r"'[^']*'", hint)
    return any(each in (quoted[:1] if each.startswith("'") else hint) for each in meant)
