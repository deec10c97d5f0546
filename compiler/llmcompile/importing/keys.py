"""Secrets of the source: each becomes a ref. What was written out gets a variable of its own, and is never kept.

The only module that looks at the value of a secret, and only to tell whether two are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count

from llmcompile import literals, refs
from llmcompile.importing import texts
from llmcompile.importing.report import MadeUp, Report
from llmcompile.importing.source import Value
from llmcompile.refs import Ref

_GOOGLE = re.compile(r"gcp\.secretmanager/(projects/[^#]+)(#(?P<field>[^#/~]+))?")
_OTHER_VAULTS = ("aws.secretsmanager/", "azure.keyvault/", "gcp.secretmanager/")
_SECRET_NAME = re.compile(r"(key|secret|password|token|credential)s?$", re.I)
_TELLING = 16
"""A secret shorter than this may stand elsewhere by chance: 'lm-studio' is a key and a name."""


class Keys:
    """Turns secrets into refs, the same secret into the same ref."""

    def __init__(self, source: Value, report: Report) -> None:
        self._report = report
        named = (texts.variable(each.text) for each in source.everything() if each.text)
        self._variables = {each for each in named if each}
        self._known: dict[str, Ref] = {}

    def ref(self, value: Value, whose: str) -> Ref:
        """The ref for a secret. ``whose`` becomes a part of the variable's name, if one has to be made up."""
        text = (value.text or "").strip()
        if found := _pointer(text):
            return found
        if name := texts.variable(text):
            self._report.changed(value, f"a placeholder: ref+env://{name} in its place")
            return Ref("env", name)
        if text not in self._known:
            self._known[text] = self.made_up(value, whose)
        self._report.changed(value, f"{_what(text)}: {self._known[text]} in its place")
        return self._known[text]

    def made_up(self, value: Value, whose: str) -> Ref:
        """A ref to a variable that did not exist before."""
        base = f"IMPORTED_{re.sub('[^A-Z0-9]+', '_', whose.upper())}_KEY"
        numbered = (base if number == 1 else f"{base}_{number}" for number in count(1))
        name = next(each for each in numbered if each not in self._variables)
        self._variables.add(name)
        self._report.made_up.append(MadeUp(name, value.line, value.column))
        return Ref("env", name)


def _pointer(text: str) -> Ref | None:
    """The ref that a pointer of the source is."""
    if found := _GOOGLE.fullmatch(text):
        ref = refs.parse(found[1])
        return Ref(ref.scheme, ref.target, ref.version, f"/{found['field']}" if found["field"] else "") if ref else None
    return refs.parse(text)


def _what(text: str) -> str:
    if text.startswith(_OTHER_VAULTS) or literals.is_pointer(text):
        return "a ref that llmcompile does not have"
    return "a secret that is written out"


def is_secret(name: str) -> bool:
    """Whether a field or variable of this name holds a secret. Other proxies have more of them than we do."""
    return literals.is_secret_field(name) or _SECRET_NAME.search(name) is not None


def secrets(source: Value) -> Iterable[tuple[str, Value]]:
    """Every secret that the source writes out, as far as it could be recognised elsewhere."""
    for each in source.everything():
        text = each.text
        if text is None or len(text) < _TELLING or not is_secret(str(each.route[-1]) if each.route else ""):
            continue
        if not literals.is_pointer(text) and not texts.variable(text) and any(char.isdigit() for char in text):
            yield text, each
