"""The real command line at its edges: exit codes, pipes, terminals, encodings, escape sequences."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.compiler.example import ROOT
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.terminal import read_terminal

ACCOUNT, MODEL = "accounts/acme.yaml", "models/gpt-4o.yaml"
BROKEN = {ACCOUNT: FILES[ACCOUNT].replace("tier: pro", "tier: por\nteams: {a: {mode: restrict, groups: [beta]}}")}
FORMS = ["text", "json", "github", "sarif", "junit"]
ANSI = re.compile(r"\x1b\[[0-9;]*m")
COMMAND = re.compile(r"::(error|warning|notice) ([^:]*(?:%3A[^:]*)*)::(.*)")


MANY, PIPE = 600, 65_536


def _many(root: Path) -> Path:
    """A repository with far more to say than a pipe holds."""
    keys = "".join(f"unknown{n}: 1\n" for n in range(MANY))
    return write_repo(root, {ACCOUNT: FILES[ACCOUNT] + keys})


def _shell(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    tool = f"{shlex.quote(sys.executable)} -m llmcompile"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command.replace('llmcompile', tool)}"],
        cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["check"], ["build"], ["schema"], ["--help"], ["build", "-h"], ["--version"]])
def test_exit_0(tmp_path: Path, arguments: list[str]) -> None:
    result = run_cli(*arguments, cwd=write_repo(tmp_path))
    assert (result.returncode, result.stderr.count("Traceback")) == (0, 0), result.stderr


@pytest.mark.parametrize("arguments", [["check"], ["build"], ["schema", "--check"], ["explain", "acme", "gpt-4o"]])
def test_exit_1(tmp_path: Path, arguments: list[str]) -> None:
    result = run_cli(*arguments, cwd=write_repo(tmp_path, BROKEN))
    assert result.returncode == 1, result.stderr
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "--colour"], "--colour"),
        (["check", "--format", "xml"], "xml"),
        (["check", "extra"], "extra"),
        (["chek"], "did you mean 'check'?"),
        (["biuld"], "did you mean 'build'?"),
        (["wibble"], "wibble"),
        (["check", "--root", "nowhere"], "nowhere"),
        (["check", "--root", ACCOUNT], ACCOUNT),
        (["check", "--root"], "--root"),
        (["check", "--as-of", "yesterday"], "yesterday"),
        (["check", "--as-of", "2026-02-30"], "2026-02-30"),
        (["check", "--as-of", "2026-13-01"], "2026-13-01"),
        (["check", "--as-of", "2026-01-01T00:00:00"], "2026-01-01T12:00:00Z"),
        (["check", "--as-of", ""], "2026-01-01"),
        (["explain", "acme"], "MODEL"),
        (["explain", "acne", "gpt-4o"], "acme"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_exit_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    result = run_cli(*arguments, cwd=write_repo(tmp_path))
    assert result.returncode == 2, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_exit_2_where_there_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "llmcompile.yml").write_text("version: 1\n", encoding="utf-8")
    result = run_cli("check", cwd=tmp_path)
    assert result.returncode == 2
    assert "llmcompile.yml" in result.stderr
    assert "next: " in result.stderr


def test_exit_4(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "repo")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/photo.jpg").write_text("x", encoding="utf-8")
    result = run_cli("build", "--out", "../mine", cwd=root)
    assert result.returncode == 4
    assert "next: " in result.stderr


@pytest.mark.parametrize("target", ["/dev/full"])
@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_behind_the_output_is_said(tmp_path: Path, target: str, form: str) -> None:
    if not Path(target).exists():
        pytest.skip(f"this machine has no {target}")
    result = _shell(f"llmcompile check --format {form} > {target}", _many(tmp_path))
    assert result.returncode == 5, result.stderr
    assert "Traceback" not in result.stderr
    assert "a bug" not in result.stderr


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reader", ["| head -1", "2>&1 | true"])
def test_a_reader_that_leaves_early_meets_no_traceback(tmp_path: Path, form: str, reader: str) -> None:
    result = _shell(f"llmcompile check --format {form} {reader}", _many(tmp_path))
    for noise in ("Traceback", "BrokenPipe", "Exception ignored", "a bug"):
        assert noise not in result.stderr + result.stdout


def test_control_a_reader_that_stays_gets_everything(tmp_path: Path) -> None:
    result = _shell("llmcompile check --format github | grep -c key-unknown", _many(tmp_path))
    assert result.stdout.strip() == str(MANY)
    assert all(len(run_cli("check", "--format", form, cwd=tmp_path).stdout) > 2 * PIPE for form in FORMS)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_change_no_exit_code(tmp_path: Path, closed: str) -> None:
    assert _shell(f"llmcompile check {closed}", write_repo(tmp_path / "good")).returncode == 0
    result = _shell(f"llmcompile check {closed}", write_repo(tmp_path / "bad", BROKEN))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["check"], ["check", "--format", "github"], ["build"], ["--help"], ["chek"]])
def test_what_is_piped_has_no_colours(tmp_path: Path, arguments: list[str]) -> None:
    result = run_cli(*arguments, cwd=write_repo(tmp_path, BROKEN), TERM="xterm-256color")
    assert result.stdout + result.stderr
    assert "\x1b" not in result.stdout + result.stderr


def test_control_a_terminal_has_colours(tmp_path: Path) -> None:
    here, there = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "llmcompile", "check"],
        cwd=write_repo(tmp_path, BROKEN),
        env=os.environ | {"TERM": "xterm-256color"},
        stdout=there,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(there)
        shown = read_terminal(here)
    assert process.returncode == 1
    assert ANSI.search(shown.decode())


def test_json_says_what_the_text_says(tmp_path: Path) -> None:
    root = write_repo(tmp_path, BROKEN)
    text, machine = (run_cli("check", "--format", form, cwd=root) for form in ("text", "json"))
    data = json.loads(machine.stdout)
    assert data["format"] == 1
    codes = re.findall(r"^(?:error|warning|note)\[([a-z-]+)\]", text.stdout, re.MULTILINE)
    assert codes == [each["code"] for each in data["diagnostics"]]
    assert {"tier-unknown", "group-unknown"} <= set(codes)
    places = re.findall(r"^  --> (.*):(\d+):(\d+)$", text.stdout, re.MULTILINE)
    assert places == [(each["file"], str(each["line"]), str(each["column"])) for each in data["diagnostics"]]
    assert data["summary"]["errors"] == sum(each["severity"] == "error" for each in data["diagnostics"])


def test_json_of_a_good_repository_is_json_too(tmp_path: Path) -> None:
    data = json.loads(run_cli("check", "--format", "json", cwd=write_repo(tmp_path)).stdout)
    assert data["diagnostics"] == []
    assert run_cli("check", "--format", "github", cwd=tmp_path).stdout == ""


NAMES = ["100%.yaml", "a,b.yaml", "a:b.yaml", "a%2Cb.yaml", "a::error::b.yaml", "a\nb.yaml", "a\r::b.yaml", "ü.yaml"]


def test_github_commands_are_escaped(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    for name in NAMES:
        (root / "accounts" / name).write_text("acount: '%0A::error::%,:'\n", encoding="utf-8")
    text = run_cli("check", "--format", "json", cwd=root)
    expected = json.loads(text.stdout)["diagnostics"]
    lines = run_cli("check", "--format", "github", cwd=root).stdout.split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(expected)
    found = []
    for line in lines:
        command = COMMAND.fullmatch(line)
        assert command, line
        properties = dict(each.split("=", 1) for each in command[2].split(","))
        assert set(properties) == {"file", "line", "endLine", "col", "endColumn", "title"}
        found.append((_unescaped(properties["file"]), int(properties["line"]), properties["title"]))
        assert not re.search(r"%(?!25|0A|0D)", command[3])
    assert found == [(each["file"], each["line"], each["code"]) for each in expected]
    assert {"accounts/100%.yaml", "accounts/a,b.yaml", "accounts/a::error::b.yaml"} <= {file for file, _, _ in found}


def _unescaped(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


DANGEROUS = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
ESCAPES = {
    "an escape in a value": 'tier: "\\e[31mred"\n',
    "an escape in a key": '"\\e[31mred": 1\n',
    "a title for the window": 'tier: "\\e]0;title\\a"\n',
    "a carriage return": 'tier: "pro\\rover"\n',
    "a backspace": 'tier: "pro\\b\\b\\b"\n',
    "a C1 escape": 'tier: "\\x9b31m"\n',
    "a change of direction": 'tier: "\\u202eorp"\n',
    "an escape in a URL": 'endpoints: {a: {provider: azure, base_url: "https://\\e[31m", supported_models: [a]}}\n',
    "an escape in a provider": 'endpoints: {a: {provider: "\\e[31m", supported_models: [gpt-4o]}}\n',
    "a newline in a name": 'tier: "a\\n::error::b"\n',
    "a newline in a key": '"a\\n::error::b": 1\n',
    "a raw escape": "tier: \x1b[31mred\n",
    "a raw C1 escape": "tier: \x9b31mred\n",
    "a raw change of direction": "tier: \u202eorp\n",
    "a raw line separator": "tier: 'a\u2028b'\n",
    "a raw escape in a comment": "tier: por  # \x1b[31mred\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_no_escape_sequence_reaches_the_terminal(tmp_path: Path, form: str) -> None:
    names = [f"accounts/a{number}.yaml" for number in range(len(ESCAPES))]
    texts = [FILES[ACCOUNT].replace("tier: pro\n", text) for text in ESCAPES.values()]
    result = run_cli("check", "--format", form, cwd=write_repo(tmp_path, dict(zip(names, texts, strict=True))))
    assert result.returncode == 1, result.stderr
    assert not DANGEROUS.search(result.stdout)
    assert not DANGEROUS.search(result.stderr)
    assert "\n::error::b" not in result.stdout
    assert all(name in result.stdout for name in names)


def test_control_such_an_escape_would_be_found() -> None:
    raw = [text for name, text in ESCAPES.items() if "raw" in name]
    assert all(DANGEROUS.search(text) for text in raw)
    assert not DANGEROUS.search("tier: pro é ::error\n")


def test_no_escape_sequence_of_a_file_name_reaches_the_terminal(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    (root / "accounts/\x1b[31mred.yaml").write_text("acount: 1\n", encoding="utf-8")
    (root / "accounts/\x1b[31mred.yml").write_text("acount: 1\n", encoding="utf-8")
    (root.joinpath("models") / os.fsdecode(b"\xff\xfe.yaml")).write_text("code: a\ntype: chat\n", encoding="utf-8")
    for form in FORMS:
        result = run_cli("check", "--format", form, cwd=root)
        assert result.returncode == 1, result.stderr
        assert not DANGEROUS.search(result.stdout + result.stderr)


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = [ASCII, {"PYTHONIOENCODING": "latin-1"}]


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda each: " ".join(f"{k}={v}" for k, v in each.items()))
@pytest.mark.parametrize("form", FORMS)
def test_a_terminal_without_unicode(tmp_path: Path, environment: dict[str, str], form: str) -> None:
    root = write_repo(tmp_path, {ACCOUNT: FILES[ACCOUNT].replace("pro", "'pröfi 漢字 \U0001f600'")})
    command = [sys.executable, "-m", "llmcompile", "check", "--format", form]
    result = subprocess.run(
        command, cwd=root, env=os.environ | environment, capture_output=True, timeout=60, check=False
    )
    assert result.returncode == 1, result.stderr
    assert b"a bug" not in result.stderr
    assert b"name-invalid" in result.stdout
    if form == "json":
        assert json.loads(result.stdout.decode("utf-8", "replace"))["format"] == 1


def test_the_worked_example_is_right() -> None:
    assert run_cli("check", "--as-of", "2026-01-15", cwd=ROOT).returncode == 0
