"""``init``, ``schema`` and ``models list``: what they write and show is right, and an editor can use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.compiler.repo import run_cli, write_repo

from llmcompile.emit import input_schemas, scaffold

ROOT = Path(__file__).parents[2]


def test_a_new_repository_passes_its_own_checks(tmp_path: Path) -> None:
    root = tmp_path / "new"
    assert run_cli("init", root, cwd=tmp_path).returncode == 0
    checked = run_cli("check", cwd=root)
    assert (checked.returncode, checked.stdout) == (0, "")
    assert run_cli("schema", "--check", cwd=root).returncode == 0
    assert run_cli("build", cwd=root).returncode == 0
    for workflow in (root / ".github" / "workflows").glob("*.yml"):
        text = workflow.read_text()
        assert "pip install --disable-pip-version-check --requirement .github/llmcompile.txt" in text
        assert yaml.safe_load(text)["jobs"]
    assert (root / ".github" / "llmcompile.txt").read_text() == "llmcompile[compiler]==0.1.0\n"


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "models" / "gpt-4o-mini.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    result = run_cli("init", tmp_path, cwd=tmp_path)
    assert result.returncode == 4
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    result = run_cli("init", "/proc/nowhere", cwd=tmp_path)
    assert result.returncode == 5
    assert "cannot write /proc/nowhere" in result.stderr


def examples(root: Path) -> list[Path]:
    return [*sorted(root.glob("*/*.yaml")), root / "llmcompile.yaml"]


@pytest.mark.parametrize(
    "path", [*examples(ROOT), *examples(ROOT / "compiler/llmcompile/templates/init")], ids=lambda path: path.name
)
def test_an_editor_finds_the_schema_and_the_file_is_valid(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    name = Path(first.partition("=")[2])
    kind = "project" if path.name == "llmcompile.yaml" else path.parent.name.removesuffix("s")
    assert name == Path("schemas" if kind == "project" else "../schemas") / f"{kind}.schema.json"
    own = ROOT in (path.parent, path.parents[1])
    written = (ROOT / "schemas" / name.name).read_text("utf-8") if own else scaffold.render()[f"schemas/{name.name}"]
    schema = json.loads(written)
    jsonschema.validate(text_only_dates(yaml.load(text, yaml.BaseLoader), yaml.safe_load(text)), schema)


def text_only_dates(as_text: Any, typed: Any) -> Any:
    """What a YAML 1.2 language server sees: PyYAML's values, but dates and odd numbers stay text."""
    if isinstance(typed, dict):
        return {key: text_only_dates(as_text[str(key)], value) for key, value in typed.items()}
    if isinstance(typed, list):
        return [text_only_dates(one, other) for one, other in zip(as_text, typed, strict=True)]
    return typed if isinstance(typed, bool | int | float | str) or typed is None else as_text


@pytest.mark.parametrize("name", ["account", "model", "project", "region"])
def test_every_field_of_a_schema_is_described(name: str) -> None:
    schema = json.loads(input_schemas.render()[f"{name}.schema.json"])
    jsonschema.Draft7Validator.check_schema(schema)
    objects = [schema, *schema.get("$defs", {}).values()]
    assert objects
    for each in objects:
        assert each["description"]
        for field, described in each["properties"].items():
            assert described.get("description") or "$ref" in described, (each["description"], field)
            assert {"type": "null"} not in described.get("anyOf", ()), field
    assert "examples" in json.dumps(schema)


def test_a_misspelled_key_is_underlined_by_the_schema_too() -> None:
    schema = json.loads(input_schemas.render()["account.schema.json"])
    jsonschema.validate({"account": "acme", "region": "r"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"account": "acme", "regoin": "r"}, schema)


def test_a_stale_schema_is_seen_and_made_fresh(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    missing = run_cli("schema", "--check", cwd=root)
    assert missing.returncode == 1
    assert "not fresh: schemas/account.schema.json" in missing.stdout
    assert not (root / "schemas").exists()
    assert run_cli("schema", cwd=root).returncode == 0
    assert run_cli("schema", "--check", cwd=root).returncode == 0
    (root / "schemas/model.schema.json").write_text("{}")
    stale = run_cli("schema", "--check", cwd=root)
    assert (stale.returncode, stale.stdout) == (1, "not fresh: schemas/model.schema.json\n")


def test_models_list_shows_the_prices_of_the_day(tmp_path: Path) -> None:
    arguments = ("models", "list", "--root", ROOT, "--type", "chat")
    before = run_cli(*arguments, "--as-of", "2025-12-31", cwd=tmp_path).stdout
    after = run_cli(*arguments, "--as-of", "2026-01-01", cwd=tmp_path).stdout
    assert (
        "gpt-4.1      chat  no        beta           USD: text_input 2, cached_text_input 0.5, text_output 8" in before
    )
    assert "USD: text_input 1.8, cached_text_input 0.45, text_output 7.2" in after
    assert "text-embedding" not in after


def test_models_list_for_machines(tmp_path: Path) -> None:
    arguments = ("--realtime", "--format", "json", "--as-of", "2026-01-01")
    result = run_cli("models", "list", "--root", ROOT, *arguments, cwd=tmp_path)
    data = json.loads(result.stdout)
    assert data["format"] == 1
    assert [each["code"] for each in data["models"]] == ["gpt-realtime"]
    assert data["models"][0]["per_million_tokens"]["audio_output"] == "64"


def test_models_list_refuses_a_type_that_is_none(tmp_path: Path) -> None:
    result = run_cli("models", "list", "--root", ROOT, "--type", "chatt", cwd=tmp_path)
    assert result.returncode == 2
    assert "'chat'" in result.stderr
