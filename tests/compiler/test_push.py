"""Plan and push over a store: only what changed is written, a stop loses nothing, values are never shown.

What Secret Manager adds to that is in ``tests/push``.
"""

from __future__ import annotations

import inspect
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.emit.contract import MAX_SECRET_BYTES, MAX_VARIABLE_BYTES
from llmcompile.errors import OutsideError
from llmcompile.pipeline import compile_repository
from llmcompile.push import ledger
from llmcompile.push.apply import Run, writes_of
from llmcompile.push.clock import VirtualClock
from llmcompile.push.look import look
from llmcompile.push.memory import MemorySource, MemoryStore
from llmcompile.push.plan import Plan, make_plan
from llmcompile.push.report import Report
from llmcompile.push.resolve import Payload, Resolver, resolve_all
from llmcompile.push.steady import Steady
from llmcompile.push.store import Destroyer, Reviver, Store, StoreReader, UncertainError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "canary/key+with=odd&signs"
SECRETS = ("azure_openai_europe-west6", "acme_llm_config", "acme_llm_policy")


def payloads(root: Path, **environment: str) -> list[Payload]:
    result = compile_repository(root, NOW)
    assert not result.failed
    resolver = Resolver(root, environment or {"PRIMARY_KEY": KEY}, lambda: MemorySource({}))
    return resolve_all(result.documents, result.linked, resolver)


def plan_of(documents: list[Payload], store: MemoryStore) -> Plan:
    return make_plan(look(documents, store), "memory:")


def actions(documents: list[Payload], store: MemoryStore) -> dict[str, str]:
    return {each.secret: each.action for each in plan_of(documents, store).changes}


def push(documents: list[Payload], store: MemoryStore) -> Report:
    last, _ = ledger.last(store)
    seen = look(documents, store)
    plan = make_plan(seen, "memory:")
    run = Run(Steady(store, VirtualClock()), Report(plan, ""), last)
    with suppress(OutsideError):
        run.write(writes_of(plan, seen), [], seen)
    return run.report


def count(store: MemoryStore) -> dict[str, int]:
    return {secret: len(store.payloads[secret]) for secret in SECRETS}


def test_only_what_changed_gets_a_version(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    assert push(payloads(root), store).done == dict.fromkeys(SECRETS, 1)
    assert push(payloads(root), store).done == {}
    assert count(store) == dict.fromkeys(SECRETS, 1)
    write_repo(root, {"accounts/acme.yaml": FILES["accounts/acme.yaml"].replace("tier: pro\n", "")})
    assert actions(payloads(root), store) == dict.fromkeys(SECRETS, "unchanged") | {"acme_llm_policy": "change"}
    assert push(payloads(root), store).done == {"acme_llm_policy": 2}


def test_a_rotated_secret_is_a_change(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    push(payloads(root), store)
    assert actions(payloads(root, PRIMARY_KEY="rotated"), store)["azure_openai_europe-west6"] == "change"


def test_going_back_is_a_change_too(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    for key in ("a", "b", "a"):
        push(payloads(root, PRIMARY_KEY=key), store)
    assert count(store)["azure_openai_europe-west6"] == 3


def test_what_is_referred_to_is_written_first_and_taken_away_last(tmp_path: Path) -> None:
    store, root = MemoryStore(), write_repo(tmp_path)
    two = FILES["regions/europe-west6.yaml"].replace("gpt-4o: [primary]", "gpt-4o: [primary, second]")
    second = "  second: {provider: azure, base_url: https://second.example.com, api_key: ref+env://PRIMARY_KEY}\n"
    write_repo(root, {"regions/europe-west6.yaml": two.replace("models:", f"{second}models:")})
    assert list(push(payloads(root), store).done) == list(SECRETS)
    without_tier = FILES["accounts/acme.yaml"].replace("tier: pro\n", "")
    write_repo(root, {"accounts/acme.yaml": without_tier})  # and the region as it was: one endpoint less
    assert list(push(payloads(root), store).done) == ["acme_llm_policy", "azure_openai_europe-west6"]


class FailingStore(MemoryStore):
    """Fails at the n-th version for good, or once after it was added."""

    def __init__(self, at: int, *, committed: bool) -> None:
        super().__init__()
        self.left, self.committed = at, committed

    def add(self, secret: str, payload: bytes) -> int:
        self.left -= 1
        if self.left == 0:
            if self.committed:
                super().add(secret, payload)
                raise UncertainError("no answer")
            raise OutsideError("the disk is gone", "buy another")
        return super().add(secret, payload)


@pytest.mark.parametrize("at", [2, 3, 4])  # the first version is the ledger's
def test_running_again_finishes_what_a_failure_left(tmp_path: Path, at: int) -> None:
    root, store = write_repo(tmp_path), FailingStore(at, committed=False)
    report = push(payloads(root), store)
    assert (list(report.done), report.failed) == (list(SECRETS[: at - 2]), SECRETS[at - 2])
    assert [each.secret for each in report.pending] == list(SECRETS[at - 1 :])
    assert report.data()["complete"] is False
    assert push(payloads(root), store).data()["complete"] is True
    assert count(store) == dict.fromkeys(SECRETS, 1)
    assert push(payloads(root), store).done == {}


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_answer_that_was_lost_makes_no_second_version(tmp_path: Path, at: int) -> None:
    store = FailingStore(at, committed=True)
    assert push(payloads(write_repo(tmp_path)), store).done == dict.fromkeys(SECRETS, 1)
    assert count(store) == dict.fromkeys(SECRETS, 1)
    assert len(store.payloads["llmcompile_ledger"]) == 1


def test_what_reads_cannot_write_and_what_pushes_cannot_destroy() -> None:
    def methods(port: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_")}

    assert methods(StoreReader) == {"secrets", "held", "read", "versions", "latest"}
    assert methods(Store) - methods(StoreReader) == {"lacking", "create", "update", "add"}
    assert methods(Reviver) - methods(Store) == {"enable", "disable"}
    assert methods(Destroyer) - methods(StoreReader) == {"destroy"}
    assert inspect.signature(look).parameters["store"].annotation == "StoreReader"


def test_two_documents_as_variables_fit_wherever_they_fit_into_a_secret() -> None:
    assert len("PROVISIONED_OPENAI_CONFIG=") + MAX_SECRET_BYTES <= MAX_VARIABLE_BYTES


def test_the_command_line_from_plan_to_push(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    environment = {"PRIMARY_KEY": KEY}
    first = run_cli("plan", "--to", "local", "--detailed-exitcode", cwd=root, **environment)
    assert first.returncode == 3, first.stderr
    assert "acme_llm_config" in first.stdout
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
