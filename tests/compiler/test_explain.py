"""``explain`` agrees with an oracle of independent code on every account, region, model and outage of the example."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.pipeline import compile_repository
from llmcompile.show.explain import Question, explain, snapshot_of
from llmrouter.resolve import NotAllowed, Unknown

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 6, 1, tzinfo=UTC)


def read(folder: str) -> dict[str, Any]:
    files = sorted((ROOT / folder).glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


ACCOUNTS, REGIONS, MODELS = read("accounts"), read("regions"), read("models")
CASES = [
    (account, region)
    for account, written in ACCOUNTS.items()
    for region in written.get("regions", [written.get("region")])
]


def serving(account: str, region: str, model: str) -> list[str]:
    """Straight from the YAML: who serves a model, by the words of the design."""
    written = ACCOUNTS[account]
    source = written.get("source", "auto")
    own = [f"tenant:{name}" for name, each in written.get("endpoints", {}).items() if model in each["supported_models"]]
    platform = [f"platform:{name}" for name in REGIONS[region]["models"].get(model, [])]
    return {"auto": own or platform, "platform": platform, "tenant": own, "local": own}[source]


def granted(account: str, model: str) -> bool:
    written = ACCOUNTS[account]
    if not any(serving(account, region, model) for region in written.get("regions", [written.get("region")])):
        return False
    access = written.get("access")
    if access is None:
        return True
    carried = MODELS.get(model, {}).get("access_groups", [])
    return model in access.get("models", []) or bool(set(carried) & set(access.get("groups", [])))


def chain(account: str, region: str, model: str, seen: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    if model in seen or not granted(account, model):
        return []
    found = [(model, label) for label in serving(account, region, model)]
    seen = (*seen, model)
    for fallback in MODELS[model].get("fallbacks", []):
        more = chain(account, region, fallback, seen)
        found += [each for each in more if each not in found]
        seen = (*seen, *(code for code, _ in more))
    return found


@pytest.mark.parametrize(("account", "region"), CASES)
def test_the_chain_is_what_the_yaml_says(account: str, region: str) -> None:
    snapshot = snapshot_of(compile_repository(ROOT, AT).documents, account, region)
    labels = [each.label for each in snapshot.endpoints]
    answered = 0
    for model in MODELS:
        for down in itertools.chain.from_iterable(itertools.combinations(labels, size) for size in range(3)):
            expected = [each for each in chain(account, region, model) if each[1] not in down]
            try:
                answer = explain(snapshot, Question(account, region, model, AT, down))
            except (Unknown, NotAllowed):
                assert not granted(account, model) or not chain(account, region, model)
                continue
            got = [(step["model"], f"{step['source']}:{step['endpoint']}") for step in answer["chain"]]
            assert got == expected, (model, down)
            answered += 1
    assert answered, "the account may call something"


def test_what_people_read(tmp_path: Path) -> None:
    result = run_cli("explain", "--at", "2024-06-01", "acme", "gpt-4o", "--root", ROOT, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for part in (
        "1. gpt-4o on platform:switzerlandnorth (azure)",
        "https://switzerlandnorth-001.azure.example/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        "auth        api-key, headers api-key",
        "text_input 5, text_output 15 (gpt-4o@2024-05-13, until 2024-10-01T00:00:00Z)",
        "no price at that time",  # gpt-4o-mini, its fallback, was not sold yet
        "60 requests per minute",
        "deployment  custom-gpt-4o-mini",
        "scopes api://00000000-0000-4000-8000-000000000002/.default",
    ):
        assert part in result.stdout


def test_what_machines_read(tmp_path: Path) -> None:
    arguments = ("--format", "json", "--down", "platform:switzerlandnorth", "--root", ROOT)
    result = run_cli("explain", "globex", "gpt-4o", *arguments, cwd=tmp_path)
    answer = json.loads(result.stdout)
    assert answer["format"] == 1
    assert [step["endpoint"] for step in answer["chain"]] == ["swedencentral", "swedencentral"]
    assert answer["keys"] == ["support-bot", "research"]


def test_budgets_stand_beside_the_limits(tmp_path: Path) -> None:
    root = ROOT / "tests" / "golden" / "ok" / "budgets"
    shown = run_cli("explain", "acme", "gpt-4o", "--root", root, cwd=tmp_path).stdout
    assert "  budget  soft 500, hard 800 USD a month (platform endpoints)\n" in shown
    assert "  budget  of bot: hard 12.5 USD a month (all its requests)\n" in shown
    told = json.loads(run_cli("explain", "acme", "gpt-4o", "--format", "json", "--root", root, cwd=tmp_path).stdout)
    assert told["budget"] == {"soft": "500", "hard": "800", "currency": "USD"}
    assert told["key_budgets"] == {"bot": {"hard": "12.5", "currency": "USD"}}


def test_a_real_time_model_has_the_url_of_its_websocket(tmp_path: Path) -> None:
    answers = {}
    for account in ("globex", "hooli"):
        arguments = ("--format", "json", "--region", "europe-west6", "--root", ROOT)
        result = run_cli("explain", account, "gpt-realtime", *arguments, cwd=tmp_path)
        answers[account] = json.loads(result.stdout)["chain"][0]["url"]
    expected = "wss://swedencentral-001.azure.example/openai/realtime?api-version=2024-10-21&deployment=gpt-realtime"
    assert set(answers.values()) == {expected}


def test_nothing_remains_is_an_answer(tmp_path: Path) -> None:
    result = run_cli("explain", "acme", "gpt-4o", "--down", "primary", cwd=write_repo(tmp_path))
    assert result.returncode == 0
    assert "nothing remains: requests are refused" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("acme", "gpt-4q"), "did you mean 'gpt-4o'?"),
        (("acne", "gpt-4o"), "did you mean 'acme'?"),
        (("acme", "gpt-4o", "--down", "primari"), "did you mean 'primary'?"),
        (("acme", "gpt-4o", "--at", "yesterday"), "write 2026-01-01"),
        (("acme", "gpt-4o", "--region", "us-east4"), "is not in 'us-east4'"),
        (("acme", "private"), "may not call 'private'"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    model = FILES["models/gpt-4o.yaml"]
    root = write_repo(
        tmp_path,
        {
            "models/gpt-4o.yaml": model + "access_groups: [general]\n",
            "models/private.yaml": model.replace("gpt-4o", "private"),
            "regions/europe-west6.yaml": FILES["regions/europe-west6.yaml"].replace(
                "gpt-4o: [primary]", "gpt-4o: [primary], private: [primary]"
            ),
            "accounts/acme.yaml": FILES["accounts/acme.yaml"] + "access: {groups: [general]}\n",
        },
    )
    result = run_cli("explain", *arguments, cwd=root)
    assert result.returncode == 2
    assert message in result.stderr


def test_a_ref_that_no_header_could_carry_is_no_hindrance(tmp_path: Path) -> None:
    region = FILES["regions/europe-west6.yaml"].replace("ref+env://PRIMARY_KEY", "ref+file://schlüssel")
    root = write_repo(tmp_path, {"regions/europe-west6.yaml": region})
    result = run_cli("explain", "acme", "gpt-4o", cwd=root)
    assert result.returncode == 0, result.stderr
    assert "auth        api-key" in result.stdout
