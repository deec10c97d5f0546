"""Revisions of real git repositories as trees of files, and what ``check --against`` holds to them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.compiler.example import AS_OF, ROOT
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.diagnostics import Diagnostic
from llmcompile.errors import OutsideError, UsageError
from llmcompile.history.revision import Revision, read_revision
from llmcompile.load.source import MAX_FILE_BYTES
from llmcompile.pipeline import compile_repository

GIT = shutil.which("git") or "git"
MODEL, ACCOUNT = "models/gpt-4o.yaml", "accounts/acme.yaml"


def git(root: Path, *arguments: str, **more: str) -> str:
    """Git as someone with no settings of their own, and with ``more`` in the environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    environment |= {
        f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        [GIT, "-C", root, *arguments], env=environment | more, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(root: Path, message: str = "a commit") -> str:
    """Everything below the root, committed; its hash."""
    git(root, "add", "--all", ".")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def repository(root: Path, changes: dict[str, str | None] | None = None) -> Path:
    """A git repository with a small valid repository of YAML, committed."""
    write_repo(root, changes)
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    commit(root)
    return root


def same(one: Revision | Path, other: Revision | Path) -> bool:
    """Whether both load and compile to the same, problems included."""
    results = [compile_repository(each, AS_OF) for each in (one, other)]
    assert results[0].diagnostics == results[1].diagnostics
    assert [each.digest for each in results[0].documents] == [each.digest for each in results[1].documents]
    return bool(results[0].documents)


def test_a_commit_reads_like_its_folder(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    revision = read_revision(root, "main")
    assert same(revision, root)
    assert revision.when.tzinfo is UTC
    # The control: what is not committed is not in the commit.
    (root / ACCOUNT).write_text(FILES[ACCOUNT].replace("tier: pro", "tier: none"))
    assert compile_repository(root, AS_OF).failed
    assert not compile_repository(read_revision(root, "HEAD"), AS_OF).failed


@pytest.mark.parametrize(
    "changes",
    [
        {MODEL: "code: [\n"},
        {"accounts/more/x.yaml": "account: x\n", "models/readme.md": "x\n", "models/old.yml": "x: 1\n"},
        {"regions/.hidden.yaml": "x: 1\n", "regions/zu\u0308rich.yaml": "region: x\n"},
        {ACCOUNT: "a" * (MAX_FILE_BYTES + 1)},
        {ACCOUNT: None},
        {"llmcompile.yaml": "version: 2\n"},
        {ACCOUNT: ""},
    ],
    ids=["broken", "unexpected", "names", "large", "no-folder", "project", "empty"],
)
def test_a_commit_has_the_problems_of_its_folder(tmp_path: Path, changes: dict[str, str | None]) -> None:
    root = repository(tmp_path / "repo", changes)
    same(read_revision(root, "HEAD"), root)


@pytest.mark.parametrize(
    "links",
    [
        {ACCOUNT: "../shared/acme.txt"},
        {"accounts": "shared/accounts"},
        {ACCOUNT: "nowhere.yaml"},
        {ACCOUNT: "acme.yaml"},
        {ACCOUNT: "/etc/hostname"},
        {"accounts": "../outside"},
        {ACCOUNT: "../../outside/acme.yaml"},
        {"accounts/folder.yaml": "../shared"},
    ],
)
def test_links_are_followed_as_on_a_disk(tmp_path: Path, links: dict[str, str]) -> None:
    root = tmp_path / "repo"
    outside = tmp_path / "outside"
    for folder in (outside, root / "shared" / "accounts"):
        folder.mkdir(parents=True)
        (folder / "acme.yaml").write_text(FILES[ACCOUNT])
    (root / "shared" / "acme.txt").write_text(FILES[ACCOUNT])
    write_repo(root)
    for link, target in links.items():
        path = root / link
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(target)
    git(root, "init", "--quiet", ".")
    commit(root)
    results = [compile_repository(each, AS_OF) for each in (read_revision(root, "HEAD"), root)]
    said = [[(each.code, each.place) for each in one.diagnostics] for one in results]
    assert said[0] == said[1]
    assert [each.digest for each in results[0].documents] == [each.digest for each in results[1].documents]


@pytest.mark.parametrize("size", [4_095, 4_096, 40_000, 2_000_000])
def test_a_link_longer_than_any_path_leads_nowhere(tmp_path: Path, size: int) -> None:
    root = write_repo(tmp_path / "repo", {ACCOUNT: None})
    git(root, "init", "--quiet", ".")
    stored = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=root, input=b"a/" * (size // 2), capture_output=True, check=True
    )
    git(root, "add", ".")
    git(root, "update-index", "--add", "--cacheinfo", f"120000,{stored.stdout.decode().strip()},{ACCOUNT}")
    git(root, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "x")
    said = compile_repository(read_revision(root, "HEAD"), AS_OF).diagnostics
    assert ("file-unreadable", ACCOUNT) in {(each.code, each.place.file) for each in said}


def test_the_root_may_be_a_folder_of_the_repository(tmp_path: Path) -> None:
    top = tmp_path / "repo"
    write_repo(top / "config" / "llm")
    (top / "elsewhere.txt").write_text("x")
    git(top, "init", "--quiet", ".")
    commit(top)
    assert same(read_revision(top / "config" / "llm", "HEAD"), top / "config" / "llm")
    with pytest.raises(UsageError, match=r"has no config/llmcompile.yaml"):
        read_revision(top / "config", "HEAD")


def test_nothing_is_checked_out_and_no_hook_runs(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    seen = tmp_path / "seen"
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-commit"):
        path = root / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\necho {hook} >> {seen}\n")
        path.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(root / ".git" / "hooks" / "fsmonitor-watchman"))
    (root / ACCOUNT).write_text("not committed")
    seen.unlink(missing_ok=True)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    read_revision(root, "HEAD")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert not seen.exists()
    git(root, "checkout", "--quiet", "--", ".")  # the control: they are hooks that git runs
    assert seen.exists()


@pytest.mark.parametrize(
    ("name", "message", "next_step"),
    [
        ("mian", "no revision 'mian' here", "did you mean 'main'?"),
        ("", "no revision '' here", "git fetch"),
        ("--all", "no revision '--all' here", "git fetch"),
        ("--output=/tmp/x", "no revision", "git fetch"),
        ("HEAD~1..HEAD", "a range", "OLD NEW"),
        ("HEAD:models", "is no commit", "a branch"),
        (f"HEAD:{MODEL}", "is no commit", "a branch"),
    ],
)
def test_what_is_no_revision_is_said_with_a_next_step(tmp_path: Path, name: str, message: str, next_step: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        read_revision(repository(tmp_path / "repo"), name)
    assert next_step in raised.value.next_step


def test_a_tag_names_its_commit(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    git(root, "tag", "-a", "-m", "a tag", "v1")
    assert read_revision(root, "v1").commit == git(root, "rev-parse", "HEAD")


def test_a_shallow_clone_says_how_to_get_the_rest(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    first = git(root, "rev-parse", "HEAD")
    commit(root, "another")
    git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "clone")
    with pytest.raises(UsageError, match="this clone is shallow") as raised:
        read_revision(tmp_path / "clone", first)
    assert "fetch-depth: 0" in raised.value.next_step
    assert same(read_revision(tmp_path / "clone", "HEAD"), root)


def test_what_a_partial_clone_lacks_is_not_fetched(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    git(root, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", root.as_uri(), "clone")
    shutil.rmtree(root)  # nobody could be asked
    with pytest.raises(OutsideError, match="git cannot read commit") as raised:
        read_revision(tmp_path / "clone", "HEAD")
    assert "fetch" in raised.value.next_step


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_repo(tmp_path / "repo")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError, match="is in no git repository") as raised:
        read_revision(root, "HEAD")
    assert raised.value.next_step
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match="git is not installed") as other:
        read_revision(root, "HEAD")
    assert other.value.next_step


def test_a_repository_of_somebody_else_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "repo")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(OutsideError, match="dubious ownership") as raised:
        read_revision(root, "HEAD")
    assert f"safe.directory {root}" in raised.value.next_step


def test_a_hook_s_variables_do_not_lead_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, other = repository(tmp_path / "repo"), repository(tmp_path / "other", {ACCOUNT: None, "accounts/b.yaml": ""})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert read_revision(root, "HEAD").commit == git(root, "rev-parse", "HEAD")


def test_a_submodule_is_said(tmp_path: Path) -> None:
    root, other = tmp_path / "repo", repository(tmp_path / "other")
    write_repo(root, {ACCOUNT: None})
    git(root, "init", "--quiet", ".")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "accounts")
    commit(root)
    said = read_revision(root, "HEAD").listed("accounts")
    assert isinstance(said, Diagnostic)
    assert "submodule" in said.message


def test_this_project_s_own_history_can_be_read() -> None:
    if not (ROOT / ".git").exists() or git(ROOT, "rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("no history here")
    assert not compile_repository(read_revision(ROOT, "HEAD"), AS_OF).failed


# ---- check --against -----------------------------------------------------------------------------------------------


def test_check_against_a_revision(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    assert run_cli("check", "--against", "HEAD", cwd=root).returncode == 0
    (root / MODEL).write_text(FILES[MODEL].replace("text_input: 2.5", "text_input: 2.4"))
    assert run_cli("check", cwd=root).returncode == 0  # the control: on its own it is right
    said = run_cli("check", "--against", "HEAD", cwd=root)
    assert said.returncode == 1
    assert "error[price-history]" in said.stdout
    assert f"{MODEL}:4:73" in said.stdout
    git(root, "mv", ACCOUNT, "accounts/globex.yaml")
    (root / "accounts/globex.yaml").write_text(FILES[ACCOUNT].replace("acme", "globex"))
    said = run_cli("check", "--against", "HEAD", "--format", "github", cwd=root)
    assert f"file={ACCOUNT},line=1" in said.stdout
    (root / "accounts/globex.yaml").write_text(FILES[ACCOUNT].replace("acme", "globex") + "previously: [acme]\n")
    (root / MODEL).write_text(FILES[MODEL])
    assert run_cli("check", "--against", "HEAD", cwd=root).returncode == 0


def test_what_cannot_be_read_in_a_revision_stops_nobody_who_repairs_it(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", {MODEL: "code: [\n"})
    write_repo(root)
    said = run_cli("check", "--against", "HEAD", cwd=root)
    assert said.returncode == 0, said.stdout
    assert "1 file of HEAD" in said.stderr
    (root / ACCOUNT).rename(root / "accounts" / "globex.yaml")
    (root / "accounts" / "globex.yaml").write_text(FILES[ACCOUNT].replace("acme", "globex"))
    assert run_cli("check", "--against", "HEAD", cwd=root).returncode == 1


def test_the_past_is_what_lies_before_as_of(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    (root / MODEL).write_text(
        FILES[MODEL] + "  - {start: 2026-01-01, currency: USD, per_million_tokens: {text_input: 2, text_output: 8}}\n"
    )
    before = "2025-12-31", "2026-01-01"
    for as_of in before:
        assert run_cli("check", "--against", "HEAD", "--as-of", as_of, cwd=root).returncode == 0
    said = run_cli("check", "--against", "HEAD", "--as-of", "2026-01-02", cwd=root)
    assert said.returncode == 1
    assert f"{MODEL}:5:13" in said.stdout


def test_an_unknown_revision_is_wrong_usage(tmp_path: Path) -> None:
    said = run_cli("check", "--against", "mian", cwd=repository(tmp_path / "repo"))
    assert said.returncode == 2
    assert "did you mean 'main'?" in said.stderr


def test_the_date_of_a_commit(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    assert abs((datetime.now(UTC) - read_revision(root, "HEAD").when).total_seconds()) < 3600
