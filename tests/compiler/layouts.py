"""One set of data in any layout that people write YAML in, and what an edit of it must keep.

Every comment is different from every other, so that one that got lost or moved is seen.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from tests.compiler.thorough import thorough

from llmcompile.load import source
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load

Choose = Callable[[Sequence[Any]], Any]
MANY = thorough(120)
ROOT = Path(__file__).parents[2]
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.+/-]*(:[A-Za-z0-9_.+/-]+)*( [A-Za-z]+)*|20\d\d-\d\d-\d\d")
_NO_PLAIN = {"true", "false", "null"}


@st.composite
def layouts(draw: st.DrawFn, data: dict[str, Any], *, wordy: bool = False) -> str:
    """The data as a file; ``wordy``: with much text on several lines."""
    text = written(data, lambda options: draw(st.sampled_from(options)), wordy=wordy)
    assume(text is not None)
    return str(text)


def written(data: dict[str, Any], choose: Choose, *, wordy: bool = False) -> str | None:
    """The data as a file, with every choice made by ``choose``; None where what came out says something else."""
    text = _Writer(choose, wordy=wordy).file(data)
    # A line of spaces may be part of a block of text.
    return text if repr(load(Source("", text))[0]) == repr(data) else None


class _Writer:
    """Draws a way to write each part; widths hold for the whole file, as they mostly do."""

    def __init__(self, choose: Choose, *, wordy: bool) -> None:
        self.choose = choose
        self.wordy = 6 if wordy else 2
        self.step = self.choose([2, 2, 4, 1, 3])
        self.dash = self.choose([0, 2, 2, 4, 1])
        self.offset = self.choose([2, 2, 4, 3])
        self.padding = self.choose(["", "", " "])
        self.busy = self.choose([0, 1, 3])
        self.flowing = self.choose([0, 1, 2, 4])
        self.numbers = itertools.count()

    def file(self, data: dict[str, Any]) -> str:
        lines = ["---"] if self.often(1) else []
        if self.often(1, of=12):
            lines += self.flow(data, 0, multi=True)
        else:
            lines += self.block(data, 0)
        lines += self.between(0)
        text = "\n".join(lines)
        return self.choose([text + "\n", text + "\n", text]).replace("\n", self.choose(["\n", "\n", "\r\n"]))

    def often(self, share: int, of: int = 10) -> bool:
        return self.choose([False] * (of - share) + [True] * share)

    def comment(self) -> str:
        words = self.choose(["", " - a: b", " 'quoted", " {x: [", " für später: 漢字", " #"])
        return f"# note-{next(self.numbers)}{words}"

    def between(self, indent: int) -> list[str]:
        """Comments and blank lines in front of something."""
        lines = []
        while self.often(self.busy):
            lines.append(" " * indent + self.comment() if self.often(6) else " " * self.choose([0, 3]))
        return lines

    def behind(self) -> str:
        return self.choose([" ", "  ", "     "]) + self.comment() if self.often(self.busy) else ""

    def block(self, data: Any, indent: int) -> list[str]:
        pairs = data.items() if isinstance(data, dict) else [(None, each) for each in data]
        lines: list[str] = []
        for name, value in pairs:
            lines += self.between(indent) if lines or not indent else []
            lines += self.entry(name, value, indent)
        return lines

    def entry(self, name: str | None, value: Any, indent: int) -> list[str]:
        head = " " * indent + ("-" if name is None else f"{self.text(name, key=True)}:")
        if not self.is_block(value):
            return self.beside(head, value, indent)
        anchor = " &" + f"a{next(self.numbers)}" if name and self.often(1, of=20) else ""
        if name is None and not anchor and isinstance(value, dict):
            lines = self.block(value, indent + self.offset)
            return [head.ljust(indent + self.offset) + lines[0].lstrip(" "), *lines[1:]]
        below = indent + (self.step if isinstance(value, dict) else self.dash)
        below = max(below, indent + 2) if name is None else below
        return [head + anchor + self.behind(), *self.between(below), *self.block(value, below)]

    def is_block(self, value: Any) -> bool:
        return isinstance(value, dict | tuple) and bool(value) and not self.often(self.flowing)

    def beside(self, head: str, value: Any, indent: int) -> list[str]:
        """A value that starts on its key's line, or on the next one."""
        if isinstance(value, dict | tuple):
            first, *rest = self.flow(value, indent + max(1, self.step), multi=self.often(3))
            lines = [f"{head} {first}", *rest]
        elif isinstance(value, str) and self.often(self.wordy) and re.search("[^ \n]", value):
            return self.below(head, value, indent + max(1, self.step))
        elif isinstance(value, str) and " " in value.strip() and self.often(self.wordy):
            first, *rest = self.folded(value, indent + 1)
            lines = [f"{head} {first}", *rest]
        else:
            anchor = f"&a{next(self.numbers)} " if self.often(1, of=20) else ""
            lines = [f"{head}{self.choose([' ', ' ', '   '])}{anchor}{self.text(value)}"]
        lines[-1] += self.behind()
        return lines

    def below(self, head: str, value: str, indent: int) -> list[str]:
        """A block of text."""
        keep = "+" if re.search(r"\n\n\Z", value) else "" if value.endswith("\n") else "-"
        first = value.lstrip("\n")
        digit = str(indent - len(head) + len(head.lstrip(" "))) if first.startswith(" ") or self.often(2) else ""
        if head.lstrip(" ").startswith("-") or not digit.strip("0"):
            digit = ""  # its own rules; what it says is looked at afterwards
        folded = ">" if "\n" not in value.strip("\n") and self.often(5) else "|"
        lines = [" " * indent + each if each else "" for each in value.removesuffix("\n").split("\n")]
        return [f"{head} {folded}{digit}{keep}", *lines]

    def folded(self, value: str, indent: int) -> list[str]:
        """Text on two lines, which are read as one."""
        at = self.choose([found.start() for found in re.finditer("(?<=[^ ]) (?=[^ ])", value)] or [0])
        written = self.text(value)
        at += written[0] != value[0]
        deep = " " * (indent + self.choose(range(7)))
        if written[at : at + 1] != " " or written[at + 1 : at + 2] in "#-?:":
            return [written]
        return [written[:at], deep + written[at + 1 :]]

    def flow(self, value: Any, indent: int, *, multi: bool = False) -> list[str]:
        """A value in brackets, on one line or on several."""
        if not isinstance(value, dict | tuple):
            return [self.text(value)]
        ends = "{}" if isinstance(value, dict) else "[]"
        parts = []
        for name in value:
            key = f"{self.text(name, key=True)}: " if isinstance(value, dict) else ""
            parts.append(key + "\n".join(self.flow(value[name] if key else name, indent + 2)))
        if not multi or not parts:
            return [ends[0] + self.padding + ", ".join(parts) + self.padding + ends[1]]
        trailing = "," if self.often(3) else ""
        lines = [" " * indent + part + "," + self.behind() for part in parts[:-1]]
        lines += [" " * indent + parts[-1] + trailing + self.behind()]
        return [ends[0], *lines, " " * max(0, indent - 1) + ends[1]]

    def text(self, value: Any, *, key: bool = False) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | Decimal):
            return str(value)
        plain = _PLAIN.fullmatch(value) and value not in _NO_PLAIN
        way = self.choose(["plain"] * 6 + ["single", "double"]) if plain else "double"
        if way == "plain":
            return str(value)
        return json.dumps(value, ensure_ascii=False) if way == "double" else "'" + value.replace("'", "''") + "'"


