"""Refs to values: every way in which one can fail names the ref and its place, and never shows a value."""

from __future__ import annotations

import base64
import json
import urllib.parse
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.push.memory import MemorySource
from llmcompile.push.resolve import Resolver, Secret, UnresolvedError
from llmcompile.refs import Ref, parse

CANARY = 'canary-"7f3a/+=&\\9c'


def region(ref: str) -> dict[str, str]:
    return {"regions/europe-west6.yaml": FILES["regions/europe-west6.yaml"].replace("ref+env://PRIMARY_KEY", ref)}


def spellings(secret: str) -> set[str]:
    """The ways in which a secret could show up in a text."""
    raw = secret.encode()
    return {
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret(CANARY)
    assert {str(secret), repr(secret), f"{secret}", f"{[secret]}"} == {"***", "[***]"}
    assert secret.reveal() == CANARY


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ref+env://A_1", "ref+env://A_1"),
        ("os.environ/A_1", "ref+env://A_1"),
        ("ref+file://keys/one", "ref+file://keys/one"),
        ("ref+file:///etc/key.json#/a/b", "ref+file:///etc/key.json#/a/b"),
        ("ref+gcpsecrets://my-project/s_1", "ref+gcpsecrets://my-project/s_1"),
        ("ref+gcpsecrets://my-project/s_1?version=3#/a", "ref+gcpsecrets://my-project/s_1?version=3#/a"),
        ("ref+gcpsecrets://my-project/s_1?version=latest", "ref+gcpsecrets://my-project/s_1"),
        ("sm://my-project/s_1?version=2", "ref+gcpsecrets://my-project/s_1?version=2"),
        ("projects/my-project/secrets/s_1/versions/7", "ref+gcpsecrets://my-project/s_1?version=7"),
        ("projects/my-project/secrets/s_1", "ref+gcpsecrets://my-project/s_1"),
    ],
)
def test_refs_are_read_in_every_spelling(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "ref+env://", "ref+env://1A", "ref+env://A B", "ref+gcpsecrets://p", "ref+gcpsecrets://my-project/s?version=0",
        "ref+gcpsecrets://my-project/s?versions=1", "ref+vault://a", "projects/my-project/secrets", "ref+file://",
        "Bearer ref+env://A", "plain",
    ],
)  # fmt: skip
def test_what_is_no_ref(text: str) -> None:
    assert parse(text) is None


def resolver_of(root: Path, **environment: str) -> Resolver:
    source = MemorySource({"my-project/one": [b"first\n", b"canary\xff"], "my-project/json": [b'{"a": "pointed"}']})
    return Resolver(root, environment, lambda: source)


def test_values_of_secret_manager_and_the_versions_that_they_were_read_from(tmp_path: Path) -> None:
    resolver = resolver_of(tmp_path)
    pinned, pointing = Ref("gcpsecrets", "my-project/one", 1), Ref("gcpsecrets", "my-project/json", pointer="/a")
    assert resolver.resolve(pinned).reveal() == "first"
    assert resolver.resolve(pointing).reveal() == "pointed"
    assert resolver.read_from == {pinned: 1, pointing: 1}


def test_values_of_variables_and_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "key.json").write_text('{"a": [{"b/c": "pointed"}]}')
    resolver = resolver_of(tmp_path, NAME="from-env")
    assert resolver.resolve(Ref("env", "NAME")).reveal() == "from-env"
    assert resolver.resolve(Ref("file", "key")).reveal() == "from-file"
    assert resolver.resolve(Ref("file", "key.json", pointer="/a/0/b~1c")).reveal() == "pointed"


@pytest.mark.parametrize(
    ("ref", "problem"),
    [
        (Ref("env", "MISSING"), "not set"),
        (Ref("env", "EMPTY"), "empty"),
        (Ref("env", "LINES"), "line break"),
        (Ref("env", "SPACE"), "begins or ends with a space"),
        (Ref("env", "UMLAUT"), "no header can carry"),
        (Ref("file", "missing"), "No such file"),
        (Ref("file", "nul"), "NUL"),
        (Ref("file", "binary"), "not UTF-8"),
        (Ref("file", "large"), "larger than"),
        (Ref("file", "json", pointer="/a/x"), "nothing at /a/x"),
        (Ref("file", "json", pointer="/a"), "no text at /a"),
        (Ref("file", "nul", pointer="/a"), "nothing at /a"),
        (Ref("gcpsecrets", "my-project/none"), "no version latest of secret my-project/none"),
        (Ref("gcpsecrets", "my-project/one", 3), "no version 3 of secret my-project/one"),
        (Ref("gcpsecrets", "my-project/one", 2), "not UTF-8"),
    ],
)
def test_what_cannot_be_resolved_says_why_and_shows_no_value(tmp_path: Path, ref: Ref, problem: str) -> None:
    (tmp_path / "nul").write_bytes(b"canary\0canary")
    (tmp_path / "binary").write_bytes(b"canary\xff")
    (tmp_path / "large").write_bytes(b"canary" * 20_000)
    (tmp_path / "json").write_text('{"a": {"b": "canary"}}')
    with pytest.raises(UnresolvedError, match=problem) as caught:
        resolver_of(tmp_path, EMPTY="", LINES="canary\ncanary", SPACE="canary ", UMLAUT="canaryü").resolve(ref)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None or "canary" not in str(caught.value.__cause__)


def test_every_ref_without_a_value_is_named_with_its_place(tmp_path: Path) -> None:
    root = write_repo(tmp_path, region("ref+file://missing.key"))
    result = run_cli("push", "--to", "local", cwd=root)
    assert result.returncode == 5
    assert "1 ref without a value" in result.stderr
    assert "regions/europe-west6.yaml:3:78: ref+file://missing.key: cannot read the file: No such file" in result.stderr
    assert not (root / ".store").exists()


def test_a_secret_that_makes_a_document_too_large_stops_before_the_first_write(tmp_path: Path) -> None:
    root = write_repo(tmp_path, region("ref+file://large.key"))
    (root / "large.key").write_text("k" * 65_500)
    result = run_cli("push", "--to", "local", cwd=root)
    assert result.returncode == 5
    assert "bytes with its secrets" in result.stderr
    assert not (root / ".store").exists()
    (root / "large.key").write_text("k" * 60_000)  # the control: a little less fits
    assert run_cli("push", "--to", "local", cwd=root).returncode == 0


COMMANDS = [
    ("check",),
    ("check", "--format", "json"),
    ("build",),
    ("explain", "acme", "gpt-4o"),
    ("plan", "--to", "local"),
    ("plan", "--to", "local", "--format", "json"),
    ("push", "--to", "local"),
    ("push", "--to", "dir:/dev/null/store"),
    ("exec", "acme", "--", "true"),
    ("exec", "acme", "--", "no-such-program"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_secret_in_any_output_or_file(tmp_path: Path, command: tuple[str, ...]) -> None:
    root = write_repo(tmp_path / "repo")
    result = run_cli(*command, cwd=root, PRIMARY_KEY=CANARY)
    texts = {"stdout": result.stdout, "stderr": result.stderr}
    texts |= {
        str(path): path.read_text(encoding="utf-8", errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and ".store" not in path.parts
    }
    found = [name for name, text in texts.items() for spelling in spellings(CANARY) if spelling in text]
    assert not found


def test_the_search_for_secrets_would_find_one(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    shown = run_cli("exec", "acme", "--", "printenv", "PROVISIONED_OPENAI_CONFIG", cwd=root, PRIMARY_KEY=CANARY)
    assert any(spelling in shown.stdout for spelling in spellings(CANARY))
