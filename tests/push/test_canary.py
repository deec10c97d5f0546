"""No secret, old or new, in anything that a command says, however it ends.

``Cli`` searches all that every command of this folder says; here are the failures that are most likely to say too much.
The commands are as talkative as can be: the client's log, gRPC's tracers and tracebacks are asked for.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.push.cli import TALKATIVE, Cli
from tests.push.fleet import CANARY, PROJECT, Fleet
from tests.push.leaks import leaked
from tests.push.looks import LOOKS, clean
from tests.push.stage import Stage

from llmcompile_secretmanager_emulator import Emulator, Fault, VirtualClock

OLD, NEW = Fleet(2, 1, "old"), Fleet(2, 1, "new")
TRACED = {"GRPC_TRACE": "all", "GRPC_VERBOSITY": "debug"}
TRACER = "gRPC Tracers"
"""What gRPC says where its tracers are on."""
LOOKS_EACH = 3
"""After each failure these, in turn: 11 and 3 have no common divisor."""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A store with secrets of the old fleet, and a repository with the new one."""
    root, said = tmp_path_factory.mktemp("repo"), tmp_path_factory.mktemp("said")
    with Emulator(PROJECT, others=("other-project",), clock=VirtualClock()) as server:
        yield Stage.of(Cli(server, root, said), OLD, NEW)


@pytest.fixture
def stage(staged: Stage) -> Stage:
    """As it was in the beginning."""
    staged.restart()
    NEW.write(staged.cli.root)
    staged.cli.environment = dict(NEW.environment)
    staged.server.journal.clear()
    return staged


@dataclass(frozen=True, slots=True)
class Failure:
    """What goes wrong, and how a push ends then."""

    code: int
    happens: Callable[[Stage], object] = lambda stage: None
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    said: str = ""
    """In the message."""


def fault(**options: Any) -> Callable[[Stage], object]:
    return lambda stage: stage.server.faults.add(Fault(**options))


def deny(right: str, secret: str = "*") -> Callable[[Stage], object]:
    return lambda stage: stage.server.permissions.deny(f"secretmanager.{right}", secret)


def expire(after: int) -> Callable[[Stage], object]:
    return lambda stage: stage.server.permissions.expire("anonymous", after)


def foreign(stage: Stage) -> None:
    stage.server.put("a0_llm_config", f"{CANARY} of somebody else".encode(), labels={"managed-by": "somebody"})


def disabled(stage: Stage) -> None:
    for secret in stage.old:
        stage.server.client().disable_secret_version(name=f"projects/{PROJECT}/secrets/{secret}/versions/1")


def guarded(stage: Stage) -> None:
    Fleet(2, 1, "new", guards="{max_change_percent: 1, min_changes: 0}").write(stage.cli.root)


def left(stage: Stage) -> None:
    Fleet(1, 1, "new").write(stage.cli.root)


def edit(file: str, old: str, new: str) -> Callable[[Stage], object]:
    def edited(stage: Stage) -> None:
        path = stage.cli.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edited


def into_a_file(content: str, pointer: str = "") -> Callable[[Stage], object]:
    """A ref to a file in place of the one to a variable."""

    def written(stage: Stage) -> None:
        (stage.cli.folder / "a0.key").write_text(content)
        file = f"ref+file://{stage.cli.folder}/a0.key{pointer}"
        edit("accounts/a0.yaml", "ref+env://A0_KEY", f"'{file}'")(stage)

    return written


