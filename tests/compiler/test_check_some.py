"""A check of some files says what the whole check says of them, and nothing that only the whole fleet can tell."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.diagnostics import Diagnostic
from llmcompile.errors import UsageError
from llmcompile.fleet.some import check_some
from llmcompile.load.root import FOLDERS
from llmcompile.pipeline import compile_repository

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "golden"
CASES = [each for kind in ("err", "ok") for each in sorted((GOLDEN / kind).iterdir()) if (each / "accounts").is_dir()]
OF_ALL = {"name-collision", "previously-taken"}
"""Two files that disagree: one alone cannot know."""
GATES = {"survival", "residency"}
"""Proven where there is no error; an error elsewhere is not looked for."""
BRENT = "accounts/brent.yaml"
TWO = {"accounts/acme.yaml": FILES["accounts/acme.yaml"], BRENT: FILES["accounts/acme.yaml"].replace("acme", "brent")}


def of(file: str, diagnostics: tuple[Diagnostic, ...]) -> set[Diagnostic]:
    """What is said of a file, as far as it can be told from it and from what it shares."""
    return {each for each in diagnostics if each.place.file == file and each.code not in OF_ALL | GATES}


def test_each_account_alone_is_told_what_it_is_told_among_all() -> None:
    looked_at = 0
    for case in CASES:
        whole = compile_repository(case, AS_OF).diagnostics
        for path in sorted((case / "accounts").glob("*.yaml")):
            file = f"accounts/{path.name}"
            some = check_some(case, AS_OF, [path]).diagnostics
            assert of(file, some) == of(file, whole), case
            others = {each for each in some if each.place.file != file and each.code not in GATES}
            assert others <= set(whole), case
            looked_at += bool(of(file, some))
    assert looked_at > 150


def test_control_without_the_others_being_unknown_a_tier_would_seem_unused(tmp_path: Path) -> None:
    tiers = FILES["llmcompile.yaml"].replace("tiers: {", "tiers: {big: {requests_per_minute: 600}, ")
    big = {"llmcompile.yaml": tiers, **TWO, BRENT: TWO[BRENT].replace("tier: pro", "tier: big")}
    write_repo(tmp_path, big)
    assert check_some(tmp_path, AS_OF, [tmp_path / BRENT]).diagnostics == ()
    (tmp_path / "accounts" / "acme.yaml").unlink()
    assert [each.code for each in compile_repository(tmp_path, AS_OF).diagnostics] == ["tier-unused"]


def test_from_the_command_line(tmp_path: Path) -> None:
    write_repo(tmp_path, {**TWO, "accounts/acme.yaml": TWO["accounts/acme.yaml"].replace("europe-west6", "nowhere")})
    fine = run_cli("check", BRENT, cwd=tmp_path)
    assert (fine.returncode, fine.stderr) == (0, "1 of 2 accounts, 1 region, 1 model: no problems\n")
    below = run_cli("check", "acme.yaml", cwd=tmp_path / "accounts")
    assert (below.returncode, "accounts/acme.yaml:2:9" in below.stdout) == (1, True)
    both = run_cli("check", "accounts/acme.yaml", BRENT, "--format", "json", cwd=tmp_path)
    assert (both.returncode, both.stdout.count('"region-unknown"')) == (1, 1)


@pytest.mark.parametrize(
    "more", [["--proofs"], ["--against", "HEAD"], ["--format", "junit"], ["--witness", "genai-prices"]]
)
def test_what_looks_at_the_whole_fleet_takes_no_files(tmp_path: Path, more: list[str]) -> None:
    write_repo(tmp_path)
    result = run_cli("check", "accounts/acme.yaml", *more, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "looks at the whole fleet" in result.stderr


@pytest.mark.parametrize("file", ["README.md", "accounts", "schemas/account.schema.json", "accounts/deep/x.yaml"])
def test_a_file_that_is_none_of_the_repository_is_a_usage_error(tmp_path: Path, file: str) -> None:
    write_repo(tmp_path)
    with pytest.raises(UsageError) as error:
        check_some(tmp_path, AS_OF, [tmp_path / file])
    assert "is no file of" in str(error.value)


def test_every_folder_counts(tmp_path: Path) -> None:
    write_repo(tmp_path)
    for folder in FOLDERS:
        for path in (tmp_path / folder).iterdir():
            assert check_some(tmp_path, AS_OF, [path]).diagnostics == ()
    assert check_some(tmp_path, AS_OF, [tmp_path / "llmcompile.yaml"]).scope.startswith("0 of 1 account, ")
