"""What it is run by: a container file and a systemd unit that name what exists, and a router that needs no more.

No container is built here. What the image promises is done to a real router instead: nobody, nothing to write to, and
no system call that the unit does not let through.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import RunningRouter
from standin import StandIn
from worlds import own

from llmrouter import inbound, server
from llmrouter.__main__ import _parser
from llmrouter.documents import CUSTOMER, POLICY, PROVISIONED
from llmrouter.operations import ROUTES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "llmrouter.service").read_text(encoding="utf-8")
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]

has_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a container file: name and rest."""
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.strip().partition(" ")
        yield name, rest.strip()


def problems(text: str) -> list[str]:
    """What a container file says that is not so."""
    found, said = [], dict[str, str]()
    for name, rest in instructions(text):
        if name == "FROM":
            said = {}
        elif name == "COPY" and not rest.startswith("--from="):
            found += [f"no {each}" for each in rest.split()[:-1] if not (ROOT / each).exists()]
        elif name in ("RUN", "ENTRYPOINT", "CMD") and not rest.startswith("["):
            found.append(f"a shell for {name}")
        said[name] = rest
    entry, arguments = json.loads(said["ENTRYPOINT"]), json.loads(said["CMD"])
    if entry[0] not in SCRIPTS:
        found.append(f"no program {entry[0]}")
    try:
        port = _parser().parse_args([*entry[1:], *arguments]).port
    except SystemExit:
        return [*found, "wrong usage"]
    asked = re.search(r"CMD (\[.*\])$", said["HEALTHCHECK"])
    url = re.search(r"http://127.0.0.1:(\d+)(/\w+)", asked[1] if asked and json.loads(asked[1]) else "")
    if url is None or int(url[1]) != port or url[2] not in ROUTES or int(said["EXPOSE"]) != port:
        found.append("ports differ")
    if said["USER"] != "65534:65534":
        found.append("not nobody")
    if getattr(signal, said["STOPSIGNAL"]) not in server._STOP:
        found.append("a signal that does not stop it")
    return found


def test_the_container_file_names_what_exists() -> None:
    assert problems(CONTAINERFILE) == []


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ("COPY runtime runtime", "COPY runtimes runtime", "no runtimes"),
        ('ENTRYPOINT ["llmrouter"]', 'ENTRYPOINT ["router"]', "no program router"),
        ('"--port", "8080"', '"--sport", "8080"', "wrong usage"),
        ('"--port", "8080"', '"--port", "8081"', "ports differ"),
        ("/healthz", "/health", "ports differ"),
        ("USER 65534:65534", "USER root", "not nobody"),
        ("SIGTERM", "SIGUSR1", "a signal that does not stop it"),
        ('ENTRYPOINT ["llmrouter"]', 'ENTRYPOINT ["llmrouter"]\nRUN llmrouter', "a shell for RUN"),
    ],
)
def test_a_wrong_container_file_is_noticed(written: str, instead: str, problem: str) -> None:
    assert written in CONTAINERFILE
    assert problem in problems(CONTAINERFILE.replace(written, instead))


def test_what_is_copied_is_not_ignored() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {path.relative_to(ROOT).as_posix() for line in lines if line[:1] == "!" for path in ROOT.glob(line[1:])}
    copied = [
        rest.split()[:-1] for name, rest in instructions(CONTAINERFILE) if name == "COPY" and "--from" not in rest
    ]
    assert {each for sources in copied for each in sources} == kept


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_the_image_installs_what_is_locked(name: str) -> None:
    """The entries are those of requirements.lock; ``python deploy/lock.py`` writes them."""
    assert (DEPLOY / name).read_text(encoding="utf-8") == runpy.run_path(str(DEPLOY / "lock.py"))["cut"](name)
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    assert {line.rstrip(" \\") for line in lines} <= {line.rstrip(" \\") for line in whole}
    assert ("uvloop" in "".join(lines)) == (name == "requirements.lock")