FAILURES: dict[str, Failure] = {
    "none": Failure(0),
    "a ref to nothing": Failure(5, environment={"A0_KEY": ""}, said="the value is empty"),
    "a line break": Failure(5, environment={"A0_KEY": f"{CANARY}\n{CANARY}"}, said="a line break"),
    "no ASCII": Failure(5, environment={"A0_KEY": f"{CANARY}\u20ac"}, said="no header can carry"),
    "a space": Failure(5, environment={"A0_KEY": f" {CANARY}"}, said="begins or ends with a space"),
    "too large": Failure(5, environment={"A0_KEY": CANARY * 3_300}, said="bytes with its secrets"),
    "no JSON": Failure(5, into_a_file(f"{{{CANARY}", "#/key"), said="nothing at /key"),
    "no text": Failure(5, into_a_file(json.dumps({"key": [CANARY]}), "#/key"), said="no text at /key"),
    "not there": Failure(5, into_a_file(json.dumps({CANARY: 1}), "#/key"), said="nothing at /key"),
    "a literal": Failure(1, edit("accounts/a0.yaml", "ref+env://A0_KEY", f"'{CANARY}'"), said="secret-literal"),
    "no YAML": Failure(1, edit("accounts/a0.yaml", "ref+env://A0_KEY", f'"{CANARY}'), said="yaml-"),
    "denied": Failure(5, deny("versions.add", "a0_*"), said="rights are missing"),
    "denied to read": Failure(5, deny("versions.access", "a1_*"), said="versions.access"),
    "denied all": Failure(5, deny("*"), said="denied"),
    "expired": Failure(5, expire(0), said="invalid authentication credentials"),
    "expired while it looks": Failure(5, expire(8), said="invalid authentication credentials"),
    "expired while it writes": Failure(5, expire(45), said="invalid authentication credentials"),
    "corrupted in": Failure(5, fault(do="corrupt_reply"), said="does not have the checksum"),
    "corrupted out": Failure(5, fault(do="corrupt_request", secret="a*"), said="does not have the checksum"),
    "dropped once": Failure(0, fault(do="drop", nth=30)),
    "dropped after the write": Failure(0, fault(do="drop", writes_only=True, after_commit=True, nth=5)),
    "dropped": Failure(5, fault(do="drop", writes_only=True), said="Socket closed"),
    "conflict": Failure(5, fault(method="UpdateSecret", status="FAILED_PRECONDITION"), said="could not be claimed"),
    "aborted": Failure(5, fault(writes_only=True, status="ABORTED"), said="cannot"),
    "quota": Failure(5, fault(status="RESOURCE_EXHAUSTED"), said="cannot"),
    "invalid": Failure(5, fault(method="AddSecretVersion", status="INVALID_ARGUMENT"), said="cannot"),
    "not found": Failure(5, fault(method="AddSecretVersion", status="NOT_FOUND"), said="cannot"),
    "internal": Failure(5, fault(status="INTERNAL"), said="cannot"),
    "unknown": Failure(5, fault(method="UpdateSecret", status="UNKNOWN"), said="could not be claimed"),
    "unimplemented": Failure(5, fault(method="UpdateSecret", status="UNIMPLEMENTED"), said="cannot"),
    "foreign": Failure(4, foreign, said="does not carry our label"),
    "disabled": Failure(0, disabled),
    "too many changes": Failure(4, guarded, said="--confirm-changes 5"),
    "left": Failure(4, left, said="--confirm-removed account/a1"),
    "another plan": Failure(4, arguments=("--expect", f"sha256:{'0' * 64}"), said="not the plan that was reviewed"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_however_a_push_ends(stage: Stage, name: str) -> None:
    failure = FAILURES[name]
    failure.happens(stage)
    stage.cli.environment |= failure.environment
    said = stage.push(*failure.arguments, report=True)
    assert (said.code, failure.said in said.err + said.out, "a bug" in said.err) == (failure.code, True, False), said
    assert failure.code != 4 or not stage.server.journal.writes
    if failure.code != 1:  # there somebody wrote it into the YAML
        clean(stage)
    start, writes = list(FAILURES).index(name) * LOOKS_EACH, len(stage.server.journal.writes)
    for each in range(start, start + LOOKS_EACH):
        stage.cli(*LOOKS[each % len(LOOKS)])
    assert len(stage.server.journal.writes) == writes


REAL = [
    (0, *LOOKS[0]),
    (3, *LOOKS[4]),
    (0, "push", "--to", "prod"),
    (0, "rollback", "--store", "prod", "account/a0"),
    (4, "adopt", "--to", "prod", "account/a0", "region/r0"),
    (5, "push", "--to", "prod", "--confirm-changes", "5"),
]


def test_as_users_start_it_with_every_tracer_of_grpc(stage: Stage) -> None:
    """The last one is denied what it needs."""
    for code, *arguments in REAL:
        if code == 5:
            stage.server.permissions.deny("secretmanager.versions.add")
        said = stage.cli(*arguments, real=True, **TRACED)
        assert (said.code, TRACER in said.err) == (code, False), said.err
    clean(stage)


BREAKS = """
import google_crc32c, sys, traceback
value = google_crc32c.value

def broken(data):
    if b"-new" in data:
        raise RuntimeError("broken")
    return value(data)

google_crc32c.value = broken
"""
SHOWS_LOCALS = """
def show():
    for frame, _ in traceback.walk_tb(sys.exc_info()[2]):
        print(frame.f_locals, file=sys.stderr)

traceback.print_exc = show
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_with_a_payload_at_hand(stage: Stage, tmp_path: Path, debug: str) -> None:
    """A part of others breaks as it is given the payload."""
    (tmp_path / "sitecustomize.py").write_text(BREAKS)
    said = stage.push("--report", str(tmp_path / "report"), real=True, PYTHONPATH=str(tmp_path), LLMCOMPILE_DEBUG=debug)
    assert (said.code, "Traceback" in said.err, "a bug" in said.err) == (5, bool(debug), True)
    assert not [*leaked(CANARY, (tmp_path / "report").read_text())]
    clean(stage)


def test_control_the_payload_is_at_hand(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BREAKS + SHOWS_LOCALS)
    stage.cli.may_leak = True
    said = stage.push(real=True, PYTHONPATH=str(tmp_path))
    stage.cli.may_leak = False
    assert {"json in repr"} <= {*leaked(CANARY, said.err)}


LOGS_EARLY = "from google.api_core import client_logging; client_logging.initialize_logging()"


def test_control_the_clients_log_would_show_payloads(stage: Stage, tmp_path: Path) -> None:
    """Where it is asked for before our own code runs, the real command leaks, and the search finds it."""
    (tmp_path / "sitecustomize.py").write_text(LOGS_EARLY)
    stage.cli.may_leak = True
    said = stage.push(real=True, PYTHONPATH=str(tmp_path))
    stage.cli.may_leak = False
    assert said.code == 0
    assert any("base64 of json" in each for each in leaked(CANARY, said.err))


PLAIN = """
import sys, grpc
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

channel = grpc.insecure_channel(sys.argv[1])
client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
client.access_secret_version(name=sys.argv[2])
"""


def test_control_the_plain_client_shows_payloads_and_traces(stage: Stage) -> None:
    name = f"projects/{PROJECT}/secrets/a0_llm_config/versions/1"
    command = [sys.executable, "-c", PLAIN, stage.server.address, name]
    environment = {"PATH": os.environ["PATH"], **TALKATIVE, **TRACED}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert any("base64 of json" in each for each in leaked(CANARY, said.stderr))
    assert TRACER in said.stderr


def encodings(secret: str) -> Iterator[str]:
    """In which a secret may come out, with something before and after it."""
    yield from (secret, urllib.parse.quote(secret), urllib.parse.quote_plus(secret), json.dumps(secret), repr(secret))
    payload = json.dumps({"api_key": secret})
    yield from (json.dumps(payload), repr(payload.encode()))
    for before in ("", "a", "ab", "abc"):
        for inner in (secret, payload):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(f"{before}{inner}".encode()).decode()
                yield encode(f"{before}{inner} and more".encode()).decode()


@pytest.mark.parametrize("secret", [CANARY, f"{CANARY}a0-old", "hunter-2-hunter-2", "\u00e4\u20ac" * 4])
def test_control_the_search_finds_a_secret_in_every_encoding(secret: str) -> None:
    found = [[*leaked(secret, f"something {text} more")] for text in encodings(secret)]
    assert len(found) == 7 + 32
    assert all(found)
    assert not [*leaked(secret, "something else, of which nothing is a secret")]


def test_control_the_command_line_of_these_tests_searches_all_it_gets(stage: Stage) -> None:
    """A name that an account has is shown; here it is taken for a secret, which is found in each of the three."""
    stage.cli.root.joinpath("accounts/a0.yaml").write_text(f"account: '{CANARY}'\nregion: r0\n")
    with pytest.raises(AssertionError, match="'raw'"):
        stage.cli("check")
