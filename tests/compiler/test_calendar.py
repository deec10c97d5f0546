"""The calendar lists everything dated; ``check --as-of`` fails on each date that breaks something, and on no other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.inputs.values import parse_days
from llmcompile.pipeline import compile_repository

DATED: dict[str, str | None] = {
    "llmcompile.yaml": FILES["llmcompile.yaml"]
    + "credentials:\n  shared: {provider: azure, api_key: ref+env://SHARED_KEY, expires: 2026-09-01}\n",
    "models/gpt-4o.yaml": (
        "code: gpt-4o\ntype: chat\nretires: 2027-03-01\ntoken_costs:\n"
        "  - {start: 2024-10-01, currency: USD, per_million_tokens: {text_input: 2.5, text_output: 10}}\n"
        "  - {start: 2026-06-01, end: 2027-06-01, currency: USD,"
        " per_million_tokens: {text_input: 2, cached_text_input: 1, text_output: 10}}\n"
    ),
    "models/spare.yaml": FILES["models/gpt-4o.yaml"].replace("gpt-4o\n", "spare\nretires: 2025-01-01\n"),
    "regions/europe-west6.yaml": FILES["regions/europe-west6.yaml"].replace(
        "ref+env://PRIMARY_KEY}", "ref+env://PRIMARY_KEY, version: 2024-10-01-preview, sunset: 2026-03-01}"
    ),
    "accounts/acme.yaml": (
        "account: acme\nregion: europe-west6\ntier: pro\nendpoints:\n  default:\n    provider: azure\n"
        "    base_url: https://acme.example.com\n    supported_models: [gpt-4o]\n    expires: 2026-02-01T12:00:00Z\n"
        "    oauth:\n      token_url: https://login.example.com/token\n      client_id: client\n"
        "      client_secret: ref+env://ACME_SECRET\n      scopes: [api://acme/.default]\n"
    ),
}
NOW = "2026-01-15"


def listed(root: Path, *arguments: str) -> list[dict[str, Any]]:
    result = run_cli("calendar", "--format", "json", *arguments, cwd=root)
    assert result.returncode == 0, result.stderr
    data = json.loads(result.stdout)
    assert data["format"] == 1
    events: list[dict[str, Any]] = data["events"]
    return events


def test_everything_dated_by_date_and_at_its_line(tmp_path: Path) -> None:
    events = listed(write_repo(tmp_path, DATED), "--as-of", NOW)
    assert [(each["at"][:10], each["kind"], each["breaks"], f"{each['file']}:{each['line']}") for each in events] == [
        ("2026-02-01", "secret", "secret-expired", "accounts/acme.yaml:9"),
        ("2026-03-01", "version", "api-version-sunset", "regions/europe-west6.yaml:3"),
        ("2026-06-01", "price", None, "models/gpt-4o.yaml:6"),
        ("2026-09-01", "secret", "secret-expired", "llmcompile.yaml:5"),
        ("2027-03-01", "model", "model-retired", "models/gpt-4o.yaml:3"),
        ("2027-06-01", "price", None, "models/gpt-4o.yaml:6"),
    ]
    assert events[2]["what"] == "the price of 'gpt-4o' changes: text_input 2.5 to 2, cached_text_input none to 1"
    assert not any(each["overdue"] for each in events)


@pytest.mark.parametrize(("within", "count"), [("0d", 0), ("17d", 0), ("18d", 1), ("45d", 2), ("9999d", 6)])
def test_within_is_a_number_of_days(tmp_path: Path, within: str, count: int) -> None:
    assert len(listed(write_repo(tmp_path, DATED), "--as-of", NOW, "--within", within)) == count


def test_what_is_past_and_still_breaks_comes_first_and_old_prices_do_not(tmp_path: Path) -> None:
    events = listed(write_repo(tmp_path, DATED), "--as-of", "2026-07-01", "--within", "0d")
    assert [(each["kind"], each["overdue"], each["days"]) for each in events] == [
        ("secret", True, -150),
        ("version", True, -122),
    ]


def test_what_people_read(tmp_path: Path) -> None:
    root = write_repo(tmp_path, DATED)
    result = run_cli("calendar", "--as-of", "2026-02-02", "--within", "30d", cwd=root)
    assert result.stdout.splitlines() == [
        "2026-02-01T12:00:00Z   1 day ago  the client secret of endpoint 'default' of account 'acme' expires",
        "                                  accounts/acme.yaml:9:14",
        "2026-03-01            in 27 days  API version '2024-10-01-preview' of endpoint 'primary' of region"
        " 'europe-west6' is withdrawn",
        "                                  regions/europe-west6.yaml:3:138",
    ]
    assert run_cli("calendar", cwd=write_repo(tmp_path / "plain")).stdout == "nothing dated\n"


def test_every_date_that_breaks_is_an_error_from_its_instant_on_and_no_sooner(tmp_path: Path) -> None:
    root = write_repo(tmp_path, DATED)
    events = listed(root, "--as-of", NOW)
    breaking = [each for each in events if each["breaks"]]
    assert len(breaking) == 4
    for each in breaking:
        at = datetime.fromisoformat(each["at"])
        found = [
            {one.code for one in compile_repository(root, moment).diagnostics if one.place.file == each["file"]}
            for moment in (at - timedelta(seconds=1), at)
        ]
        assert [each["breaks"] in codes for codes in found] == [False, True], each


def test_a_calendar_event_breaks_ci_before_it_breaks_production(tmp_path: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(days=20)).strftime("%Y-%m-%d")
    endpoint = FILES["regions/europe-west6.yaml"].replace("PRIMARY_KEY}", f"PRIMARY_KEY, expires: {soon}}}")
    root = write_repo(tmp_path, {"regions/europe-west6.yaml": endpoint})
    for as_of, code in ((), 0), (("--as-of", "+10d"), 0), (("--as-of", "+30d"), 1):
        result = run_cli("check", *as_of, cwd=root)
        assert result.returncode == code, result.stderr
        assert ("error[secret-expired]" in result.stdout) is bool(code)


def test_a_file_that_cannot_be_read_is_missing_in_the_calendar_and_it_says_so(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {**DATED, "accounts/acme.yaml": "account: acme\nregion: [\n"})
    result = run_cli("calendar", "--as-of", NOW, "--format", "json", cwd=root)
    assert result.returncode == 1
    assert "error[yaml-syntax]" in result.stderr
    assert {each["file"] for each in json.loads(result.stdout)["events"]} == {
        "llmcompile.yaml",
        "models/gpt-4o.yaml",
        "regions/europe-west6.yaml",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("calendar", "--within", "soon"), "'soon' is not a number of days; write 90d"),
        (("calendar", "--within", "-1d"), "'-1d' is not a number of days"),
        (("check", "--as-of", "+30"), "'30' is not a number of days; write 2026-01-01, 2026-01-01T12:00:00Z or +30d"),
        (("check", "--as-of", "30d"), "'30d' is not a date"),
        (("check", "--as-of", "+99999d"), "'99999d' is not a number of days"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run_cli(*arguments, cwd=write_repo(tmp_path))
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())


def test_days() -> None:
    assert parse_days("90d") == timedelta(days=90)
    for wrong in ("", "d", "90", "90D", "٣d", "1.5d", " 1d"):
        with pytest.raises(ValueError, match="is not a number of days"):
            parse_days(wrong)