def settings(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_says_what_the_router_understands() -> None:
    said = settings(UNIT)
    program, *arguments = said["ExecStart"][0].split()
    assert Path(program).name in SCRIPTS
    assert _parser().parse_args(arguments).port == 4000
    documents = {CUSTOMER, PROVISIONED, POLICY}
    assert {each.partition(":")[0] for each in said["LoadCredential"]} == documents
    assert set(said["Environment"]) == {f"{name}_FILE=%d/{name}" for name in documents}
    assert int(said["TimeoutStopSec"][0]) > server._GRACE + inbound.Patience().linger + server._SPANS_GRACE


def analysed(folder: Path, unit: str, *command: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says of a unit whose program exists."""
    (folder / "llmrouter.service").write_text(unit.replace("/opt/llmrouter/bin/llmrouter", shutil.which("true") or ""))
    command = ("systemd-analyze", "--no-pager", *command, str(folder / "llmrouter.service"))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@has_systemd
def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    done = analysed(tmp_path, UNIT, "verify", "--man=no")
    assert (done.returncode, done.stderr) == (0, "")
    wrong = analysed(tmp_path, UNIT.replace("KillMode=mixed", "KillMode=kind"), "verify", "--man=no")
    assert "kill mode" in wrong.stderr  # control


def exposure(folder: Path, unit: str) -> float:
    """What systemd thinks that a unit is exposed to, from 0 to 10."""
    done = analysed(folder, unit, "security", "--offline=true", "--threshold=15")  # of 100
    found = re.search(r"Overall exposure level .*: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert (done.returncode == 0) == (float(found[1]) <= 1.5)
    return float(found[1])


@has_systemd
def test_the_unit_exposes_little(tmp_path: Path) -> None:
    ours = exposure(tmp_path, UNIT)
    assert ours <= 1.5
    for missing in ("DynamicUser=yes", "CapabilityBoundingSet=", "SystemCallFilter=@system-service"):
        assert exposure(tmp_path, UNIT.replace(f"\n{missing}\n", "\n")) > ours  # control


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
READ_ONLY = """
mount --make-rprivate /
for place in $(cut -d' ' -f5 /proc/self/mountinfo); do
    case $place in /proc|/proc/*|/sys|/sys/*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null ;; esac
done
cd / && exec env -u TMPDIR -u COVERAGE_PROCESS_START -u COVERAGE_PROCESS_CONFIG HOME=/nonexistent "$@"
"""
CONFINED = ["unshare", "--mount", "sh", "-c", READ_ONLY, "-", *NOBODY]
TRIES = "import os, sys, llmrouter; print(os.getuid()); open(sys.argv[1], 'w')"
"""The router is imported: a checkout in a folder that nobody else may read cannot be tried so."""


def confinement(*places: str) -> list[str]:
    """What puts a program into confinement; skips where it cannot be had, and sees that it holds."""
    for place in places:
        try:
            done = subprocess.run(
                [*CONFINED, sys.executable, "-c", TRIES, place], capture_output=True, text=True, check=False
            )
        except FileNotFoundError as error:
            pytest.skip(f"{error.filename} is not here")
        if done.stdout != "65534\n":
            pytest.skip(f"nobody cannot be put on a read-only file system here: {done.stderr[-200:]}")
        assert "Read-only file system" in done.stderr or "Permission denied" in done.stderr
    return CONFINED


def served_under(command: list[str], upstream: StandIn, owner: int, **variables: str) -> None:
    """A router that is started by a command serves, and stops, without a word too much."""
    upstream.reset()
    documents: dict[str, Any] = {CUSTOMER: {"x": own(upstream.url, "m", api_key="k")}} | variables
    for workers in ("1", "2"):
        with RunningRouter(documents, "--workers", workers, under=command) as router:
            for body in ({"model": "m"}, {"model": "m", "stream": True}):
                assert httpx.post(f"{router.url}/v1/chat/completions", json=body, timeout=30).status_code == 200
            assert httpx.get(f"{router.url}/readyz").json()["status"] == "ready"
            assert f"Uid:\t{owner}\t{owner}" in Path(f"/proc/{router.process.pid}/status").read_text()
            assert router.stop() == 0
            assert len(router.errors().splitlines()) == 1
            assert router.output().count("\n") == 2
    assert len(upstream.requests) == 4


def test_nobody_serves_from_a_read_only_file_system(upstreams: tuple[StandIn, StandIn], tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    served_under(confinement(str(tmp_path / "x"), "/tmp/x", "/dev/shm/x"), upstreams[0], 65534)


FILTER = """
import ctypes, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
filter = ctypes.c_void_p(lib.seccomp_init(0x00050000 | 1))  # EPERM for what is not named
for name in os.environ.pop("CALLS").split():
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        lib.seccomp_rule_add(filter, 0x7FFF0000, number, 0)
assert lib.seccomp_load(filter) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def system_calls(*sets: str) -> set[str]:
    """The calls in systemd's sets, and in the sets that those name."""
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", *sets], capture_output=True, text=True, check=True
    ).stdout
    found = set(re.findall(r"^    ([a-z0-9_]+)$", said, re.MULTILINE))
    inner = re.findall(r"^    (@[a-z-]+)$", said, re.MULTILINE)
    return found | (system_calls(*inner) if inner else set())


@has_systemd
def test_the_units_system_calls_are_enough(upstreams: tuple[StandIn, StandIn]) -> None:
    allowed, denied = settings(UNIT)["SystemCallFilter"]
    calls = " ".join(system_calls(*allowed.split()) - system_calls(*denied.removeprefix("~").split()))
    command = [sys.executable, "-c", FILTER]
    refused = [*command, sys.executable, "-c", "import os; os.setpriority(os.PRIO_PROCESS, 0, 19)"]
    done = subprocess.run(refused, env=os.environ | {"CALLS": calls}, capture_output=True, text=True, check=False)
    if "libseccomp" in done.stderr:
        pytest.skip("there is no libseccomp here")
    assert "PermissionError" in done.stderr, done.stderr  # control: the filter holds
    served_under(command, upstreams[0], os.getuid(), CALLS=calls)
