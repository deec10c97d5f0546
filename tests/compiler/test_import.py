"""``import``: configurations of other proxies become repositories that pass the check, or are refused with the reason.

Every folder of ``tests/imports/KIND`` is a case: ``config.yaml``, written by hand after a configuration or a page that
was published, ``options`` of the command, one per line, and what is expected: ``report.txt`` and the YAML below
``expected``.
``GOLDEN=write`` rewrites the expectations; whoever does reads the difference.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.compiler.importing import Ran, run
from tests.compiler.repo import run_cli, write_documents

from llmcompile.emit.canonical import compact
from llmcompile.pipeline import compile_repository
from llmrouter.documents import parse

IMPORTS = Path(__file__).parents[1] / "imports"
SCHEMAS = Path(__file__).parents[2] / "schemas"
WRITE = os.environ.get("GOLDEN") == "write"
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

CASES = sorted(each.parent for each in IMPORTS.glob("*/*/config.yaml"))
REFUSED = [each for each in CASES if each.name.startswith("refused-")]
CARRIED = [each for each in CASES if each not in REFUSED]


def each_case(cases: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[f"{each.parent.name}/{each.name}" for each in cases])


def run_case(case: Path, folder: Path, form: str = "text") -> Ran:
    options = (case / "options").read_text("utf-8").splitlines() if (case / "options").exists() else []
    prices = ["--prices", str(IMPORTS / "prices.json")]
    return run(folder, case.parent.name, (case / "config.yaml").read_text("utf-8"), *prices, *options, form=form)


def compare(path: Path, actual: str) -> None:
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, "utf-8")
    assert actual == (path.read_text("utf-8") if path.exists() else "")


@each_case(CASES)
def test_what_is_said_and_written(case: Path, tmp_path: Path) -> None:
    ran = run_case(case, tmp_path)
    compare(case / "report.txt", ran.said)
    expected = case / "expected"
    if WRITE:
        shutil.rmtree(expected, ignore_errors=True)
    for name, text in ran.files.items():
        compare(expected / name, text)
    assert sorted(ran.files) == sorted(str(each.relative_to(expected)) for each in expected.rglob("*.yaml"))


def test_there_are_enough_of_each_kind() -> None:
    assert sum(each.parent.name == "litellm" for each in CASES) >= 10
    assert sum(each.parent.name == "deltallm" for each in CASES) >= 8


@each_case(CARRIED)
def test_the_result_passes_the_check_and_builds(case: Path, tmp_path: Path) -> None:
    ran = run_case(case, tmp_path)
    assert ran.code == 0, ran.said
    compiled = compile_repository(ran.out, AS_OF)
    assert not compiled.failed
    write_documents(tmp_path / "dist", compiled.documents)
    by_kind = {each.kind: compact(each.plain()) for each in compiled.documents}
    assert parse(by_kind["CUSTOMER_LLM_CONFIG"], by_kind["PROVISIONED_OPENAI_CONFIG"], by_kind["ROUTER_POLICY"])


@each_case(REFUSED)
def test_what_is_refused_writes_nothing_and_says_where(case: Path, tmp_path: Path) -> None:
    ran = run_case(case, tmp_path)
    assert ran.code == 1
    assert "config.yaml:" in ran.said
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.yaml"]


@each_case(CARRIED)
def test_an_editor_finds_every_file_valid(case: Path, tmp_path: Path) -> None:
    ran = run_case(case, tmp_path)
    for name, text in ran.files.items():
        schema = text.splitlines()[0].partition("$schema=")[2]
        data = json.loads((ran.out / name).parent.joinpath(schema).read_text("utf-8"))
        jsonschema.validate(text_dates(yaml.safe_load(text)), data)


def text_dates(value: Any) -> Any:
    """PyYAML's values as a YAML 1.2 reader has them: dates are text."""
    if isinstance(value, dict):
        return {key: text_dates(each) for key, each in value.items()}
    if isinstance(value, list):
        return [text_dates(each) for each in value]
    return str(value) if not isinstance(value, str | int | float | bool | None) else value


@each_case(CARRIED)
def test_whatever_is_added_to_the_source_is_reported(case: Path, tmp_path: Path) -> None:
    """Nothing is dropped without a word: a setting that nobody knows is named, wherever it stands."""
    source = yaml.safe_load((case / "config.yaml").read_text("utf-8"))
    added = list(add_unknown(source, ()))
    options = (case / "options").read_text("utf-8").splitlines() if (case / "options").exists() else []
    ran = run(tmp_path, case.parent.name, yaml.safe_dump(source, sort_keys=False), *options)
    left_out = [each for each in ran.report["items"] if each["outcome"] == "left out"]
    whole = tuple(each["item"].partition("].")[0] + "]." for each in left_out if "the deployment of" in each["message"])
    for item in added:
        named = any(item == each["item"] or item.startswith(f"{each['item']}.") for each in left_out)
        assert named or item.startswith(whole), item


SECTIONS = ("router_settings", "litellm_settings", "deltallm_settings", "general_settings", "proxy_config", "config")


def add_unknown(source: Any, route: tuple[str, ...]) -> Any:
    """Add a setting to the sections of a source and to its deployments; where."""
    for name in SECTIONS:
        if name in source:
            yield from add_unknown(source[name], (*route, name)) if "model_list" in source[name] else ()
            source[name]["zz_unknown"] = {"a": 1}
            yield ".".join((*route, name, "zz_unknown"))
    for index, entry in enumerate(source.get("model_list", [])):
        prefix = ".".join((*route, f"model_list[{index}]"))
        for name in ("litellm_params", "deltallm_params", "model_info"):
            if name in entry:
                entry[name] = {**entry[name], "zz_unknown": 1}
                yield f"{prefix}.{name}.zz_unknown"
        entry["zz_unknown"] = 1
        yield f"{prefix}.zz_unknown"


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    case = IMPORTS / "litellm" / "proxy-server"
    texts = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        arguments = ("import", "litellm", case / "config.yaml", "--out", out, "--prices", IMPORTS / "prices.json")
        ran = run_cli(*arguments, cwd=tmp_path, PYTHONHASHSEED=seed, TZ=f"Etc/GMT+{seed}")
        assert ran.returncode == 0, ran.stderr
        files = {str(each.relative_to(out)): each.read_bytes() for each in out.rglob("*") if each.is_file()}
        texts.append((files, ran.stdout.replace(str(out), "OUT")))
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("case", "account", "model", "expected"),
    [
        (
            "litellm/overview",
            "example",
            "gpt-4o",
            "https://europe-001.openai.azure.example/openai/deployments/gpt-4o-eu/",
        ),
        ("litellm/local-models", "example", "vicuna-7b-16k", "http://localhost:11434/v1/chat/completions"),
        ("litellm/own-azure", "acme", "gpt-4o", "https://own-001.openai.azure.example/openai/deployments/prod-gpt-4o/"),
        ("deltallm/deployments", "example", "whisper-large", "https://api.groq.com/openai/v1/audio/transcriptions"),
        ("deltallm/route-groups", "example", "assistant-v2", "https://api.openai.com/v1/chat/completions"),
    ],
)
def test_explain_shows_where_requests_go(case: str, account: str, model: str, expected: str, tmp_path: Path) -> None:
    out = run_case(IMPORTS / case, tmp_path).out
    ran = run_cli("explain", "--root", out, account, model, "--format", "json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    urls = [value for value in walk(json.loads(ran.stdout)) if isinstance(value, str) and value.startswith("http")]
    assert urls[0].startswith(expected)


def walk(value: Any) -> Any:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from walk(each)
    else:
        yield value
