"""The golden cases: every folder of ``golden/err`` and ``golden/ok`` is a repository with what is expected of it.

``GOLDEN=write`` (``make golden``) rewrites the expectations; whoever does reads the difference. A case's file
``secrets`` lists, one per line, what no output may show; ``asked.json`` says which proofs are asked for, ``all`` or
by name, and what a second witness of prices knows; a folder ``against`` is the repository as it was before. There is no
code for a single case here.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import quote

import click
import jsonschema
import pytest
from tests.compiler.repo import write_documents

from llmcompile.codes import CODES
from llmcompile.emit.canonical import compact
from llmcompile.load.locate import Locator
from llmcompile.load.repository import load_repository
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.prove import PROOFS
from llmcompile.prove.outcome import Proof
from llmcompile.prove.witness import FakeWitness, confirmation
from llmcompile.show import machine, proofs, text
from llmcompile.show.located import Located, located
from llmrouter.documents import parse

HERE = Path(__file__).parent
GOLDEN, PAGES, SCHEMAS = HERE / "golden", HERE.parent / "docs" / "codes", HERE.parent / "schemas"
WRITE = os.environ.get("GOLDEN") == "write"
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def _cases(kind: str) -> list[Path]:
    return sorted(each for each in (GOLDEN / kind).iterdir() if each.is_dir())


def _each(cases: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[f"{each.parent.name}/{each.name}" for each in cases])


ERR, OK = _cases("err"), _cases("ok")


def _asked(case: Path) -> list[Proof]:
    path = case / "asked.json"
    asked = json.loads(path.read_bytes(), parse_float=Decimal) if path.exists() else {}
    chosen = [each for each in PROOFS if asked.get("proofs") == "all" or each.name in asked.get("proofs", ())]
    return [*chosen, confirmation(FakeWitness(asked["witness"]))] if "witness" in asked else chosen


@cache
def _outcome(case: Path) -> tuple[Compiled, list[Located]]:
    before = load_repository(case / "against")[0] if (case / "against").exists() else None
    compiled = compile_repository(case, AS_OF, proofs=_asked(case), against=before)
    return compiled, located(compiled.diagnostics, Locator(case))


def _text(case: Path) -> str:
    """What ``llmcompile check`` prints where there is no terminal."""
    compiled, found = _outcome(case)
    shown = click.unstyle(text.render(found)) + "\n" if found else ""
    return shown + (proofs.render_text(compiled.proofs) + "\n" if compiled.proofs else "")


def _compare(path: Path, actual: bytes) -> None:
    if WRITE and actual:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(actual)
    elif WRITE:
        path.unlink(missing_ok=True)
    assert actual.decode() == (path.read_bytes().decode() if path.exists() else "")


def _files(folder: Path) -> list[Path]:
    return sorted(each.relative_to(folder) for each in folder.rglob("*") if each.is_file())


@_each(ERR + OK)
def test_what_is_said(case: Path) -> None:
    _compare(case / "expected.txt", _text(case).encode())


@_each(ERR)
def test_an_err_case_says_what_it_is_about_and_nothing_else(case: Path) -> None:
    compiled, _ = _outcome(case)
    assert compiled.failed
    assert not compiled.documents
    said = {each.code for each in compiled.diagnostics}
    assert case.name.startswith("several-") or all(f"{case.name}-".startswith(f"{code}-") for code in said)


@_each(OK)
def test_what_is_built(case: Path, tmp_path: Path) -> None:
    compiled, _ = _outcome(case)
    assert not compiled.failed
    write_documents(tmp_path / "dist", compiled.documents)
    built, expected = tmp_path / "dist", case / "expected"
    for path in _files(built):
        _compare(expected / path, (built / path).read_bytes())
    if WRITE:
        for path in set(_files(expected)) - set(_files(built)):
            (expected / path).unlink()
    assert _files(expected) == _files(built)


@_each(OK)
def test_documents_are_valid_for_a_second_validator_and_the_router(case: Path) -> None:
    documents = _outcome(case)[0].documents
    for each in documents:
        schema = json.loads((SCHEMAS / f"{each.kind.lower()}.schema.json").read_bytes())
        jsonschema.Draft202012Validator(schema).validate(json.loads(compact(each.plain())))
    by_path = {each.path: compact(each.plain()) for each in documents}
    regions = [path for path in by_path if path.startswith("regions/")]
    for path, policy in by_path.items():
        if path.endswith("ROUTER_POLICY.json"):
            customer = by_path[path.replace("ROUTER_POLICY", "CUSTOMER_LLM_CONFIG")]
            for region in regions:
                assert parse(customer, by_path[region], policy)


@_each([each for each in ERR + OK if (each / "secrets").exists()])
def test_no_secret_is_shown(case: Path) -> None:
    found = _outcome(case)[1]
    output = _text(case) + machine.render_json(found) + machine.render_github(found)
    output += "".join(compact(each.plain()).decode() for each in _outcome(case)[0].documents)
    for secret in (case / "secrets").read_text("utf-8").splitlines():
        hidden = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], secret[:12], secret[-12:]}
        hidden |= {base64.b64encode(secret.encode()).decode(), base64.urlsafe_b64encode(secret.encode()).decode()}
        assert not [each for each in hidden if each in output]


@_each(ERR + OK)
def test_spans_lie_inside_the_files(case: Path) -> None:
    for each in _outcome(case)[1]:
        for at in (each.at, *(at for at, _ in each.related)):
            path = case / at.file
            gone = (case / "against" / at.file).exists()
            assert path.exists() or path.is_symlink() or gone or at.file in ("accounts", "models", "regions")
            lines = path.read_bytes().decode("utf-8", "replace").split("\n") if path.is_file() else [""]
            assert 1 <= at.line <= at.end_line <= len(lines)
            assert 1 <= at.column <= len(lines[at.line - 1]) + 1
            assert 1 <= at.end_column <= len(lines[at.end_line - 1]) + 1
            assert (at.line, at.column) <= (at.end_line, at.end_column)


def test_every_code_has_a_case() -> None:
    expected = "".join(path.read_text("utf-8") for path in GOLDEN.glob("*/*/expected.txt"))
    assert [code for code in CODES if f"[{code}]" not in expected] == []
    assert len(ERR) >= 60
    assert len(OK) >= 12


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    pages = {path.stem: path.read_text("utf-8") for path in PAGES.glob("*.md") if path.stem != "README"}
    index = (PAGES / "README.md").read_text("utf-8")
    assert set(pages) == set(CODES)
    for code, page in pages.items():
        assert page.startswith(f"# {code}\n\n**{CODES[code].severity}**"), code
        assert f"[{code}]({code}.md)" in index, code


@_each(ERR[:: len(ERR) // 3])
def test_build_writes_nothing_where_there_are_errors(case: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    command = [sys.executable, "-m", "llmcompile", "build", "--root", case, "--as-of", "2026-01-01", "--out", out]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert list(tmp_path.iterdir()) == []
