"""What a push asks about before it writes: each refusal, the one flag that confirms it, and no other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.push.cli import Cli
from tests.push.fleet import Fleet

from llmcompile_secretmanager_emulator import Emulator

OLD, NEW = Fleet(accounts=4, regions=1, generation="old"), Fleet(accounts=4, regions=1)
GUARDED = "{max_change_percent: 30, min_changes: 2}"


def write(cli: Cli, fleet: Fleet) -> None:
    fleet.write(cli.root)
    cli.environment |= fleet.environment


def push(cli: Cli, *flags: str) -> tuple[int, str]:
    said = cli("push", "--to", "prod", *flags)
    return said.code, said.err


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def commit(root: Path, message: str) -> str:
    """Commit everything; the commit."""
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    who = ("-c", "user.name=Example", "-c", "user.email=test@example.com")
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "--allow-empty", "-m", message], cwd=root, check=True)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return found.stdout.strip()


def writes(server: Emulator) -> int:
    return sum(each.committed for each in server.journal.writes)


def test_too_many_changes(cli: Cli, server: Emulator) -> None:
    write(cli, Fleet(accounts=4, regions=1, generation="old", guards=GUARDED))
    assert push(cli)[0] == 0  # the control: creating is not changing
    write(cli, Fleet(accounts=4, regions=1, guards=GUARDED))
    before = writes(server)
    code, message = push(cli)
    assert (code, writes(server)) == (4, before)
    assert "too-many-changes: 9 of 9 secrets would change, 100%; llmcompile.yaml allows 30%" in message
    assert "to confirm just this: --confirm-changes 9" in message
    assert push(cli, "--confirm-changes", "8")[0] == 4
    assert push(cli, "--confirm-emptied", "account/a0")[0] == 4
    assert push(cli, "--confirm-changes", "9")[0] == 0


@pytest.mark.parametrize(("accounts", "code"), [(2, 0), (3, 4)])
def test_a_few_changes_are_never_held_up(cli: Cli, accounts: int, code: int) -> None:
    write(cli, Fleet(accounts=4, regions=1, generation="old", guards=GUARDED))
    assert push(cli)[0] == 0
    for number in range(accounts):
        cli.environment[f"A{number}_KEY"] = NEW.environment[f"A{number}_KEY"]
    assert push(cli)[0] == code


@pytest.mark.parametrize("name", ["account/a0", "region/r0"])
def test_the_last_endpoint(cli: Cli, server: Emulator, name: str) -> None:
    write(cli, OLD)
    assert push(cli)[0] == 0
    kind, _, owner = name.partition("/")
    path = cli.root / f"{kind}s" / f"{owner}.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith(("endpoints", "models"))]
    path.write_text("\n".join(kept) + "\n")
    if kind == "region":  # nobody needs it
        for each in (cli.root / "accounts").iterdir():
            edit(each, "tier: pro\n", "source: tenant\n")
    before = writes(server)
    code, message = push(cli)
    assert (code, writes(server)) == (4, before), message
    assert f"emptied: {name} would be left without any endpoint" in message
    assert push(cli, "--confirm-emptied", name)[0] == 0


def test_a_secret_of_somebody_else(cli: Cli, server: Emulator) -> None:
    server.put("a0_llm_config", b"theirs")
    write(cli, OLD)
    before = writes(server)
    code, message = push(cli, "--confirm-changes", "9")
    assert (code, writes(server)) == (4, before)
    assert "foreign: a0_llm_config exists and does not carry our label" in message
    assert "llmcompile adopt account/a0" in message


def test_a_commit_older_than_the_one_pushed_last(cli: Cli, server: Emulator) -> None:
    write(cli, OLD)
    first = commit(cli.root, "first")
    assert push(cli)[0] == 0
    write(cli, NEW)
    second = commit(cli.root, "second")
    assert push(cli)[0] == 0  # the control: what follows is pushed
    subprocess.run(["git", "checkout", "--quiet", first], cwd=cli.root, check=True)
    cli.environment |= OLD.environment
    before = writes(server)
    code, message = push(cli)
    assert (code, writes(server)) == (4, before)
    assert f"stale: commit {first[:12]} does not follow commit {second[:12]}, which was pushed last (run 2)" in message
    assert f"--confirm-revision {second}" in message
    assert push(cli, "--confirm-revision", first)[0] == 4  # the narrow one alone
    assert push(cli, "--confirm-revision", second)[0] == 0
    planned = json.loads(cli("plan", "--to", "prod", "--format", "json").out)
    assert {each["action"] for each in planned["changes"]} == {"unchanged"}


def test_a_clone_that_does_not_know_what_was_pushed_and_a_folder_without_git(cli: Cli, tmp_path: Path) -> None:
    write(cli, OLD)
    commit(cli.root, "first")
    write(cli, NEW)
    pushed = commit(cli.root, "second")
    assert push(cli)[0] == 0
    write(cli, OLD)
    commit(cli.root, "third")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{cli.root}", str(shallow)], check=True)
    cli.root = shallow
    code, message = push(cli)
    assert (code, f"--confirm-revision {pushed}" in message, "fetch-depth: 0" in message) == (4, True, True)
    subprocess.run(["rm", "-rf", str(shallow / ".git")], check=True)
    code, message = push(cli)
    assert (code, "in no git repository" in message) == (4, True)


def test_uncommitted_files_are_recorded_as_such(cli: Cli, server: Emulator) -> None:
    write(cli, OLD)
    first = commit(cli.root, "first")
    (cli.root / "notes.txt").write_text("not what is compiled")
    assert push(cli)[0] == 0
    edit(cli.root / "accounts" / "a0.yaml", "tier: pro\n", "")
    assert push(cli)[0] == 0
    runs = json.loads(cli("history", "--to", "prod", "--format", "json").out)["runs"]
    assert [each["revision"] for each in runs] == [f"{first}-dirty", first]


def test_nothing_to_write_is_never_refused(cli: Cli) -> None:
    write(cli, OLD)
    first = commit(cli.root, "first")
    assert push(cli)[0] == 0
    edit(cli.root / "accounts" / "a0.yaml", "tier: pro\n", "tier: pro  # a comment\n")
    commit(cli.root, "second")
    assert push(cli)[0] == 0
    subprocess.run(["git", "checkout", "--quiet", first], cwd=cli.root, check=True)
    assert push(cli)[0] == 0
    said = cli("push", "--to", "prod", "--confirm-removed", "acme")
    assert (said.code, "neither account/ID nor region/ID" in said.err) == (2, True)


def test_a_plan_says_what_a_push_would_refuse(cli: Cli) -> None:
    write(cli, Fleet(accounts=4, regions=1, generation="old", guards=GUARDED))
    assert push(cli)[0] == 0
    write(cli, Fleet(accounts=4, regions=1, guards=GUARDED))
    for form in ("text", "markdown"):
        assert "--confirm-changes 9" in cli("plan", "--to", "prod", "--format", form).out
