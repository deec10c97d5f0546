"""Diagnostics and proofs as JUnit XML, for the test reports of Jenkins, GitLab and every other CI system.

A file is a test case, and so is a proof: its name never changes, so that a report can tell what is newly broken and
what is fixed again. Errors fail a case; warnings and notes are its output.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import click

from llmcompile.codes import CODES
from llmcompile.diagnostics import Severity
from llmcompile.literals import mask
from llmcompile.show import proofs as proofs_shown
from llmcompile.show import text
from llmcompile.show.located import Located, summary

if TYPE_CHECKING:
    from llmcompile.prove.outcome import Proven

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def render(found: Sequence[Located], files: Iterable[str], proofs: Sequence[Proven] = (), prefix: str = "") -> str:
    """The whole report. ``files`` were looked at, below the root; those with a diagnostic need not be among them.

    A suite for each folder, and one for the proofs. ``prefix`` leads from the top of the git repository to the root.
    Without times, the same problems are the same bytes.
    """
    of_file: dict[str, list[Located]] = defaultdict(list)
    for each in found:
        of_file[each.at.file].append(each)
    suites: dict[str, list[ElementTree.Element]] = defaultdict(list)
    for file in sorted({*files, *of_file}):
        folder = PurePath(file).parent.name or "project"
        suites[folder].append(_file(f"{prefix}{file}", folder, of_file[file]))
    ordered = [(name, suites[name]) for name in sorted(suites)]
    ordered += [("proofs", [_proof(each) for each in proofs])] if proofs else []
    return _written(ordered)


def _written(suites: Iterable[tuple[str, list[ElementTree.Element]]]) -> str:
    report = ElementTree.Element("testsuites", {"name": "llmcompile"})
    for name, cases in suites:
        suite = ElementTree.SubElement(report, "testsuite", {"name": _clean(name), **_counts(cases)})
        suite.set("skipped", str(sum(each.find("skipped") is not None for each in cases)))
        suite.extend(cases)
    report.attrib |= _counts(list(report.iter("testcase")))
    ElementTree.indent(report)
    # ASCII: the bytes are the same under any locale.
    written: bytes = ElementTree.tostring(report, encoding="us-ascii", xml_declaration=True)
    return written.decode("ascii")


def _counts(cases: Sequence[ElementTree.Element]) -> dict[str, str]:
    failures = sum(each.find("failure") is not None for each in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}


def _file(name: str, folder: str, found: Sequence[Located]) -> ElementTree.Element:
    case = _case(mask(name), folder)
    errors = [each for each in found if each.diagnostic.severity is Severity.ERROR]
    others = [each for each in found if each.diagnostic.severity is not Severity.ERROR]
    if errors:
        first, more = errors[0].diagnostic, len(errors) - 1
        message = mask(first.message) + (f" (and {more:,} more)" if more else "")
        # GitLab shows the text alone, Jenkins the message first, and of several failures the last.
        _say(case, "failure", _shown(errors), message, type=first.code)
    if others:
        _say(case, "system-out", f"{summary(each.diagnostic for each in others)}\n{_shown(others)}")
    return case


def _proof(proven: Proven) -> ElementTree.Element:
    """A proof that warnings alone break, or that errors prevented, is skipped: it fails no build."""
    case = _case(proven.proof.name, "proofs")
    said = proofs_shown.render_text([proven])
    if any(CODES[code].severity == "error" for code in proven.broken):
        _say(case, "failure", said, said.partition("\n")[0], type=min(proven.broken))
    elif proven.state != "holds":
        _say(case, "skipped", said, said.partition("\n")[0])
    else:
        _say(case, "system-out", said)
    return case


def _case(name: str, suite: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", {"name": _clean(name), "classname": _clean(f"llmcompile.{suite}")})


def _say(case: ElementTree.Element, tag: str, said: str, message: str = "", **attributes: str) -> None:
    element = ElementTree.SubElement(case, tag, attributes | ({"message": _clean(message)} if message else {}))
    element.text = _clean(said)


def _shown(found: Iterable[Located]) -> str:
    return click.unstyle(text.render(found))


def _clean(said: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", said)
