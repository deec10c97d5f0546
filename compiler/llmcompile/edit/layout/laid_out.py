"""A file in the one layout, proven to say the same in the same words."""

from __future__ import annotations

import re

from llmcompile.edit.change import column
from llmcompile.edit.draft import same
from llmcompile.edit.layout.atoms import Atom, atoms, indicators
from llmcompile.edit.layout.gaps import Gap, UnformattableError, spaced
from llmcompile.edit.layout.inside import content_column, moved
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load

# What YAML takes for the end of a line. Two more, U+2028 and U+2029, are kept where they are part of a text.
_LINE_ENDS = re.compile("\r\n|\r|\x85")


def laid_out(source: Source) -> str | None:
    """The text in the one layout; None where that cannot be done for certain. The file must be YAML to our loader."""
    text = _LINE_ENDS.sub("\n", source.text)
    try:
        written = _Pass(text).run()
    except UnformattableError:
        return None
    return written if _says_the_same(source, written) else None


def _says_the_same(source: Source, text: str) -> bool:
    """The same characters but for white space, and the same data."""
    before, after = load(source), load(Source(source.file, text))
    return "".join(source.text.split()) == "".join(text.split()) and not after[1] and same(before[0], after[0])


class _Pass:
    """One walk from the first to the last thing written, with how far the current line has moved."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.shift = 0
        """Of the line that the current brackets started in; outside of brackets, of the current line."""

    def run(self) -> str:
        parts: list[str] = []
        before: Atom | None = None
        for atom in atoms(self.text):
            parts += [self._gap(before, atom), self._atom(atom)]
            before = atom
        return "".join([*parts, self._end(before)])

    def _gap(self, before: Atom | None, after: Atom) -> str:
        text = self.text[before.end if before else 0 : after.start]
        at = column(self.text, after.start)
        in_brackets = before is not None and before.flow > 0
        goal = max(0, at + self.shift) if in_brackets else after.target
        if (before is None or "\n" in text) and not in_brackets:
            self.shift = goal - at
        return spaced(Gap(before, after, at, goal, self.shift, self._limit(before)), text)

    def _limit(self, before: Atom | None) -> int | None:
        if before is None or before.kind != "block":
            return None
        return content_column(before, self.text[before.start : before.end])

    def _atom(self, atom: Atom) -> str:
        written = self.text[atom.start : atom.end]
        return moved(atom, written, self.shift) if atom.kind in ("scalar", "block") else written

    def _end(self, last: Atom | None) -> str:
        text = self.text[last.end if last else 0 :]
        block = self.text[last.start : last.end] if last is not None and last.kind == "block" else ""
        if block and not text.strip(" ") and "-" not in indicators(block):
            return ""  # the end of this line would become part of what the block says
        return spaced(Gap(last, None, 0, 0, self.shift, self._limit(last)), text)
