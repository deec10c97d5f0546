"""Which line of a text that is no YAML was probably meant otherwise: parsers notice a mistake lines later.

Looks at text alone, and only where libyaml has refused it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part of a line, and what to write instead."""

    span: tuple[int, int]
    hint: str


_NEAR = 40
"""Lines above the place where it was noticed; further up, it would have been noticed earlier."""
_QUOTE = re.compile(r"(?:^|[:\-,] +|[\[{] *)(\"(?:[^\"\\\n]|\\.)*)$")
_KEY = "write 'key: value'"
# A key in front of a bracket without its colon, or without the space behind it; or with an equals sign.
_BRACKET = re.compile(r"(?:^|(?<=[\[{,] )|(?<=[\[{,])|(?<=- ))([A-Za-z_][\w.-]*(?::| = ?|=| )?)(?=[\[{])")
_DASH = re.compile(r"(-[A-Za-z_][^\n]*)")
_NO_COLON = re.compile(r"(?!.*(?:: |:$|#))(?:- )?([\w\"'][^\n]*)")


def suspect(text: str, noticed: int) -> Suspect | None:
    """The nearest suspicious line at or above the place where the mistake was noticed."""
    start = text.rfind("\n", 0, noticed) + 1
    stop = text.find("\n", noticed)
    found = _in_line(text, start, len(text) if stop < 0 else stop)
    if found is None and start and ":" not in text[start:noticed]:
        found = _above(text, start) or _first_entry(text, start)
    for _ in range(_NEAR):
        if found or not start:
            break
        stop, start = start - 1, text.rfind("\n", 0, start - 1) + 1
        found = _in_line(text, start, stop)
    return found


def _in_line(text: str, start: int, stop: int) -> Suspect | None:
    line = text[start:stop]
    begin = start + len(line) - len(line.lstrip(" "))
    line = line.lstrip(" ").rstrip()
    if line.startswith("#"):
        return None
    if found := _QUOTE.search(line):
        return Suspect((begin + found.start(1), begin + found.end(1)), "close the quotation mark")
    if (found := _BRACKET.search(line)) and '"' not in line[: found.start()]:
        return Suspect((begin + found.start(1), begin + found.end(1)), _KEY)
    if found := _DASH.fullmatch(line):
        return Suspect((begin, begin + len(line)), "a dash needs a space behind it: '- entry'")
    return None


def _above(text: str, start: int) -> Suspect | None:
    """The line above, where it looks like a key without its colon."""
    above = text[:start].rstrip("\n")
    line = above[above.rfind("\n") + 1 :].lstrip(" ")
    found = _NO_COLON.fullmatch(line)
    return Suspect((len(above) - len(line), len(above)), _KEY) if found else None


def _first_entry(text: str, start: int) -> Suspect | None:
    """The first entry of the list that this line goes on with, where it lacks the dash that this line has."""
    line = text[start:].partition("\n")[0]
    indent = len(line) - len(line.lstrip(" "))
    if not line.lstrip(" ").startswith("- "):
        return None
    first = None
    while start:
        stop, start = start - 1, text.rfind("\n", 0, start - 1) + 1
        above = text[start:stop]
        if len(above) - len(above.lstrip(" ")) <= indent:
            if above.lstrip(" ").startswith("- "):
                return None  # an entry like the others
            break
        first = (start + len(above) - len(above.lstrip(" ")), stop)
    return Suspect(first, "a dash is missing in front of it: '- entry'") if first and text[first[0]] != "-" else None
