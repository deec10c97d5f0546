"""Which keys hold secrets by their name alone, and that what stands behind one is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.literals import is_secret_field

ACCOUNT = "accounts/acme.yaml"
HOLDING = ["api_key", "apikey", "client_secret", "password", "private_key", "access-key", "oauth_token"]
HOLDING += ["master_key", "masterKey", "LITELLM_MASTER_KEY", "salt_key", "salt-key", "LITELLM_SALT_KEY"]
OTHER = ["key", "keys", "token_url", "tokens_per_day", "monkey", "primary_key", "model", "master", "salt", "webmaster"]


@pytest.mark.parametrize("name", HOLDING)
def test_a_field_made_for_a_secret(name: str) -> None:
    assert is_secret_field(name)


@pytest.mark.parametrize("name", OTHER)
def test_a_field_made_for_something_else(name: str) -> None:
    assert not is_secret_field(name)


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
@pytest.mark.parametrize("name", ["master_key", "salt_key"])
def test_what_stands_there_is_shown_nowhere(tmp_path: Path, name: str, form: str) -> None:
    for field, shown in ((name, False), ("remark", True)):  # the control: another field is shown as it is
        root = write_repo(tmp_path, {ACCOUNT: f"{FILES[ACCOUNT]}{field}: hunter2-canary\n"})
        result = run_cli("check", "--format", form, cwd=root)
        assert result.returncode == 1
        assert ("hunter2" in result.stdout) is (shown and form in ("text", "junit"))  # these two show the line
