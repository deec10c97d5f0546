"""Did you mean: the nearest of the names that exist, and whether it is certain."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable

from llmcompile.diagnostics import Fix, Place, Related

_LONG = 8
"""Names from this length on may have two typing mistakes."""
_SHORT = 5
"""Below this length another letter makes another word; only two that are swapped are a mistake for certain."""


_ALIKE = str.maketrans("аеорсухіјѕԁɡՕοΟАЕОРСТХВНКМ", "aeopcyxijsdgOoOAEOPCTXBHKM")  # noqa: RUF001 - that is the point
"""Letters of other scripts that look like Latin ones."""


def folded(name: str) -> str:
    """A name as it looks: letters of other scripts that look like ours are ours."""
    return unicodedata.normalize("NFKC", name).translate(_ALIKE)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was most likely meant."""
    lowered = {each.lower(): each for each in sorted(known)}
    name = folded(name[:200]).strip().lower()
    if name in lowered:
        return lowered[name]
    swapped = [each for each in lowered if len(each) == len(name) == 2 and each == name[::-1]]
    found = swapped or difflib.get_close_matches(name, lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint with the nearest name, else another hint; a name that is hardly alike only where there is no other."""
    match = nearest(name, known)
    if match and otherwise and _distance(name[:200].lower(), match.lower()) > max(3, len(match) * 2 // 5):
        return otherwise
    return f"did you mean '{match}'?" if match else otherwise


def nearest_declared(name: str, known: Collection[str], declared: Place) -> tuple[Related, ...]:
    """Where the nearest name is declared, below a place: it may be the one that is misspelled."""
    match = nearest(name, known)
    return (Related((declared / match).key(), "the nearest is declared here"),) if match else ()


def fix_for(name: str, known: Collection[str], *, closed: bool = False) -> Fix | None:
    """The nearest name as a fix, where it is certain: mistyped, and no other name is as near.

    ``closed``: nobody makes names of this kind but we. Where users do, a number makes another version, region or
    model, and a letter that stands alone another team: names that differ in one are never each other's mistake.
    """
    match = nearest(name, known)
    if match is None or len(name) > 200:
        return None
    alike = [each for each in known if _bare(each) == _bare(name)]
    if alike:
        return Fix(alike[0]) if alike == [match] else None
    distance = _distance(name.lower(), match.lower())
    if distance > (2 if len(name) >= _LONG else 1) or not (closed or _same_name(name.lower(), match.lower())):
        return None
    rivals = (each for each in known if each != match and abs(len(each) - len(name)) <= distance)
    return None if any(_distance(name.lower(), each.lower()) <= distance for each in rivals) else Fix(match)


def a_letter_off(name: str, known: Iterable[str]) -> str | None:
    """The one name that is a typing mistake away, and has the same digits; None where there is none, or several."""
    found = letters_off(name, known)
    return found[0] if len(found) == 1 else None


def letters_off(name: str, known: Iterable[str]) -> list[str]:
    """The names that are a typing mistake away, and have the same digits.

    Cheap enough for every host of a fleet: hardly any name gets as far as the comparison itself.
    """
    letters = set(name)
    near = (
        each for each in known if abs(len(each) - len(name)) <= 1 and len(letters ^ set(each)) <= 2 and each != name
    )
    return [each for each in near if _distance(name, each) == 1 and re.sub(r"\D", "", name) == re.sub(r"\D", "", each)]


def holds_misspelled(text: str, word: str) -> bool:
    """Whether a part of the text is the word with one typing mistake; separators and digits do not count as such."""
    plain, wanted = (re.sub(r"[^a-z0-9]", "", each.lower()) for each in (text[:200], word))
    if wanted in plain:
        return False
    for size in (len(wanted), len(wanted) - 1, len(wanted) + 1):
        for part in (plain[at : at + size] for at in range(len(plain) - size + 1)):
            same_digits = re.sub(r"\D", "", part) == re.sub(r"\D", "", wanted)
            if part[:1] == wanted[:1] and same_digits and _distance(part, wanted) == 1:
                return True
    return False


def _bare(name: str) -> str:
    return re.sub(r"(?<![0-9])[-_. ]|[-_. ](?![0-9])", "", name.lower())


def _same_name(one: str, other: str) -> bool:
    """Whether two names are too much alike to be two names."""
    swapped = sorted(one) == sorted(other)
    if len(one) < _SHORT and not swapped:
        return False
    words = [
        [each for each in re.split(r"[-_. /]", name) if re.search(r"\d", each) or len(each) < 3]
        for name in (one, other)
    ]
    digits = [re.sub(r"\D", "", name) for name in (one, other)]
    return digits[0] == digits[1] and [sorted(each) for each in words[0]] == [sorted(each) for each in words[1]]


def _distance(one: str, other: str) -> int:
    """Letters to insert, leave out or replace, or neighbours to swap (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, above, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted)))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                row[j] = min(row[j], above[j - 2] + 1)
    return row[-1]
