"""What machines are told of problems: SARIF as code scanning takes it, and annotations within GitHub's limits.

``Runner`` reads a step's log the way GitHub's runner does (``actions/runner``, ``ActionCommand`` and
``ExecutionContext.AddIssue``); the SARIF schema is the official one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import jsonschema
import jsonschema_rs
import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.codes import CODES
from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.load.locate import Location, Locator
from llmcompile.pipeline import compile_repository
from llmcompile.show import machine, sarif
from llmcompile.show.located import Located, located

TESTS = Path(__file__).parents[1]
PAGES = TESTS.parent / "docs" / "codes"
SCHEMA = TESTS / "data" / "sarif" / "sarif-schema-2.1.0.json"
CASES = sorted(each for each in TESTS.glob("golden/*/*") if each.is_dir())
ACCOUNT = "accounts/acme.yaml"


@cache
def schema() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(SCHEMA.read_bytes())
    return data


@cache
def validator() -> Any:
    return jsonschema_rs.Draft4Validator(schema(), validate_formats=True)


@cache
def found_in(root: Path) -> list[Located]:
    return located(compile_repository(root, datetime(2026, 1, 1, tzinfo=UTC)).diagnostics, Locator(root))


def run_of(found: list[Located], prefix: str = "") -> dict[str, Any]:
    """The one run of the log, valid by the schema."""
    log = json.loads(sarif.render(found, prefix))
    validator().validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def checked(root: Path, text: str, form: str = "sarif") -> str:
    """What ``check`` prints where the account says this."""
    return run_cli("check", "--format", form, cwd=write_repo(root, {ACCOUNT: text})).stdout


def results(output: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output)["runs"][0]["results"]
    return found


def prints(output: str) -> list[str]:
    return [each["partialFingerprints"]["primaryLocationLineHash"] for each in results(output)]


def made_up(code: str, number: int, message: str = "m", hint: str = "", file: str = ACCOUNT) -> Located:
    at = Location(file, number, 1, number, 2, f"line {number}")
    return Located(Diagnostic(code, message, Place(file, ("keys", number)), hint), at, ())


# SARIF


@pytest.mark.parametrize("case", CASES, ids=[f"{each.parent.name}/{each.name}" for each in CASES])
def test_every_golden_case_is_valid_and_says_what_json_says(case: Path) -> None:
    run, found = run_of(found_in(case)), json.loads(machine.render_json(found_in(case)))["diagnostics"]
    rules = run["tool"]["driver"]["rules"]
    said = []
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["defaultConfiguration"]["level"] == result["level"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert artifact["uriBaseId"] == "%SRCROOT%"
        assert result["message"]["text"]
        said.append((result["ruleId"], unquote(artifact["uri"]), *region.values()))
        assert list(region) == ["startLine", "startColumn", "endLine", "endColumn"]
    names = ("code", "file", "line", "column", "end_line", "end_column")
    assert sorted(said) == sorted(tuple(each[name] for name in names) for each in found)
    assert [rule["id"] for rule in rules] == sorted({each["code"] for each in found})
    uris = [each["physicalLocation"]["artifactLocation"]["uri"] for each in locations(run)]
    assert [uri for uri in uris if not re.fullmatch(r"(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})+", uri)] == []


def locations(run: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for result in run["results"]:
        yield from result["locations"]
        yield from result.get("relatedLocations", ())


def test_a_second_validator_agrees(tmp_path: Path) -> None:
    log = json.loads(checked(tmp_path, "acount: x\n"))
    jsonschema.Draft4Validator.check_schema(schema())
    jsonschema.Draft4Validator(schema()).validate(log)
    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() in (SCHEMA.parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda run: run["results"][0].pop("message"),
        lambda run: run["results"][0].update(level="fatal"),
        lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda run: run.update(columnKind="bytes"),
        lambda run: run["tool"]["driver"].pop("name"),
        lambda run: run["tool"]["driver"]["rules"].append(run["tool"]["driver"]["rules"][0]),
        lambda run: run.update(extra=1),
    ],
)
def test_control_the_schema_refuses_what_is_wrong(tmp_path: Path, damage: Any) -> None:
    log = json.loads(checked(tmp_path, "acount: x\n"))
    assert validator().is_valid(log)
    damage(log["runs"][0])
    assert not validator().is_valid(log)


def test_no_problem_is_a_log_without_results(tmp_path: Path) -> None:
    result = run_cli("check", "--format", "sarif", cwd=write_repo(tmp_path))
    assert result.returncode == 0
    assert results(result.stdout) == []
    validator().validate(json.loads(result.stdout))


def test_columns_count_code_points(tmp_path: Path) -> None:
    text = "{account: acme, description: '\N{PARTY POPPER} \N{LATIN SMALL LETTER U WITH DIAERESIS}', tier: por,"
    output = checked(tmp_path, f"{text} region: europe-west6, source: platform}}\n")
    assert json.loads(output)["runs"][0]["columnKind"] == "unicodeCodePoints"
    assert output.isascii()
    (result,) = results(output)
    assert result["ruleId"] == "tier-unknown"
    region = result["locations"][0]["physicalLocation"]["region"]
    start, end = region["startColumn"] - 1, region["endColumn"] - 1
    assert text[start:end] == "por"
    # The control: the same figures as UTF-16 units, as some readers take them without columnKind, miss the word.
    assert text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") != "por"


def test_a_rule_explains_its_code() -> None:
    run = run_of([made_up(code, number) for number, code in enumerate(CODES, 1)])
    rules = {each["id"]: each for each in run["tool"]["driver"]["rules"]}
    assert set(rules) == set(CODES)
    for code, rule in rules.items():
        page = (PAGES / f"{code}.md").read_text("utf-8")
        assert rule["shortDescription"]["text"] == CODES[code].title
        assert rule["help"]["markdown"].startswith(f"# {code}\n")
        assert ".md)" not in rule["help"]["markdown"]
        assert rule["fullDescription"]["text"] in " ".join(page.split())
        assert rule["fullDescription"]["text"] != CODES[code].title
    assert any(".md)" in path.read_text("utf-8") for path in PAGES.glob("*-*.md"))  # the control: pages do have links


def test_fingerprints_stay_while_lines_move(tmp_path: Path) -> None:
    before = "account: acme\nregion: europe-west6\nsource: platform\ntier: por\naccess: {groups: [betta, alfa]}\n"
    moved = "# a comment\n\naccount: acme\ntier: por\n# another\nregion: europe-west6\nsource: platform\n"
    moved += "access: {groups: [betta, alfa]}\n"
    first, second = (checked(tmp_path, text) for text in (before, moved))
    assert len(set(prints(first))) == len(prints(first)) >= 3
    assert sorted(prints(first)) == sorted(prints(second))
    lines = [
        [each["locations"][0]["physicalLocation"]["region"]["startLine"] for each in results(output)]
        for output in (first, second)
    ]
    assert lines[0] != lines[1]
    # The control: another mistake is another result.
    other = prints(checked(tmp_path, before.replace("tier: por", "tier: poor")))
    assert len(set(prints(first)) - set(other)) == 1


def test_fingerprints_do_not_know_the_day() -> None:
    one, other = (
        [made_up("price-missing", 3, f"no price from {day} on"), made_up("price-missing", 3, f"none on {day}")]
        for day in ("2026-01-01", "2026-01-02")
    )
    hashes = [[each["partialFingerprints"] for each in run_of(found)["results"]] for found in (one, other)]
    assert hashes[0] == hashes[1]
    assert hashes[0][0] != hashes[0][1]


def test_related_places_are_linked_and_words_are_not() -> None:
    at = Location("accounts/[x](9).yaml", 2, 1, 2, 5, "text")
    diagnostic = Diagnostic("key-duplicate", "see [here](1) and [there](https://example.com)", Place(ACCOUNT), "[a](2)")
    (result,) = run_of([Located(diagnostic, at, ((at, "first [here](3)"),))], "sub/")["results"]
    text = result["message"]["text"]
    assert text.endswith(r": [sub/accounts/\[x\](9).yaml:2:1](1)")
    # As the specification has it: a link's text holds no bracket that is not escaped.
    assert re.findall(r"(?<!\\)\[(?:[^\[\]\\]|\\.)*\]\(([^)]*)\)", text) == ["1"]
    (related,) = result["relatedLocations"]
    assert related["id"] == 1
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "sub/accounts/%5Bx%5D%289%29.yaml"


def test_more_than_code_scanning_takes_is_cut_from_the_mildest_and_said() -> None:
    notes = [made_up("group-empty", number) for number in range(1, sarif.MAX_RESULTS + 1)]
    run = run_of([*notes, made_up("model-unknown", 1), made_up("model-unknown", 2)])
    assert len(run["results"]) == sarif.MAX_RESULTS
    assert [each["level"] for each in run["results"][:3]] == ["error", "error", "note"]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("2 more results are not listed")
    assert "toolExecutionNotifications" not in run_of(notes)["invocations"][0]


@pytest.mark.parametrize("case", [each for each in CASES if (each / "secrets").exists()], ids=lambda each: each.name)
def test_no_secret_is_in_the_log(case: Path) -> None:
    output = sarif.render(found_in(case))
    for secret in (case / "secrets").read_text("utf-8").splitlines():
        hidden = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], secret[:12], secret[-12:]}
        hidden |= {base64.b64encode(secret.encode()).decode(), base64.urlsafe_b64encode(secret.encode()).decode()}
        assert not [each for each in hidden if each in output]


# Where the YAML lies below the top of the git repository


@pytest.mark.parametrize("marker", ["folder", "file"])  # a file in a second work tree
def test_paths_are_those_of_the_git_repository(tmp_path: Path, marker: str) -> None:
    root = write_repo(tmp_path / "top" / "con fig" / "llm", {ACCOUNT: "acount: x\n"})
    alone = results(run_cli("check", "--format", "sarif", cwd=root).stdout)
    assert {uri(each) for each in alone} == {"accounts/acme.yaml"}  # no git: below the root
    git = tmp_path / "top" / ".git"
    git.mkdir() if marker == "folder" else git.write_text("gitdir: elsewhere\n", "utf-8")
    for where, arguments in ((root, ()), (root / "accounts", ()), (tmp_path, ("--root", "top/con fig/llm"))):
        log = run_cli("check", "--format", "sarif", *arguments, cwd=where).stdout
        assert {uri(each) for each in results(log)} == {"con%20fig/llm/accounts/acme.yaml"}
        assert json.loads(log)["runs"][0]["automationDetails"]["id"] == "llmcompile/con fig/llm/"
        commands = Runner(run_cli("check", "--format", "github", *arguments, cwd=where).stdout).commands
        assert {each["file"] for _, each, _ in commands} == {"con fig/llm/accounts/acme.yaml"}
    assert prints(log) == [each["partialFingerprints"]["primaryLocationLineHash"] for each in alone]


def uri(result: dict[str, Any]) -> str:
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def test_a_git_repository_of_its_own_needs_no_prefix(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    root = write_repo(tmp_path / "config", {ACCOUNT: "acount: x\n"})
    (root / ".git").mkdir()
    assert {uri(each) for each in results(run_cli("check", "--format", "sarif", cwd=root).stdout)} == {ACCOUNT}


# Annotations


class Runner:
    """A step's log read as GitHub's runner reads it: its commands, the annotations it keeps, and plain lines."""

    known = ("error", "warning", "notice", "group", "endgroup", "add-mask", "stop-commands", "set-output", "debug")

    def __init__(self, log: str) -> None:
        self.commands: list[tuple[str, dict[str, str], str]] = []
        self.plain: list[str] = []
        for line in log.splitlines():
            command = self._second(line) or self._first(line)
            if command is None:
                self.plain.append(line)
            elif command[0] not in ("group", "endgroup"):
                self.commands.append(command)
        self.kept: list[tuple[str, dict[str, str], str]] = []
        counts: Counter[str] = Counter()
        for each in self.commands:
            counts[each[0]] += 1
            if counts[each[0]] <= 10:
                self.kept.append(each)

    def _second(self, line: str) -> tuple[str, dict[str, str], str] | None:
        text = line.lstrip()
        end = text.find("::", 2)
        name, _, written = text[2:end].partition(" ")
        if not text.startswith("::") or end < 0 or name not in self.known:
            return None
        pairs = (each.split("=", 1) for each in written.strip().split(",") if "=" in each)
        return name, {key: unescaped(value, ":,") for key, value in pairs}, unescaped(text[end + 2 :], "")

    def _first(self, line: str) -> tuple[str, dict[str, str], str] | None:
        start = line.find("##[")
        end = line.find("]", start)
        name = line[start + 3 : end].partition(" ")[0]
        return (name, {}, line[end + 1 :]) if start >= 0 and end >= 0 and name in self.known else None


def unescaped(text: str, also: str) -> str:
    for character in f"\r\n{also}%":
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def kinds(commands: list[tuple[str, dict[str, str], str]]) -> Counter[str]:
    return Counter(name for name, _, _ in commands)


def mixed(errors: int, warnings: int, notes: int) -> list[Located]:
    """Notes first in the file, then warnings, then errors."""
    codes = ["group-empty"] * notes + ["price-jump"] * warnings + ["model-unknown"] * errors
    return [made_up(code, number, f"problem {number}") for number, code in enumerate(codes, 1)]


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (10, 10, 10), (11, 10, 0), (12, 40, 11), (0, 0, 500)])
def test_nothing_is_dropped_by_the_runner(counts: tuple[int, int, int]) -> None:
    found = mixed(*counts)
    step = Runner(machine.render_github(found))
    assert step.kept == step.commands
    assert kinds(step.commands) == +Counter(
        {name: min(count, 10) for name, count in zip(("error", "warning", "notice"), counts, strict=True)}
    )
    order = [name for name, _, _ in step.commands]
    assert order == sorted(order, key=["error", "warning", "notice"].index)
    log = "\n".join([*(message for _, _, message in step.commands), *step.plain])
    assert [each for each in found if not re.search(rf"{each.diagnostic.message}\b", log)] == []
    for name, count in zip(("error", "warning", "notice"), counts, strict=True):
        summaries = [properties for kind, properties, _ in step.commands if kind == name and "file" not in properties]
        word = name.replace("notice", "note")
        assert [each["title"] for each in summaries] == ([f"{count - 9} more {word}s"] if count > 10 else [])


def test_control_without_a_limit_the_runner_drops() -> None:
    step = Runner("\n".join(machine.render_github([each]) for each in mixed(12, 0, 0)))
    assert (len(step.commands), len(step.kept)) == (12, 10)


def test_lines_of_the_log_are_no_commands() -> None:
    nasty = ["##[add-mask]acme", "\n::add-mask::acme", "a ##[error]b", "\r\n##[stop-commands]x", "::error::y"]
    found = [
        made_up("model-unknown", n, nasty[n % 5], nasty[(n + 1) % 5], f"{nasty[n % 5]}.yaml") for n in range(1, 40)
    ]
    step = Runner(machine.render_github(found, "##[add-mask]::add-mask::/"))
    assert kinds(step.commands) == {"error": 10}
    assert len(step.plain) == 39 - 9
    # The control: the same words bare are commands.
    assert kinds(Runner("\n".join(nasty)).commands) == {"add-mask": 2, "error": 2, "stop-commands": 1}


def test_properties_and_messages_arrive_as_they_were(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    for name in ("100%.yaml", "a,b.yaml", "a:b.yaml", "a%2Cb.yaml", "a::error::b.yaml"):
        (root / "accounts" / name).write_text("acount: '%0A::error::%,:'\n", encoding="utf-8")
    found = json.loads(run_cli("check", "--format", "json", cwd=root).stdout)["diagnostics"]
    step = Runner(run_cli("check", "--format", "github", cwd=root).stdout)
    assert len(found) <= 10
    assert [each["file"] for _, each, _ in step.commands] == [each["file"] for each in found]
    for (_, properties, message), each in zip(step.commands, found, strict=True):
        assert message.startswith(f"{each['message']}\n" if each["hint"] else each["message"])
        assert properties["line"] == properties["endLine"] == str(each["line"])
        assert (properties["col"], properties["endColumn"]) == (str(each["column"]), str(each["end_column"]))


def test_columns_are_left_out_where_a_place_spans_lines() -> None:
    at = Location(ACCOUNT, 2, 7, 4, 3, "text")
    text = machine.render_github([Located(Diagnostic("yaml-syntax", "m", Place(ACCOUNT)), at, ())])
    assert text == f"::error file={ACCOUNT},line=2,endLine=4,title=yaml-syntax::m"


def test_a_long_message_is_cut_below_the_runners_limit() -> None:
    at = Location(ACCOUNT, 1, 1, 1, 2, "text")
    related = tuple((at, f"place {number}") for number in range(1000))
    text = machine.render_github([Located(Diagnostic("key-duplicate", "m", Place(ACCOUNT)), at, related)])
    ((_, _, message),) = Runner(text).commands
    assert 3000 < len(message) <= 4096


def test_the_format_is_offered_and_the_summary_goes_to_stderr(tmp_path: Path) -> None:
    result = run_cli("check", "--format", "sarif", cwd=write_repo(tmp_path, {ACCOUNT: FILES[ACCOUNT] + "tier2: x\n"}))
    assert result.returncode == 1
    assert "1 error" in result.stderr
    assert len(results(result.stdout)) == 1
