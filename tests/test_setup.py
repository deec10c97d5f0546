"""docs/setup.md holds: its commands exist, workflows find what they read, and the rights it gives are just enough.

Rights are tried with the real command line against the local Secret Manager, which denies all that the page does not
give. Nothing here was run against a live project.
"""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.actions import ROOT
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile_secretmanager_emulator import Emulator

PAGE = (ROOT / "docs" / "setup.md").read_text("utf-8")
COMPLETIONS = Path("/usr/lib/google-cloud-sdk/data/cli/gcloud_completions.py")
PREDEFINED = {
    "roles/secretmanager.viewer": {"secrets.get", "secrets.list", "versions.get", "versions.list"},
    "roles/secretmanager.secretAccessor": {"versions.access"},
    "roles/secretmanager.secretVersionAdder": {"versions.add"},
    "roles/secretmanager.secretVersionManager": {
        "versions.add", "versions.destroy", "versions.disable", "versions.enable", "versions.get", "versions.list",
    },
}  # fmt: skip
"""What Google says that its roles hold, of what concerns a push (cloud.google.com/iam/docs/roles-permissions)."""
ALL = {"secrets.create", "secrets.delete", "secrets.update"}.union(*PREDEFINED.values())


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")
def test_terraform_reads_and_formats_it() -> None:
    assert len(blocks("hcl")) == 2

    def formatted(text: str) -> bool:
        command = ["terraform", "fmt", "-check", "-"]
        return subprocess.run(command, input=text, text=True, capture_output=True, check=False).returncode == 0

    for block in blocks("hcl"):
        assert formatted(block)
        assert not formatted(block.replace("  = ", " = ", 1))  # the control: format
        assert not formatted(block.replace("}", "", 1))  # the control: syntax


@cache
def gcloud() -> dict[str, Any]:
    """gcloud's own tree of commands and flags, as it completes them."""
    tree: dict[str, Any] = runpy.run_path(str(COMPLETIONS))["STATIC_COMPLETION_CLI_TREE"]
    return tree


def unknown(command: str) -> list[str]:
    """Words of a gcloud command that gcloud does not know."""
    node, wrong = gcloud(), []
    for word in shlex.split(command)[1:]:
        if word.startswith("--"):
            flag = word.partition("=")[0]
            wrong += [] if flag in node["flags"] or flag in gcloud()["flags"] else [flag]
        elif word in node["commands"]:
            node = node["commands"][word]
        elif node["commands"]:
            wrong.append(word)
    return wrong


def gcloud_commands() -> Iterator[str]:
    lines = "\n".join(blocks("bash")).replace("\\\n", " ").splitlines()
    for line in lines:
        if found := re.match(r"\s*(\w+=\$\()?(gcloud .*)", line):
            yield found[2].removesuffix(")") if found[1] else found[2]
    yield from re.findall(r"`(gcloud [^`]*)`", PAGE)


@pytest.mark.skipif(not COMPLETIONS.exists(), reason="gcloud is not installed")
def test_gcloud_knows_every_command_and_flag() -> None:
    commands = list(gcloud_commands())
    assert len(commands) >= 11
    assert [(each, unknown(each)) for each in commands if unknown(each)] == []
    assert unknown("gcloud secrets creat x --data-files=-") == ["creat", "x", "--data-files"]  # the control


