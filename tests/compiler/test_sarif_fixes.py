"""SARIF's ``fixes``: whoever applies them by the format's own rules has what ``llmcompile fix`` writes.

``taken`` is such a reader: it knows SARIF (section 3.57, columns by ``columnKind``) and nothing of llmcompile.
"""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.test_edit_fix import FIXABLE, RIGHT, TYPOS, UNTOUCHED
from tests.compiler.test_sarif import validator
from tests.test_golden import AS_OF

from llmcompile.diagnostics import Diagnostic, Fix, Place
from llmcompile.edit.fixes import fixed
from llmcompile.edit.replacements import replacements
from llmcompile.load.locate import Locator
from llmcompile.load.source import Source, read
from llmcompile.pipeline import compile_repository
from llmcompile.show import sarif
from llmcompile.show.located import located

ACCOUNT, MODEL = "accounts/acme.yaml", "models/gpt-4o.yaml"


def taken(top: Path, log: dict[str, Any]) -> int:
    """Take every fix of the log, in the files below ``top``; how many there were."""
    (run,) = log["runs"]
    edits: dict[str, list[tuple[int, int, str]]] = {}
    for result in run["results"]:
        for fix in result.get("fixes", ()):
            for change in fix["artifactChanges"]:
                uri = unquote(change["artifactLocation"]["uri"])
                text = (top / uri).read_bytes().decode()
                edits.setdefault(uri, []).extend(
                    (*span(text, each["deletedRegion"], run["columnKind"]), each["insertedContent"]["text"])
                    for each in change["replacements"]
                )
    for uri, found in edits.items():
        text = (top / uri).read_bytes().decode()
        ordered = sorted(found)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(ordered)), "two fixes overlap"
        for start, end, new in reversed(ordered):
            text = text[:start] + new + text[end:]
        (top / uri).write_bytes(text.encode())
    return sum(map(len, edits.values()))


def span(text: str, region: dict[str, int], column_kind: str) -> tuple[int, int]:
    """A region as offsets into the text; columns count from 1, and the end column is exclusive."""
    lines = text.split("\n")

    def offset(line: int, column: int) -> int:
        before = sum(len(each) + 1 for each in lines[: line - 1])
        if column_kind == "unicodeCodePoints":
            return before + column - 1
        units = lines[line - 1].encode("utf-16-le")[: 2 * (column - 1)]
        return before + len(units.decode("utf-16-le"))

    return offset(region["startLine"], region["startColumn"]), offset(region["endLine"], region["endColumn"])


def log_of(root: Path) -> dict[str, Any]:
    diagnostics, locator = compile_repository(root, AS_OF).diagnostics, Locator(root)
    fixes = replacements(root, diagnostics, locator)
    log: dict[str, Any] = json.loads(sarif.render(located(diagnostics, locator), "", fixes))
    validator().validate(log)
    return log


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.yaml")}


def fix_once(root: Path) -> int:
    """One round of ``llmcompile fix``."""
    diagnostics, count = compile_repository(root, AS_OF).diagnostics, 0
    for file in {each.place.file for each in diagnostics if each.fix}:
        source = read(root, file)
        assert isinstance(source, Source)
        after = fixed(source, [each for each in diagnostics if each.fix and each.place.file == file])
        (root / file).write_bytes(after.source.text.encode())
        count += len(after.done)
    return count


@pytest.mark.parametrize("case", FIXABLE, ids=lambda case: case.name)
def test_a_golden_case_is_fixed_by_its_sarif_alone(case: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    shutil.copytree(case, ours)
    shutil.copytree(case, theirs)
    count = taken(theirs, log_of(theirs))
    assert (count, files(theirs)) == (fix_once(ours), files(ours))
    assert (count > 0) is (case.name not in UNTOUCHED)


def test_the_command_gives_the_same_round_by_round(tmp_path: Path) -> None:
    theirs = write_repo(tmp_path / "config dir" / "theirs", TYPOS)
    (tmp_path / ".git").mkdir()
    command = ("check", "--format", "sarif", "--as-of", "2026-01-15")
    rounds = []
    while count := taken(tmp_path, json.loads(run_cli(*command, cwd=theirs).stdout)):
        rounds.append(count)
    ours = write_repo(tmp_path / "ours", TYPOS)
    assert run_cli("fix", "--as-of", "2026-01-15", cwd=ours).returncode == 0
    assert (rounds, files(theirs)) == ([5, 1], files(ours))
    assert (theirs / ACCOUNT).read_text("utf-8") == RIGHT


ASTRAL = (
    "# \N{GRINNING FACE}\nregion: europe-west6\n\"account\": acme\naccess: {groups: ['\N{GRINNING FACE}', General]}\n"
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_columns_count_what_the_log_says_they_count(tmp_path: Path, line_end: str) -> None:
    root = write_repo(tmp_path, {MODEL: FILES[MODEL] + "access_groups: [general]\n"})
    (root / ACCOUNT).write_bytes(ASTRAL.replace("\n", line_end).encode())
    log = log_of(root)
    fixes = [each for each in log["runs"][0]["results"] if "fixes" in each]
    assert [each["ruleId"] for each in fixes] == ["group-name"]
    before = (root / ACCOUNT).read_bytes()
    assert taken(root, log) == 1
    assert (root / ACCOUNT).read_bytes() == before.replace(b"General", b"general")
    # The control: by the other kind of column, the fix lands elsewhere.
    (root / ACCOUNT).write_bytes(before)
    log["runs"][0]["columnKind"] = "utf16CodeUnits"
    assert taken(root, log) == 1
    assert (root / ACCOUNT).read_bytes() != before.replace(b"General", b"general")


def test_what_no_machine_can_answer_has_no_fix(tmp_path: Path) -> None:
    log = log_of(write_repo(tmp_path, {ACCOUNT: FILES[ACCOUNT].replace("europe-west6", "mars")}))
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["region-unknown"]
    assert taken(tmp_path, log) == 0


def test_two_mistakes_that_mean_one_name_are_fixed_once() -> None:
    source = Source(ACCOUNT, "groups: [Beta, BETA, beta-]\nkey: 1\n")
    wrong = [Diagnostic("group-name", "m", Place(ACCOUNT, ("groups", at)), fix=Fix("beta")) for at in range(3)]
    after = fixed(source, wrong)
    assert (after.source.text, len(after.done), len(after.changes)) == ("groups: [beta, BETA, beta-]\nkey: 1\n", 1, 1)


def test_what_stands_below_a_key_that_is_renamed_waits_for_the_next_round() -> None:
    source = Source(ACCOUNT, "acess: {grups: [Beta]}\nother: [Beta]\n")
    key, below, value, other = (
        Diagnostic("key-unknown", "m", place, fix=Fix(new))
        for place, new in [
            (Place(ACCOUNT, ("acess",), "key"), "access"),
            (Place(ACCOUNT, ("acess", "grups"), "key"), "groups"),
            (Place(ACCOUNT, ("acess", "grups", 0)), "beta"),
            (Place(ACCOUNT, ("other", 0)), "beta"),
        ]
    )
    after = fixed(source, [key, below, value, other])
    assert after.source.text == "access: {grups: [Beta]}\nother: [beta]\n"
    assert after.done == (key, other)


def test_a_file_full_of_mistakes_is_no_typing_mistake(tmp_path: Path) -> None:
    keys = "".join(f"  t{at}: {{mode: restrict, groups: [Beta]}}\n" for at in range(900))
    root = write_repo(tmp_path, {ACCOUNT: f"{FILES[ACCOUNT]}teams:\n{keys}"})
    assert taken(root, log_of(root)) == 200
