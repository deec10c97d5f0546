"""``check --format junit``: a report that Jenkins' strictest schema takes, and that says what the text says.

``GRAMMAR`` is that schema, ``junit-10.xsd`` of the xunit plugin, as far as anything in it is used here: an element or
attribute that is not listed is refused, as the schema refuses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import click
import pytest
from tests.compiler.example import copy_example
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.test_sarif import CASES, found_in

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.load.locate import Location
from llmcompile.prove import PROOFS
from llmcompile.show import junit, text
from llmcompile.show.located import Located

ACCOUNT = "accounts/acme.yaml"
BROKEN = {ACCOUNT: FILES[ACCOUNT].replace("pro", "por")}

GRAMMAR: dict[str, tuple[set[str], set[str], set[str]]] = {
    # element: what it must say, what else it may say, what may stand in it
    "testsuites": ({"name", "tests", "failures", "errors"}, {"time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"skipped", "time", "file", "package"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"time", "group"}, {"failure", "error", "skipped", "system-out", "system-err"}),
    "failure": ({"type", "message"}, set(), set()),
    "skipped": ({"message"}, {"type"}, set()),
    "system-out": (set(), set(), set()),
}


def refuse(element: Element) -> None:
    """``AssertionError`` where the schema would not take the element, or its counts are wrong."""
    assert element.tag in GRAMMAR, element.tag
    must, may, inside = GRAMMAR[element.tag]
    assert must <= set(element.attrib) <= must | may, element.attrib
    assert {each.tag for each in element} <= inside
    if inside:
        assert not (element.text or "").strip()
    if "tests" in must:
        cases = list(element.iter("testcase"))
        assert int(element.get("tests", "")) == len(cases)
        assert int(element.get("failures", "")) == sum(each.find("failure") is not None for each in cases)
        assert element.get("errors") == "0"
    if element.tag == "testsuite":
        assert int(element.get("skipped", "")) == sum(each.find("skipped") is not None for each in element)
    if element.tag == "testcase":
        assert sum(each.tag in ("failure", "error", "skipped") for each in element) <= 1  # Jenkins keeps one
    for each in element:
        refuse(each)


def parsed(report: str) -> Element:
    """The report's root, by a parser of its own, when the schema takes it."""
    assert report.isascii()
    root = ElementTree.fromstring(report)
    refuse(root)
    names = Counter((each.get("classname"), each.get("name")) for each in root.iter("testcase"))
    assert {*names.values()} <= {1}  # GitLab ignores the second of a name
    return root


def made_up(code: str, message: str, hint: str = "", file: str = ACCOUNT) -> Located:
    at = Location(file, 1, 1, 1, 2, "line")
    return Located(Diagnostic(code, message, Place(file), hint), at, ())


@pytest.mark.parametrize("case", CASES, ids=[f"{each.parent.name}/{each.name}" for each in CASES])
def test_every_golden_case_is_a_report_that_says_what_the_text_says(case: Path) -> None:
    found = found_in(case)
    root = parsed(junit.render(found, ["llmcompile.yaml"]))
    failed = {each.get("name") for each in root.iter("testcase") if each.find("failure") is not None}
    assert failed == {each.at.file for each in found if str(each.diagnostic.severity) == "error"}
    said = "".join(each.text or "" for case in root.iter("testcase") for each in case)
    for each in found:
        (block,) = click.unstyle(text.render([each])).rstrip("\n").split("\n\n")
        assert re.sub("[\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", block) in said


@pytest.mark.parametrize("case", [each for each in CASES if (each / "secrets").exists()], ids=lambda each: each.name)
def test_no_secret_is_in_the_report(case: Path) -> None:
    report = junit.render(found_in(case), [])
    for secret in (case / "secrets").read_text("utf-8").splitlines():
        assert secret not in report
        assert secret[:12] not in report


