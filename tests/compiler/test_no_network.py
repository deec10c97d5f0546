"""Checking, building, explaining and writing schemas touch no socket: they run in a process that ends at the first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.compiler.example import copy_example

# An audit hook cannot be removed, sees sockets made in C too, and os._exit cannot be caught.
_BLOCKED = """
import os, sys
def hook(event, arguments):
    if event.startswith("socket."):
        os.write(2, f"blocked {event}\\n".encode())
        os._exit(99)
sys.addaudithook(hook)
"""
_CLI = _BLOCKED + "from llmcompile.__main__ import main\nsys.argv[0] = 'llmcompile'\nmain()\n"


def _run(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--format", "json"),
        ("build", "--out", "out"),
        ("explain", "acme", "gpt-4o"),
        ("models", "list"),
        ("schema",),
    ],
    ids=" ".join,
)
def test_no_socket_is_opened(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = _run(_CLI, *arguments, cwd=copy_example(tmp_path / "repo"))
    assert result.returncode == 0, result.stderr
    assert "blocked" not in result.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import http.client; http.client.HTTPConnection('127.0.0.1', 9).request('GET', '/')",
        "import urllib.request\ntry: urllib.request.urlopen('http://127.0.0.1:9/')\nexcept BaseException: pass",
    ],
)
def test_control_a_socket_ends_the_process(attempt: str, tmp_path: Path) -> None:
    result = _run(_BLOCKED + attempt, cwd=tmp_path)
    assert result.returncode == 99
    assert "blocked socket." in result.stderr
