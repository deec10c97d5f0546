"""Did you mean: the nearest of the names that exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was most likely meant."""
    folded = {each.lower(): each for each in sorted(known)}
    found = difflib.get_close_matches(name.lower()[:200], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint with the nearest name, else another hint."""
    match = nearest(name, known)
    return f"did you mean '{match}'?" if match else otherwise