def test_every_variable_that_a_workflow_reads_is_set_here() -> None:
    workflows = "".join(path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").iterdir())
    read = set(re.findall(r"vars\.(\w+)", workflows))
    assert read == {"LLMCOMPILE_CODE_SCANNING"} | {
        f"GCP_{who}_{what}" for who in ("PLAN", "PUSH") for what in ("PROVIDER", "SERVICE_ACCOUNT")
    }
    assert {name for name in read if name not in "".join([*blocks("bash"), PAGE])} == set()


def test_only_main_in_its_environment_becomes_the_identity_that_pushes() -> None:
    wanted = "assertion.environment == 'production' && assertion.ref == 'refs/heads/main'"
    (terraform,) = re.findall(r"push = \"\$\{local\.repository\} && (.*)\"", PAGE)
    (by_hand,) = re.findall(r"trust push \"\$repository && (.*)\"", PAGE)
    assert terraform == by_hand == wanted


def roles() -> dict[str, set[str]]:
    """The roles that each identity is given, by Terraform; ``creator`` is the custom one."""
    read = set(re.findall(r"roles/[\w.]+", PAGE.partition("  read = [")[2].partition("]")[0]))
    given = {}
    for who, expression in re.findall(r"^    (plan|push|prune)\s+= (.*local\.read.*)$", PAGE, re.MULTILINE):
        given[who] = read | set(re.findall(r"roles/[\w.]+", expression))
        given[who] |= {"creator"} if "google_project_iam_custom_role.creator.name" in expression else set()
    return given


def test_gcloud_gives_what_terraform_gives() -> None:
    shell = "\n".join(blocks("bash"))
    both = set(re.findall(r"grant \"\$who\" (\S+)", shell))
    given = {who: set(both) for who in re.search(r"for who in (.*); do", shell)[1].split()}  # type: ignore[index]
    for who, role in re.findall(r"^grant (\w+) \"?([^\s\"]+)", shell, re.MULTILINE):
        given[who].add("creator" if role.endswith("/llmcompileCreator") else role)
    assert given == roles()
    (custom,) = re.findall(r"--permissions=(\S+)", shell)
    assert custom.split(",") == re.findall(r'"(secretmanager\.secrets\.\w+)"', PAGE)


def permissions(given: set[str]) -> set[str]:
    custom = {each.removeprefix("secretmanager.") for each in re.findall(r'"(secretmanager\.secrets\.\w+)"', PAGE)}
    return set().union(*(custom if role == "creator" else PREDEFINED[role] for role in given))


# Tried


class Project:
    """A repository of YAML, a Secret Manager that holds its key, and the command line between them."""

    def __init__(self, root: Path, server: Emulator) -> None:
        self.server = server
        self.root = root
        project = FILES["llmcompile.yaml"].replace("dir:.store", f"gcpsecrets://{server.project}")
        key = f"ref+gcpsecrets://{server.project}/primary"
        region = FILES["regions/europe-west6.yaml"].replace("ref+env://PRIMARY_KEY", key)
        write_repo(root, {"llmcompile.yaml": project, "regions/europe-west6.yaml": region})
        server.put("primary", b"a-key")

    def run(self, given: set[str], *arguments: str) -> int:
        """The exit code of a command that may do this much, and no more."""
        self.server.permissions.clear()
        for each in ALL - permissions(given):
            self.server.permissions.deny(f"secretmanager.{each}")
        emulator = {"SECRET_MANAGER_EMULATOR_HOST": self.server.address}
        return run_cli(*arguments, "--to", "local", cwd=self.root, **emulator).returncode

    def change(self, number: int) -> None:
        """Change what the account's documents say."""
        account = f"{FILES['accounts/acme.yaml']}access: {{groups: [], models: [gpt-4o]}}\n"
        tier = f"tiers: {{pro: {{requests_per_minute: {number}}}}}"
        text = (self.root / "llmcompile.yaml").read_text("utf-8")
        changed = re.sub(r"tiers: .*", tier, text)
        write_repo(self.root, {"accounts/acme.yaml": account, "llmcompile.yaml": changed} | self._region())

    def _region(self) -> dict[str, str | None]:
        return {"regions/europe-west6.yaml": (self.root / "regions/europe-west6.yaml").read_text("utf-8")}

    def versions(self) -> dict[str, int]:
        return {
            each: len(self.server.secret(each).versions)  # type: ignore[union-attr]
            for each in ("acme_llm_policy", "llmcompile_ledger")
            if self.server.secret(each)
        }


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Emulator() as server:
        yield Project(tmp_path, server)


def test_the_roles_are_enough_and_no_more(project: Project) -> None:
    plan, push, prune = (roles()[who] for who in ("plan", "push", "prune"))
    assert project.run(plan, "plan", "--detailed-exitcode") == 3
    for lesser in (plan, prune, *(push - {role} for role in push)):
        assert project.run(lesser, "push") != 0, lesser
        assert project.versions() == {}
    assert project.run(push, "push") == 0
    assert project.run(plan, "plan", "--detailed-exitcode") == 0
    assert project.run(plan, "drift") == 0
    for lesser in (plan - {role} for role in plan):
        assert project.run(lesser, "plan") == 5, lesser
        assert project.run(lesser, "drift") == 5, lesser


def test_the_roles_of_prune_are_enough_and_no_more(project: Project) -> None:
    push, prune = (roles()[who] for who in ("push", "prune"))
    for number in (10, 20, 30):
        project.change(number)
        assert project.run(push, "push") == 0
    policy = ("prune", "--keep", "1", "--min-age", "0h", "--yes")
    before = states(project)
    for lesser in (push, *(prune - {role} for role in prune)):
        assert project.run(lesser, *policy) != 0, lesser
        assert states(project) == before
    assert project.run(prune, *policy) == 0
    assert states(project) == ["DESTROYED", "DESTROYED", "ENABLED"]
    project.change(40)
    assert project.run(prune, "push") != 0


def states(project: Project) -> list[str]:
    secret = project.server.secret("acme_llm_policy")
    assert secret
    return [str(each.state) for each in secret.versions]