DAMAGE: list[Callable[[Element], object]] = [
    lambda root: root[0][0].set("file", "accounts/acme.yaml"),
    lambda root: root[0].attrib.pop("tests"),
    lambda root: root[0].set("failures", "0"),
    lambda root: root[0].append(ElementTree.Element("failure", {"type": "t", "message": "m"})),
    lambda root: root[0][0].append(ElementTree.Element("failure", {"type": "t", "message": "m"})),
    lambda root: root.append(ElementTree.Element("testcase", {"name": "n", "classname": "c"})),
    lambda root: setattr(root[0], "text", "words"),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_control_what_the_schema_does_not_know_is_seen(tmp_path: Path, damage: Callable[[Element], object]) -> None:
    root = parsed(junit.render(found_in(write_repo(tmp_path, BROKEN)), []))
    damage(root)
    with pytest.raises(AssertionError):
        refuse(root)


def test_every_file_and_every_proof_is_a_case_and_the_bytes_stay_the_same(tmp_path: Path) -> None:
    root = copy_example(tmp_path)
    command = ("check", "--format", "junit", "--proofs", "--as-of", "2026-01-15")
    result = run_cli(*command, cwd=root)
    assert (result.returncode, run_cli(*command, cwd=root).stdout) == (0, result.stdout)
    report = parsed(result.stdout)
    files = {each.relative_to(root).as_posix() for each in root.rglob("*.yaml")}
    assert {each.get("name") for each in report.iter("testcase")} == files | {each.name for each in PROOFS}
    assert (report.get("failures"), {each.get("skipped") for each in report[:-1]}) == ("0", {"0"})
    suites = [each.get("name") for each in report]
    assert suites == ["accounts", "models", "project", "regions", "proofs"]
    said = {each.get("name"): each.findtext("system-out") or "" for each in report[-1]}
    assert said["access"].startswith("access: holds for ")
    assert "holds for" not in result.stderr


def test_a_case_keeps_its_name_when_it_breaks(tmp_path: Path) -> None:
    """What lets GitLab and Jenkins say what is newly broken, and what is fixed."""

    def names(root: Path) -> dict[str | None, bool]:
        report = parsed(run_cli("check", "--format", "junit", cwd=root).stdout)
        return {each.get("name"): each.find("failure") is None for each in report.iter("testcase")}

    good, bad = names(write_repo(tmp_path / "good")), names(write_repo(tmp_path / "bad", BROKEN))
    assert good == dict.fromkeys(FILES, True)
    assert bad == good | {ACCOUNT: False}


def test_paths_are_those_of_the_git_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    root = write_repo(tmp_path / "config", BROKEN)
    report = parsed(run_cli("check", "--format", "junit", cwd=root).stdout)
    assert {each.get("name") for each in report.iter("testcase")} == {f"config/{name}" for name in FILES}


def test_warnings_fail_nothing_and_errors_come_first() -> None:
    warning, note = made_up("price-jump", "a jump"), made_up("group-empty", "a note", file="accounts/b.yaml")
    error = made_up("model-unknown", "no model")
    report = parsed(junit.render([warning, error, note], []))
    first, second = report.iter("testcase")
    failure = first.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("model-unknown", "no model")
    assert "a jump" not in (failure.text or "")
    assert (first.findtext("system-out") or "").startswith("1 warning\nwarning[price-jump]: a jump\n")
    assert second.find("failure") is None
    assert (second.findtext("system-out") or "").startswith("1 note\n")


GATE = f"{FILES[ACCOUNT]}survive: 1\n"


def test_a_proof_fails_where_an_error_breaks_it(tmp_path: Path) -> None:
    result = run_cli("check", "--proofs", "--format", "junit", cwd=write_repo(tmp_path, {ACCOUNT: GATE}))
    proofs = {each.get("name"): each for each in parsed(result.stdout)[-1]}
    failure = proofs["survival"].find("failure")
    assert failure is not None
    assert (failure.get("type"), result.returncode) == ("survival", 1)
    assert (failure.get("message") or "").startswith("survival: fails: survival (1)")
    assert proofs["access"].find("failure") is None


def test_what_errors_prevent_is_skipped(tmp_path: Path) -> None:
    report = parsed(run_cli("check", "--proofs", "--format", "junit", cwd=write_repo(tmp_path, BROKEN)).stdout)
    assert [each.get("skipped") for each in report] == ["0"] * 4 + [str(len(PROOFS))]


FORBIDDEN = ["\0", "\x08", "\x0b", "\x1b[31m", "\x7f", "\ud800", "\ufffe", "\uffff"]


@pytest.mark.parametrize("odd", FORBIDDEN, ids=ascii)
def test_what_xml_cannot_say_is_replaced(odd: str) -> None:
    strange = made_up("model-unknown", f"a{odd}b", f"c{odd}d", f"accounts/{odd}.yaml")
    report = junit.render([strange], [f"models/{odd}.yaml"])
    assert len(list(parsed(report).iter("failure"))) == 1
    if odd != "\x7f":
        with pytest.raises((ElementTree.ParseError, UnicodeEncodeError)):  # the control: bare, it is no XML
            ElementTree.fromstring(f"<a>{odd}</a>".encode())


def test_markup_arrives_as_it_was() -> None:
    said = "]]> <failure type=\"x\"> & 'y' \N{LATIN SMALL LETTER U WITH DIAERESIS} &#0; \N{GRINNING FACE}"
    (failure,) = parsed(junit.render([made_up("model-unknown", said)], [])).iter("failure")
    assert failure.get("message") == said
    assert f"error[model-unknown]: {said}\n" in (failure.text or "")


def test_a_repository_that_cannot_be_read_is_a_report_too(tmp_path: Path) -> None:
    result = run_cli("check", "--format", "junit", cwd=write_repo(tmp_path, {"llmcompile.yaml": "version: [\n"}))
    (case,) = [each for each in parsed(result.stdout).iter("testcase") if each.find("failure") is not None]
    assert (case.get("name"), result.returncode) == ("llmcompile.yaml", 1)
