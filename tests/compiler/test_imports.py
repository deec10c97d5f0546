"""What is imported when: ``--help`` loads nothing slow, and missing parts are named with what installs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.compiler.example import ROOT

SLOW = {"pydantic", "pydantic_core", "yaml", "jinja2", "httpx", "google", "rich", "jsonschema_rs", "aiohttp", "asyncio"}

_MODULES = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write("\\n" + json.dumps(sorted(sys.modules))))
from llmcompile.__main__ import main
sys.argv[0] = "llmcompile"
main()
"""

_WITHOUT = """
import sys
missing = sys.argv.pop(1)
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
from llmcompile.__main__ import main
sys.argv[0] = "llmcompile"
main()
"""


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": "/dev/null"},  # what is known from before needs no parts
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _loaded(*arguments: str) -> set[str]:
    result = _run(_MODULES, *arguments)
    assert result.returncode == 0, result.stderr
    return {each.partition(".")[0] for each in json.loads(result.stderr.splitlines()[-1])}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_loads_nothing_slow(arguments: tuple[str, ...]) -> None:
    loaded = _loaded(*arguments)
    assert "click" in loaded
    assert not loaded & SLOW


def test_checking_needs_no_network_and_no_terminal_library() -> None:
    assert not _loaded("check") & {"httpx", "google", "aiohttp", "rich", "jinja2"}


def test_control_what_is_loaded_is_seen() -> None:
    assert {"pydantic", "yaml", "jsonschema_rs"} <= _loaded("check")


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [("click", ("--help",)), ("click", ("check",)), ("pydantic", ("check",)), ("yaml", ("check",))],
)
def test_without_its_parts_it_says_what_to_install(missing: str, arguments: tuple[str, ...]) -> None:
    result = _run(_WITHOUT, missing, *arguments)
    assert result.returncode == 2, result.stderr
    assert missing in result.stderr
    assert "pip install 'llmcompile[compiler]'" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_control_refusing_something_unused_changes_nothing() -> None:
    assert _run(_WITHOUT, "nothing_of_this_name", "check").returncode == 0
