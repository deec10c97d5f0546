"""``exec``: a program gets its account's three documents, resolved, and nothing else changes for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def test_the_three_variables_are_set(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    arguments = ("exec", "acme", "--", sys.executable, "-c", SHOW)
    result = run_cli(*arguments, cwd=root, PRIMARY_KEY="k", ROUTER_POLICY_FILE="/stale", OTHER="kept")
    assert result.returncode == 0, result.stderr
    environment = json.loads(result.stdout)
    assert json.loads(environment["CUSTOMER_LLM_CONFIG"]) == {}
    assert json.loads(environment["PROVISIONED_OPENAI_CONFIG"])["endpoints"]["primary"]["api_key"] == "k"
    assert json.loads(environment["ROUTER_POLICY"])["account"] == "acme"
    assert environment["OTHER"] == "kept"
    assert "ROUTER_POLICY_FILE" not in environment


def test_the_program_gets_its_own_options_and_answers_with_its_own_code(tmp_path: Path) -> None:
    arguments = ("exec", "acme", "--", "sh", "-c", "exit 7", "--root")
    assert run_cli(*arguments, cwd=write_repo(tmp_path), PRIMARY_KEY="k").returncode == 7


def test_a_document_as_large_as_a_secret_reaches_the_program(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    region = FILES["regions/europe-west6.yaml"].replace("ref+env://PRIMARY_KEY", "ref+file://large.key")
    write_repo(root, {"regions/europe-west6.yaml": region})
    overhead = len('{"endpoints":{"primary":{"api_key":"","base_url":"https://primary.example.com"}},')
    overhead += len('"models":{"gpt-4o":["primary"]}}')
    (root / "large.key").write_text("k" * (65_536 - overhead))
    program = "import os; print(len(os.environ['PROVISIONED_OPENAI_CONFIG']))"
    result = run_cli("exec", "acme", "--", sys.executable, "-c", program, cwd=root)
    assert (result.returncode, result.stdout) == (0, "65536\n"), result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("acne", "--", "true"), 2, "did you mean 'acme'?"),
        (("--region", "us-east4", "acme", "--", "true"), 2, "is not in 'us-east4'"),
        (("acme", "--", "no-such-program"), 2, "cannot run no-such-program"),
        (("acme",), 2, "Missing argument"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run_cli("exec", *arguments, cwd=write_repo(tmp_path), PRIMARY_KEY="k")
    assert result.returncode == code
    assert message in result.stderr


def test_an_account_in_several_regions_needs_one(tmp_path: Path) -> None:
    second = FILES["regions/europe-west6.yaml"].replace("europe-west6", "europe-west4")
    account = FILES["accounts/acme.yaml"].replace("region: europe-west6", "regions: [europe-west6, europe-west4]")
    root = write_repo(tmp_path, {"regions/europe-west4.yaml": second, "accounts/acme.yaml": account})
    result = run_cli("exec", "acme", "--", "true", cwd=root, PRIMARY_KEY="k")
    assert result.returncode == 2
    assert "--region: europe-west6, europe-west4" in result.stderr
    assert run_cli("exec", "--region", "europe-west4", "acme", "--", "true", cwd=root, PRIMARY_KEY="k").returncode == 0
