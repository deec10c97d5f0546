"""Searches what a command said for a secret, in every encoding in which one may slip out."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator


def spellings(secret: str) -> dict[str, str]:
    """Encoding and what the secret looks like in it; in base64 at any place within a larger payload."""
    in_json = json.dumps(secret)[1:-1]
    found = {
        "raw": secret,
        "url": urllib.parse.quote(secret, safe=""),
        "url, slashes kept": urllib.parse.quote(secret),
        "json": in_json,
        "json in json": json.dumps(in_json)[1:-1],
        "repr": repr(secret)[1:-1],
        "json in repr": repr(in_json)[1:-1],
    }
    for name, text in (("raw", secret), ("json", in_json)):
        for shift in range(3):
            for kind, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
                found[f"{kind} of {name} at {shift}"] = _middle(encode(b"\0" * shift + text.encode()).decode(), shift)
    return found


def _middle(encoded: str, shift: int) -> str:
    """The part that depends on the secret alone: neither on what is before it nor on what follows."""
    return encoded[4 if shift else 0 :].rstrip("=")[:-1]


def leaked(secret: str, text: str) -> Iterator[str]:
    """The encodings in which the text shows the secret."""
    yield from (name for name, spelling in spellings(secret).items() if spelling in text)
