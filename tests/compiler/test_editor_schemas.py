"""The editor's schemas with the repository's own words: what is right stays quiet, what leads nowhere is underlined.

The golden cases say both: every ok case is valid by the schemas of its own words, and each name that a check does not
know is refused by them, at its very place. A new golden case is looked at without any code here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft7Validator
from tests.compiler.example import ROOT, copy_example
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.test_golden import AS_OF, ERR, OK

from llmcompile.diagnostics import Diagnostic, Route
from llmcompile.emit import input_schemas, scaffold
from llmcompile.inputs.words import KINDS, MARK
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load
from llmcompile.load.vocabulary import read_vocabulary
from llmcompile.pipeline import compile_repository

ACCOUNT, MODEL, REGION = "accounts/acme.yaml", "models/gpt-4o.yaml", "regions/europe-west6.yaml"
NAMES = ("model", "fallback", "group", "region", "tier", "credential", "provider")
TEMPLATES = ROOT / "compiler/llmcompile/templates/init"


def schemas(root: Path) -> dict[str, Any]:
    """The schema of each kind, with the words of this repository."""
    vocabulary, _ = read_vocabulary(root)
    texts = input_schemas.render(vocabulary)
    found = {name.partition(".")[0]: json.loads(text) for name, text in texts.items()}
    for each in found.values():
        Draft7Validator.check_schema(each)
    return found


def seen(file: Path) -> Any:
    """The file as plain JSON: YAML 1.2, as language servers read it, which PyYAML's own types are not."""
    data, problems = load(Source(file.name, file.read_text("utf-8")))
    assert not problems
    return json.loads(json.dumps(data, default=float))


def kind_of(file: str) -> str:
    return "project" if file == "llmcompile.yaml" else file.partition("/")[0].removesuffix("s")


