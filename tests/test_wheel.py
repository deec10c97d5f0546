"""The built wheel, installed alone in an empty environment away from the checkout, does the whole job.

Slow by nature: it builds, downloads and installs. The versions are those of the lock file.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KEYS = {"AZURE_PRIMARY_KEY": "one", "AZURE_SECONDARY_KEY": "two"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def installed(wheel: Path, extras: str, folder: Path) -> Path:
    """An environment with the wheel and these extras alone; its folder of programs."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    constraints = folder / "constraints.txt"
    folder.mkdir()
    pins = re.findall(r"^([a-z0-9._-]+==\S+)(?: ;([^\\\n]*))?", lock, re.MULTILINE)
    constraints.write_text("".join(f"{pin} ;{marker}\n" if marker else f"{pin}\n" for pin, marker in pins))
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    install = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints]
    subprocess.run([*install, f"{wheel}[{extras}]"], check=True, cwd=folder)
    return programs


def run(program: Path, *arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], cwd=cwd, env={"PATH": str(program.parent)} | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@contextmanager
def serving(*command: str | Path, cwd: Path, **environment: str) -> Iterator[str]:
    """A router started by a command, at its address; stopped by SIGTERM at the end, which it must answer with 0."""
    process = subprocess.Popen(
        command, cwd=cwd, env={"PATH": os.environ["PATH"]} | environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    else:
        pytest.fail(f"no address in {seen}")
    try:
        yield found.group()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


@contextmanager
def manager(programs: Path, cwd: Path) -> Iterator[str]:
    """The address of a local Secret Manager, started by its command."""
    command = (programs / "llmcompile-secretmanager-emulator", "--project", "example-llm-prod")
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def healthy(address: str) -> bool:
    with urllib.request.urlopen(f"{address}/healthz", timeout=10) as answer:
        return bool(answer.status == 200)


def test_schemas_and_templates_travel_with_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for schema in (ROOT / "schemas").iterdir():
        assert f"llmcompile/schemas/{schema.name}" in names
    assert "llmcompile/templates/init/.github/workflows/check.yml" in names
    assert "llmcompile/templates/kubernetes/router/router.yaml" in names
    assert "llmcompile/docs/codes/model-unknown.md" in names
    assert not any(name.startswith(("tests", "schemas/", "docs/", "accounts")) for name in names)


def test_the_wheel_alone_does_the_whole_job(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, "compiler,runtime,emulator", tmp_path / "install")
    llmcompile, repo = programs / "llmcompile", tmp_path / "repo"
    for arguments in (
        ("init", repo), ("check", "--root", repo), ("build", "--root", repo), ("schema", "--check", "--root", repo),
        ("plan", "--root", repo, "--to", "local"), ("push", "--root", repo, "--to", "local"),
        ("drift", "--root", repo, "--to", "local"), ("explain", "--root", repo, "example", "gpt-4o-mini"),
        ("models", "list", "--root", repo),
    ):  # fmt: skip
        result = run(llmcompile, *arguments, cwd=tmp_path, **KEYS)
        assert result.returncode == 0, (arguments, result.stderr)
    assert json.loads((repo / ".llmcompile/store/azure_openai_europe-west1/1").read_bytes())
    command = [llmcompile, "exec", "--root", repo, "example", "--", programs / "llmrouter", "serve", "--port", "0"]
    with serving(*command, cwd=tmp_path, **KEYS) as address:
        assert healthy(address)
    with manager(programs, tmp_path) as address:
        for expected in ("3 written, 0 unchanged", "0 written, 3 unchanged"):
            to_cloud = ("push", "--root", repo, "--to", "gcpsecrets://example-llm-prod")
            result = run(llmcompile, *to_cloud, cwd=tmp_path, SECRET_MANAGER_EMULATOR_HOST=address, **KEYS)
            assert (result.returncode, expected in result.stderr) == (0, True), result.stderr


def test_the_runtime_extra_alone_starts_the_router(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, "runtime", tmp_path / "install")
    documents = {"PROVISIONED_OPENAI_CONFIG": '{"endpoints":{},"models":{}}'}
    with serving(programs / "llmrouter", "serve", "--port", "0", cwd=tmp_path, **documents) as address:
        assert healthy(address)
    compiler = run(programs / "llmcompile", "check", "--root", ROOT, cwd=tmp_path)
    assert compiler.returncode == 2
    assert "pip install 'llmcompile[compiler]'" in compiler.stderr
