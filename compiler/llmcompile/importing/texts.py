"""Text of the source on its way into our YAML: fit to be written there, and as a name of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmcompile import literals, refs
from llmcompile.importing.source import Scalar, Value

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_ENVIRON = "os.environ/"
Data = Scalar | tuple["Data", ...] | dict[str, "Data"]
"""A value as our loader has it."""


def unfit(text: str) -> str | None:
    """Why a text cannot stand in our YAML as a value that is no secret; None where it can."""
    if literals.looks_literal(text):
        return "it looks like a secret"
    if variable(text) or literals.is_pointer(text):
        return "it is a reference, and only secrets are references here"
    if "${" in text:
        return "it holds a placeholder, and nothing is interpolated here"
    if not text.isprintable() or not text.strip():
        return "it is empty, or holds characters that cannot be written"
    return None


def variable(text: str) -> str | None:
    """The environment variable that the whole text stands for: ``os.environ/NAME``, ``${NAME}`` or ``$NAME``."""
    if found := _VARIABLE.fullmatch(text):
        return found[1]
    ref = refs.parse(text) if text.startswith(_ENVIRON) else None
    return ref.target if ref else None


def data(value: Value) -> Data:
    """A value with all below it, as our loader would have it."""
    if isinstance(value.data, tuple):
        return tuple(data(each) for each in value.items)
    if isinstance(value.data, Mapping):
        return {key: data(each) for key, each in value.fields.items()}
    return value.scalar()


def unfit_anywhere(value: Value) -> str | None:
    """Why a value with all below it cannot stand in our YAML; None where it can."""
    for each in value.everything():
        texts = [*each.fields, *([each.text] if each.text is not None else [])]
        reasons = (unfit(text) for text in texts if text)
        if found := next((reason for reason in reasons if reason), None):
            return found
    return None


def slug(text: str, fallback: str, limit: int = 63) -> str:
    """A name of an endpoint, a credential or a route group made from a text."""
    fit = re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:limit].strip("-_")
    return fit or fallback


def code(text: str) -> str:
    """A model's code made from the name that clients send."""
    fit = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:100]
    return re.sub(r"^[^A-Za-z0-9]+", "", fit).rstrip("-") or "model"


def group(text: str) -> str:
    """An access group or tag made from a text."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower())[:63].strip("-") or "group"


def unique(name: str, taken: set[str], limit: int = 63) -> str:
    """The name, or with the first number behind it that nobody has; it is taken then."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name[: limit - len(str(number)) - 1]}-{number}"
    taken.add(found)
    return found