def flat(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    yield error
    for each in error.context or ():
        yield from flat(each)


def underlined(root: Path, file: str, all_schemas: dict[str, Any] | None = None) -> list[tuple[Route, Any]]:
    """Where the file is not what its schema says, with what stands there; for a key, the route of its mapping."""
    validator = Draft7Validator((all_schemas or schemas(root))[kind_of(file)])
    found = [each for error in validator.iter_errors(seen(root / file)) for each in flat(error)]
    return [(tuple(each.absolute_path), each.instance) for each in found]


@pytest.mark.parametrize("case", [*OK, ROOT, TEMPLATES], ids=lambda case: case.name)
def test_what_is_right_is_not_underlined(case: Path) -> None:
    of_case = schemas(case)
    files = [
        each for folder in ("accounts", "models", "regions") for each in sorted((case / folder).glob("[!.]*.yaml"))
    ]
    for path in [case / "llmcompile.yaml", *files]:
        assert underlined(case, path.relative_to(case).as_posix(), of_case) == [], path


@cache
def unknown(case: Path) -> list[Diagnostic]:
    """Names that lead nowhere, where the words of the case could be read."""
    if read_vocabulary(case)[1]:
        return []
    codes = {f"{name}-unknown" for name in NAMES}
    return [each for each in compile_repository(case, AS_OF).diagnostics if each.code in codes]


# What stands in no field of its own (a prefix of a model's name), and what a loader would have to refuse first.
CASES = [case for case in ERR if any(f"{name}-unknown" in case.name for name in NAMES) and unknown(case)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_name_that_leads_nowhere_is_underlined(case: Path) -> None:
    of_case = schemas(case)
    for each in unknown(case):
        place = each.place
        found = underlined(case, place.file, of_case)
        if place.at == "key":
            assert (place.route[:-1], place.route[-1]) in found, each
        else:
            assert place.route in [route for route, _ in found], each


def test_there_are_cases_of_every_name() -> None:
    assert {each.code for case in CASES for each in unknown(case)} == {f"{name}-unknown" for name in NAMES}
    assert len(CASES) >= 20


def test_control_without_words_nothing_is_underlined() -> None:
    plain = {name.partition(".")[0]: json.loads(text) for name, text in input_schemas.render().items()}
    names = [each for case in CASES for each in unknown(case)]
    missed = [each for case in CASES for each in unknown(case) if not underlined(case, each.place.file, plain)]
    assert len(missed) == len(names)


def marks(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if MARK in schema:
            yield schema[MARK]["kind"]
        schema = list(schema.values())
    for each in schema if isinstance(schema, list) else ():
        yield from marks(each)


def test_every_kind_of_word_has_its_fields_and_no_mark_is_left() -> None:
    kinds = input_schemas._KINDS.values()
    assert {each for kind in kinds for each in marks(kind.model_json_schema())} == set(KINDS)
    for vocabulary in (None, read_vocabulary(ROOT)[0]):
        assert MARK not in "".join(input_schemas.render(vocabulary).values())


WORDY = {
    "llmcompile.yaml": (
        "version: 1\ntiers: {pro: {requests_per_minute: 60}}\naccess_groups: {beta: {description: Not yet}}\n"
        "credentials: {shared: {provider: azure, api_key: ref+env://KEY}}\n"
    ),
    MODEL: FILES[MODEL] + "access_groups: [general]\nfallbacks: [gpt-4o]\n",
    REGION: FILES[REGION].replace("primary: {", "primary: {geo: ch, "),
}
RIGHT = """account: acme
region: europe-west6
tier: pro
residency: [ch, narnia]
access: {groups: [general, beta, own], models: [gpt-4o, helper]}
teams: {a: {mode: restrict, groups: [general], models: [helper]}}
keys: [{id: a, mode: restrict, tier: pro, sha256: "%s", groups: [beta]}]
endpoints:
  mine: {provider: azure_openai, credential: shared, supported_models: [gpt-4o, openai/gpt-4o], geo: mordor}
  map: {credential: shared, supported_models: {gpt-4o: whatever}}
route_groups:
  helper: {access_groups: [own], members: [{model: gpt-4o, endpoint: mine}, {model: azure/gpt-4o, endpoint: primary}]}
""" % ("0" * 64)
WRONG = [
    ("region: europe-west6", "region: europe-west5"),
    ("tier: pro\nres", "tier: por\nres"),
    ("groups: [general, beta, own]", "groups: [general, betta]"),
    ("models: [gpt-4o, helper]", "models: [gpt-4o, hlper]"),
    ("groups: [general], models", "groups: [genral], models"),
    ("models: [helper]}}", "models: [gpt-4]}}"),
    ("tier: pro, sha", "tier: none, sha"),
    ("groups: [beta]}]", "groups: [gamma]}]"),
    ("azure_openai", "azur"),
    ("credential: shared, supported_models: [", "credential: sharde, supported_models: ["),
    ("[gpt-4o, openai", "[gpt-4, openai"),
    ("openai/gpt-4o]", "openai/gpt-4]"),
    ("openai/gpt-4o]", "opanai/gpt-4o]"),
    ("{gpt-4o: whatever}", "{gpt4o: whatever}"),
    ("{model: gpt-4o, endpoint", "{model: gpt4o, endpoint"),
    ("{model: azure/gpt-4o", "{model: azure/gpt4o"),
]


@pytest.mark.parametrize(("right", "wrong"), WRONG, ids=[wrong for _, wrong in WRONG])
def test_a_misspelled_word_is_underlined_in_every_field_of_an_account(tmp_path: Path, right: str, wrong: str) -> None:
    root = write_repo(tmp_path, {**WORDY, ACCOUNT: RIGHT})
    of_root = schemas(root)
    assert underlined(root, ACCOUNT, of_root) == []  # "narnia", "mordor" and "own" are new words, and may be
    assert RIGHT.count(right) == 1
    (root / ACCOUNT).write_text(RIGHT.replace(right, wrong), "utf-8")
    assert underlined(root, ACCOUNT, of_root) != []


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (MODEL, "fallbacks: [gpt-4o]", "fallbacks: [gpt-4]"),
        (MODEL, "fallbacks: [gpt-4o]", "content_policy_fallbacks: [gpt-4]"),
        (MODEL, "fallbacks: [gpt-4o]", "context_window_fallbacks: [azure/gpt-4o]"),
        (REGION, "models: {gpt-4o:", "models: {gpt-4:"),
        (REGION, "provider: azure", "provider: azuer"),
        (REGION, "api_key: ref+env://PRIMARY_KEY", "credential: sharde"),
        (REGION, "api_key", "models: {gpt-5: x}, api_key"),
        ("llmcompile.yaml", "provider: azure", "provider: azuer"),
    ],
)
def test_and_in_every_other_file(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    root = write_repo(tmp_path, WORDY)
    of_root, text = schemas(root), (root / file).read_text("utf-8")
    assert underlined(root, file, of_root) == []
    assert right in text
    (root / file).write_text(text.replace(right, wrong), "utf-8")
    assert underlined(root, file, of_root) != []


def test_what_is_known_about_a_word_is_shown_with_it() -> None:
    text = input_schemas.render(read_vocabulary(ROOT)[0])["account.schema.json"]
    for about in ("GPT-4o mini, chat", "requests per minute: 60", "Zurich", "Models under evaluation"):
        assert about in text
    assert input_schemas.render(read_vocabulary(ROOT)[0])["account.schema.json"] == text


@pytest.mark.parametrize(
    ("file", "text", "stale"),
    [
        ("models/gpt-4.1.yaml", FILES[MODEL].replace("gpt-4o", "gpt-4.1"), ["account", "model", "region"]),
        ("regions/us-east4.yaml", FILES[REGION].replace("europe-west6", "us-east4"), ["account"]),
        ("llmcompile.yaml", FILES["llmcompile.yaml"].replace("pro:", "max:"), ["account"]),
        (MODEL, FILES[MODEL] + "access_groups: [beta]\n", ["account", "model"]),
        ("accounts/hooli.yaml", FILES[ACCOUNT].replace("acme", "hooli"), []),
        (MODEL, FILES[MODEL].replace("2.5", "2.4"), []),
    ],
)
def test_new_words_make_them_stale_and_nothing_else_does(
    tmp_path: Path, file: str, text: str, stale: list[str]
) -> None:
    root = write_repo(tmp_path)
    before = input_schemas.render(read_vocabulary(root)[0])
    input_schemas.write(root / "schemas", before)
    assert input_schemas.stale(root / "schemas", before) == []
    (root / file).write_text(text, "utf-8")
    after = input_schemas.render(read_vocabulary(root)[0])
    assert input_schemas.stale(root / "schemas", after) == [f"{name}.schema.json" for name in stale]


def test_nothing_is_written_while_words_cannot_be_read(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    assert run_cli("schema", cwd=root).returncode == 0
    before = {path.name: path.read_bytes() for path in (root / "schemas").iterdir()}
    (root / MODEL).write_text("code: gpt-4o\ntype: chta\n", "utf-8")
    for more in ((), ("--check",)):
        result = run_cli("schema", *more, cwd=root)
        assert (result.returncode, result.stdout) == (1, "")
        assert "error[value-unknown]" in result.stderr
    assert {path.name: path.read_bytes() for path in (root / "schemas").iterdir()} == before
    write_repo(tmp_path, {ACCOUNT: "account: [\n"})  # an account has no words: it is no reason to wait
    assert run_cli("schema", "--check", cwd=root).returncode == 0


def test_a_new_repository_starts_with_its_own_words(tmp_path: Path) -> None:
    account = json.loads(scaffold.render()["schemas/account.schema.json"])
    assert account["properties"]["region"]["enum"] == ["europe-west1"]
    assert run_cli("init", tmp_path / "new", cwd=tmp_path).returncode == 0
    assert run_cli("schema", "--check", cwd=tmp_path / "new").returncode == 0


def test_an_edit_by_command_keeps_them_fresh(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    add = ("model", "add", "--type", "chat")
    assert run_cli(*add, "gpt-4.1", cwd=root).returncode == 0
    assert not (root / "schemas").exists()  # an editor that was given none is given none
    assert run_cli("schema", cwd=root).returncode == 0
    assert run_cli(*add, "gpt-5", "--dry-run", cwd=root).returncode == 0
    assert run_cli("schema", "--check", cwd=root).returncode == 0
    added = run_cli(*add, "gpt-5", "--no-check", cwd=root)
    assert (added.returncode, added.stdout) == (0, "written: models/gpt-5.yaml\n"), added.stderr
    assert "written: schemas/account.schema.json\n" in added.stderr
    assert '"gpt-5"' in (root / "schemas/region.schema.json").read_text("utf-8")
    assert run_cli("schema", "--check", cwd=root).returncode == 0


def test_the_worked_examples_schemas_have_the_examples_words(tmp_path: Path) -> None:
    root = copy_example(tmp_path)
    assert run_cli("schema", cwd=root).returncode == 0
    for name in input_schemas.render():
        assert (root / "schemas" / name).read_text("utf-8") == (ROOT / "schemas" / name).read_text("utf-8")
