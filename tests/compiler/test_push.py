"""Plan and push over a store: only what changed is written, a stop loses nothing, values are never shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.emit.contract import MAX_SECRET_BYTES, MAX_VARIABLE_BYTES
from llmcompile.errors import OutsideError
from llmcompile.pipeline import compile_repository
from llmcompile.push.apply import apply
from llmcompile.push.plan import make_plan
from llmcompile.push.resolve import Payload, resolve_all
from llmcompile.push.store import MemoryStore, Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "canary/key+with=odd&signs"


def payloads(root: Path, **environment: str) -> list[Payload]:
    result = compile_repository(root, NOW)
    assert not result.diagnostics
    return resolve_all(result.documents, result.linked, root, environment or {"PRIMARY_KEY": KEY})


def actions(documents: list[Payload], store: MemoryStore) -> dict[str, str]:
    return {each.secret: each.action for each in make_plan(documents, store).changes}


def push(documents: list[Payload], store: MemoryStore) -> int:
    return apply(make_plan(documents, store), documents, store, lambda change, version: None)


def test_only_what_changed_gets_a_version(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    assert push(payloads(root), store) == 3
    assert push(payloads(root), store) == 0
    assert {secret: len(held) for secret, held in store.versions.items()} == {
        "azure_openai_europe-west6": 1,
        "acme_llm_config": 1,
        "acme_llm_policy": 1,
    }
    write_repo(root, {"accounts/acme.yaml": FILES["accounts/acme.yaml"].replace("tier: pro\n", "")})
    assert actions(payloads(root), store) == {
        "azure_openai_europe-west6": "unchanged",
        "acme_llm_config": "unchanged",
        "acme_llm_policy": "change",
    }
    assert push(payloads(root), store) == 1


def test_a_rotated_secret_is_a_change(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    push(payloads(root), store)
    assert actions(payloads(root, PRIMARY_KEY="rotated"), store)["azure_openai_europe-west6"] == "change"


def test_going_back_is_a_change_too(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    for key in ("a", "b", "a"):
        push(payloads(root, PRIMARY_KEY=key), store)
    assert len(store.versions["azure_openai_europe-west6"]) == 3


class FailingStore(MemoryStore):
    """Fails at the n-th write, before or after it took effect."""

    def __init__(self, at: int, *, committed: bool) -> None:
        super().__init__()
        self.left, self.committed = at, committed

    def add(self, secret: str, payload: bytes) -> int:
        self.left -= 1
        if self.left == 0:
            if self.committed:
                super().add(secret, payload)
            raise OutsideError("the disk is gone")
        return super().add(secret, payload)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_running_again_finishes_what_a_failure_left(tmp_path: Path, at: int, committed: bool) -> None:
    root, store = write_repo(tmp_path), FailingStore(at, committed=committed)
    with pytest.raises(OutsideError, match=f"{at - 1} of 3 changes were written"):
        push(payloads(root), store)
    push(payloads(root), store)
    assert {secret: len(held) for secret, held in store.versions.items()} == dict.fromkeys(
        ("azure_openai_europe-west6", "acme_llm_config", "acme_llm_policy"), 1
    )
    assert push(payloads(root), store) == 0


def test_a_plan_is_made_of_a_reader_that_cannot_write(tmp_path: Path) -> None:
    class Reader:
        def newest(self, secret: str) -> Version | None:
            return None

    assert len(make_plan(payloads(write_repo(tmp_path)), Reader()).pending) == 3


def test_two_documents_as_variables_fit_wherever_they_fit_into_a_secret() -> None:
    assert len("PROVISIONED_OPENAI_CONFIG=") + MAX_SECRET_BYTES <= MAX_VARIABLE_BYTES


def test_the_command_line_from_plan_to_push(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    environment = {"PRIMARY_KEY": KEY}
    first = run_cli("plan", "--to", "local", "--detailed-exitcode", cwd=root, **environment)
    assert first.returncode == 3, first.stderr
    assert "+ acme_llm_config: version 1 (2 bytes)" in first.stdout
    assert not (root / ".store").exists()
    pushed = run_cli("push", "--to", "local", cwd=root, **environment)
    assert (pushed.returncode, pushed.stderr) == (0, "3 written, 0 unchanged\n")
    held = json.loads((root / ".store/azure_openai_europe-west6/1").read_bytes())
    assert held["endpoints"]["primary"] == {"api_key": KEY, "base_url": "https://primary.example.com"}
    again = run_cli("push", "--to", "dir:.store", cwd=root, **environment)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "0 written, 3 unchanged\n")
    last = run_cli("plan", "--to", "local", "--detailed-exitcode", "--format", "json", cwd=root, **environment)
    assert last.returncode == 0
    assert {each["action"] for each in json.loads(last.stdout)["changes"]} == {"unchanged"}


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("lokal", "did you mean 'local'?"),
        ("s3://bucket", "no store 's3://bucket'"),
        ("gcpsecrets://example-llm-prod", "this version pushes to dir: stores alone"),
    ],
)
def test_a_store_that_is_none(tmp_path: Path, to: str, message: str) -> None:
    result = run_cli("push", "--to", to, cwd=write_repo(tmp_path), PRIMARY_KEY=KEY)
    assert result.returncode == 2
    assert message in result.stderr


def test_nothing_is_pushed_while_the_yaml_has_an_error(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {"accounts/acme.yaml": "account: acme\nregion: europe-west7\n"})
    result = run_cli("push", "--to", "local", cwd=root, PRIMARY_KEY=KEY)
    assert result.returncode == 1
    assert "error[region-unknown]" in result.stderr
    assert not (root / ".store").exists()