def data_of(text: str) -> Any:
    """What a text says, by the strict loader."""
    data, problems = load(Source("", text))
    assert not problems, (text, problems)
    return data


def notes(text: str) -> list[str]:
    """The comments of a generated layout, whole lines as far as they go."""
    return re.findall(r"# note-\d+[^\r\n]*", text)


def assert_only_added(before: str, after: str) -> None:
    """Every line of before is in after, in order; at most one of them has something more inside."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if old and not old[-1].endswith("\n"):
        old[-1] += "\r\n" if "\r\n" in before else "\n"  # the line that becomes one by what follows it
        new[-1] += "\r\n" if "\r\n" in before else "\n"
    at, grown = 0, 0
    for line in new:
        if at < len(old) and line == old[at]:
            at += 1
        elif at < len(old) and line != old[at] and _inside(old[at], line) and old[at] not in new:
            at, grown = at + 1, grown + 1
    assert at == len(old), (before, after)
    assert grown <= 1, (before, after)


def _inside(short: str, long: str) -> bool:
    """Whether one is the other with one thing added somewhere."""
    if len(long) <= len(short):
        return False
    start = next(at for at, (one, other) in enumerate(itertools.zip_longest(short, long)) if one != other)
    return long.endswith(short[start:])


def corpus(folder: str) -> Iterator[tuple[Path, Source, Any]]:
    """Every file of a kind of the worked example and of all golden cases that is YAML by the strict loader."""
    roots = [ROOT, *sorted(ROOT.glob("tests/golden/*/*"))]
    for root in roots:
        for path in sorted((root / folder).glob("*.yaml")) if folder else [root / "llmcompile.yaml"]:
            read = source.read(root, path.relative_to(root).as_posix())
            data, problems = load(read) if isinstance(read, Source) else (None, [read])
            if isinstance(read, Source) and not problems:
                yield root, read, data
