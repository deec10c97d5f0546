"""A small valid repository of YAML that tests change, and the real command line started on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.forks import forks

from llmcompile.emit import dist
from llmcompile.emit.documents import Document, Made

_PYTHON_READS = ("PYTHON", "LANG", "LC_", "TZ")
"""Variables that count when an interpreter starts."""

FILES = {
    "llmcompile.yaml": "version: 1\nstores: {local: 'dir:.store'}\ntiers: {pro: {requests_per_minute: 60}}\n",
    "models/gpt-4o.yaml": (
        "code: gpt-4o\ntype: chat\ntoken_costs:\n"
        "  - {start: 2024-10-01, currency: USD, per_million_tokens: {text_input: 2.5, text_output: 10}}\n"
    ),
    "regions/europe-west6.yaml": (
        "region: europe-west6\nendpoints:\n"
        "  primary: {provider: azure, base_url: https://primary.example.com, api_key: ref+env://PRIMARY_KEY}\n"
        "models: {gpt-4o: [primary]}\n"
    ),
    "accounts/acme.yaml": "account: acme\nregion: europe-west6\nsource: platform\ntier: pro\n",
}


def write_repo(root: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write the repository with some files changed, added, or left out (None)."""
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return root


def write_documents(out: Path, documents: Iterable[Document]) -> int:
    """Replace the folder by the documents and their manifest, as a build does; their number."""

    def fill(folder: Path) -> list[bytes]:
        made = [Made.of(each) for each in documents]
        for each in made:
            dist.put(folder, each)
        return [dist.entry(each).text for each in made]

    return dist.replace(out, "documents", fill)


def run_cli(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``llmcompile`` as a user does, in a small environment: in a fork, or started where Python is told things."""
    if any(name.startswith(_PYTHON_READS) for name in environment):
        return start_cli(*arguments, cwd=cwd, **environment)
    words = [*map(str, arguments)]
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = forks().run(words, cwd, _small(environment), (out, err))
        return subprocess.CompletedProcess(words, code, out.read_text("utf-8"), err.read_text("utf-8"))


def start_cli(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``llmcompile`` as a user does, in an interpreter of its own: for tests of how it starts."""
    return subprocess.run(
        [sys.executable, "-m", "llmcompile", *map(str, arguments)],
        cwd=cwd,
        env=_small(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _small(environment: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "COVERAGE", "HOME"))}
    return inherited | {"XDG_CACHE_HOME": "/dev/null"} | environment  # nothing is known from another test
