"""The sizes that a document may have, to the byte: 65,536 in a secret, 131,071 as ``NAME=value`` in an environment."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from google.api_core.exceptions import InvalidArgument
from tests.compiler.repo import run_cli, write_repo
from tests.push.cli import Cli
from tests.push.fleet import PROJECT
from tests.push.pushers import counts, newest

from llmcompile.emit.contract import MAX_SECRET_BYTES, MAX_VARIABLE_BYTES
from llmcompile_secretmanager_emulator import Emulator

STORE = {
    "llmcompile.yaml": f"version: 1\nstores: {{prod: 'gcpsecrets://{PROJECT}'}}\ntiers: {{pro: {{concurrent: 1}}}}\n"
}
SECRET = "azure_openai_europe-west6"
WORD = "canary7f3a9c"
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.sysconf("SC_PAGE_SIZE") != 4096,
    reason="32 pages are Linux's limit for one string",
)


def sized(root: Path, size: int) -> Path:
    """A repository whose region's document has so many bytes once its two secrets are in it."""
    endpoint = "provider: azure, base_url: https://{0}.example.com, api_key: ref+file://{0}.key"
    endpoints = "".join(f"  {name}: {{{endpoint.format(name)}}}\n" for name in ("one", "two"))
    region = f"region: europe-west6\nendpoints:\n{endpoints}models: {{gpt-4o: [one, two]}}\n"
    write_repo(root, STORE | {"regions/europe-west6.yaml": region})
    each = '"{0}":{{"api_key":"","base_url":"https://{0}.example.com"}}'
    rest = len(f'{{"endpoints":{{{each.format("one")},{each.format("two")}}},"models":{{"gpt-4o":["one","two"]}}}}')
    first = (size - rest) // 2
    (root / "one.key").write_text(WORD + "k" * (first - len(WORD)))
    (root / "two.key").write_text("k" * (size - rest - first))
    return root


def test_65536_bytes_are_pushed_and_read_back(cli: Cli, server: Emulator) -> None:
    sized(cli.root, 65_536)
    said = cli("push", "--to", "prod")
    assert said.code == 0, said.err
    assert f"create {SECRET} -> version 1 (65,536 bytes)" in said.out
    held = newest(server, [SECRET])[SECRET]
    assert len(held or b"") == 65_536
    assert cli("push", "--to", "prod").err == "0 written, 3 unchanged\n"


def test_65537_bytes_are_refused_before_the_first_call(cli: Cli, server: Emulator) -> None:
    sized(cli.root, 65_537)
    for command in ("plan", "push"):
        said = cli(command, "--to", "prod")
        assert said.code == 5
        assert "PROVISIONED_OPENAI_CONFIG of europe-west6 has 65,537 bytes with its secrets" in said.err
        assert WORD not in said.out + said.err
    assert server.journal.calls == []


def test_control_the_server_takes_65536_bytes_and_not_65537(server: Emulator) -> None:
    server.put("a")
    add = partial(server.client().add_secret_version, parent=f"projects/{PROJECT}/secrets/a")
    add(payload={"data": b"k" * 65_536})
    with pytest.raises(InvalidArgument):
        add(payload={"data": b"k" * 65_537})
    assert counts(server) == {"a": 1}


def started(size: int) -> int:
    """Start a program with a variable of which ``NAME=value`` has so many bytes; how many it gets."""
    name = "PROVISIONED_OPENAI_CONFIG"
    program = f"import os; print(len('{name}=' + os.environ['{name}']))"
    environment = {"PATH": os.environ["PATH"], name: "v" * (size - len(f"{name}="))}
    return int(subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True).stdout)


@linux
def test_131071_bytes_pass_a_real_execve_and_131072_do_not() -> None:
    """The figure that the compiler goes by is the kernel's own."""
    assert started(131_071) == MAX_VARIABLE_BYTES == 131_071
    with pytest.raises(OSError, match="Argument list too long"):
        started(131_072)


@pytest.mark.parametrize("size", [MAX_SECRET_BYTES + 1, 131_071 - 26, 131_072 - 26])
def test_a_document_that_is_too_large_is_refused_before_anything_is_started(tmp_path: Path, size: int) -> None:
    """As a variable it would have 131,071 or 131,072 bytes; what fits into a secret is far below both."""
    assert len("PROVISIONED_OPENAI_CONFIG=") == 26
    said = run_cli("exec", "acme", "--", "touch", "started", cwd=sized(tmp_path, size))
    assert said.returncode == 5
    assert f"has {size:,} bytes with its secrets" in said.stderr
    assert not (tmp_path / "started").exists()


def test_control_what_fits_is_started(tmp_path: Path) -> None:
    assert run_cli("exec", "acme", "--", "touch", "started", cwd=sized(tmp_path, MAX_SECRET_BYTES)).returncode == 0
    assert (tmp_path / "started").exists()
