"""The server as a process of its own: flags, files, signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.api_core.exceptions import Aborted, NotFound, PermissionDenied, ResourceExhausted, Unauthenticated
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

COMMAND = [sys.executable, "-m", "llmcompile_secretmanager_emulator"]


@contextmanager
def running(*flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address, once it says that it listens."""
    process = subprocess.Popen([*COMMAND, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), (line, process.stderr)
        yield process, line.split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def client(address: str) -> Iterator[SecretManagerServiceClient]:
    with grpc.insecure_channel(address) as channel:
        yield SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


def failing(*flags: str) -> tuple[int, str]:
    result = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    return result.returncode, result.stderr


def create(api: SecretManagerServiceClient, secret_id: str = "acme", project: str = "acme-llm-prod") -> str:
    secret = {"replication": {"automatic": {}}}
    return api.create_secret(parent=f"projects/{project}", secret_id=secret_id, secret=secret).name


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_when_told(ending: signal.Signals) -> None:
    with running() as (process, address):
        with client(address) as api:
            name = create(api)
            api.add_secret_version(parent=name, payload={"data": b"x"})
            assert api.access_secret_version(name=f"{name}/versions/latest").payload.data == b"x"
        process.send_signal(ending)
        assert process.wait(10) == 0


def test_projects_are_numbered_in_turn() -> None:
    with running("--project", "one", "--project", "two") as (_, address), client(address) as api:
        assert create(api, project="one") == "projects/123456789012/secrets/acme"
        assert create(api, project="two") == "projects/123456789013/secrets/acme"
        with pytest.raises(PermissionDenied):
            create(api, project="acme-llm-prod")


def test_a_port_can_be_asked_for_and_a_taken_one_is_refused() -> None:
    with running() as (_, address):
        port = address.rpartition(":")[2]
        code, stderr = failing("--port", port)
    assert code == 5
    assert f"cannot listen on 127.0.0.1:{port}" in stderr
    with running("--port", port) as (_, again):
        assert again == address


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_only_loopback_is_listened_on(host: str) -> None:
    code, stderr = failing("--host", host)
    assert code == 2
    assert "no IPv4 loopback address" in stderr


def test_control_another_address_can_be_insisted_on() -> None:
    process = subprocess.Popen([*COMMAND, "--host", "0.0.0.0", "--any-host"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("listening on 0.0.0.0:")
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_the_journal_has_every_call_and_no_payload(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with running("--journal", str(journal)) as (_, address), client(address) as api:
        name = create(api)
        api.add_secret_version(parent=name, payload={"data": b"sk-canary-0001"})
        api.access_secret_version(name=f"{name}/versions/latest")
    text = journal.read_text()
    calls = [json.loads(line) for line in text.splitlines()]
    assert [(call["number"], call["method"], call["is_write"], call["size"]) for call in calls] == [
        (1, "CreateSecret", True, None),
        (2, "AddSecretVersion", True, 14),
        (3, "AccessSecretVersion", False, 14),
    ]
    assert [(call["secret"], call["version"], call["status"], call["committed"], call["caller"]) for call in calls] == [
        ("acme", "", "OK", True, "anonymous"),
        ("acme", "1", "OK", True, "anonymous"),
        ("acme", "latest", "OK", False, "anonymous"),
    ]
    assert "canary" not in text


def test_faults_come_from_a_file_and_are_read_again_on_sighup(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text(
        json.dumps(
            {
                "faults": [{"do": "error", "method": "AddSecretVersion", "nth": 1, "status": "ABORTED"}],
                "deny": [{"permission": "secretmanager.versions.destroy"}],
                "expire": {"anonymous": 4},
            }
        )
    )
    with running("--faults", str(rules)) as (process, address), client(address) as api:
        name = create(api)
        with pytest.raises(Aborted):
            api.add_secret_version(parent=name, payload={"data": b"x"})
        api.add_secret_version(parent=name, payload={"data": b"x"})
        with pytest.raises(PermissionDenied):
            api.destroy_secret_version(name=f"{name}/versions/1")
        api.get_secret(name=name)
        with pytest.raises(Unauthenticated):
            api.get_secret(name=name)
        rules.write_text("{}")
        process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while not passes(lambda: api.get_secret(name=name), Unauthenticated) and time.monotonic() < end:
            time.sleep(0.05)
        api.destroy_secret_version(name=f"{name}/versions/1")


def test_a_file_that_breaks_meanwhile_changes_nothing(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('{"deny": [{"permission": "secretmanager.secrets.create"}]}')
    with running("--faults", str(rules)) as (process, address), client(address) as api:
        rules.write_text("{")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert "the rules stay as they were" in process.stderr.readline()
        with pytest.raises(PermissionDenied):
            create(api)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "must be an object"),
        ('{"fault": []}', "must be an object of faults, deny and expire"),
        ('{"faults": [{"run": "rm"}]}', "must be an object of after_commit"),
        ('{"faults": [{"do": "explode"}]}', "do 'explode' must be one of error"),
        ('{"faults": [{"status": "OK"}]}', "status 'OK' must be one of"),
        ('{"deny": [{}]}', "permission"),
        ("{", "Expecting"),
    ],
)
def test_a_file_that_says_nothing_clear_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text(content)
    code, stderr = failing("--faults", str(rules))
    assert code == 5
    assert f"{rules}: " in stderr
    assert problem in stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    code, stderr = failing("--faults", str(tmp_path / "none.json"))
    assert code == 5
    assert "none.json" in stderr


def test_quotas_and_lag_are_off_until_asked_for() -> None:
    def outcome(*flags: str) -> tuple[bool, bool]:
        """Whether a new secret shows at once, and whether ten versions can be added in a row."""
        with running(*flags) as (_, address), client(address) as api:
            name = create(api)
            shows = passes(lambda: api.get_secret(name=name), NotFound)
            return shows, all(
                passes(lambda: api.add_secret_version(parent=name, payload={"data": b"x"}), ResourceExhausted)
                for _ in range(10)
            )

    assert outcome() == (True, True)
    assert outcome("--quotas") == (True, False)
    assert outcome("--lag", "50") == (False, True)


def test_without_grpc_it_says_what_to_install() -> None:
    script = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == "grpc":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
from llmcompile_secretmanager_emulator.__main__ import main
sys.exit(main([]))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert "pip install 'llmcompile[emulator]'" in result.stderr
    assert "Traceback" not in result.stderr


def passes(call: Callable[[], object], *errors: type[Exception]) -> bool:
    try:
        call()
    except errors:
        return False
    return True
