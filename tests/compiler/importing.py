"""Runs ``import`` in-process, as a user runs it in a folder of their own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from llmcompile.cli.import_ import command
from llmcompile.errors import CommandError

OURS = ("accounts", "models", "regions")


@dataclass
class Ran:
    """A run of the command in a folder of its own."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def said(self) -> str:
        return self.stdout + self.stderr

    @property
    def files(self) -> dict[str, str]:
        """Our YAML, without the files that every new repository has."""
        found = [self.out / "llmcompile.yaml", *(path for name in OURS for path in (self.out / name).glob("*.yaml"))]
        return {str(path.relative_to(self.out)): path.read_text("utf-8") for path in sorted(found) if path.exists()}

    def loaded(self, name: str) -> Any:
        return yaml.load(self.files[name], yaml.BaseLoader)

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def said_of(self, item: str) -> list[tuple[str, str]]:
        return [(each["outcome"], each["message"]) for each in self.report["items"] if each["item"] == item]


def run(folder: Path, kind: str, text: str, *options: str, form: str = "json", out: str = "out") -> Ran:
    """Import a text, in-process, as if the user stood in ``folder``."""
    (folder / "config.yaml").write_text(text, "utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        arguments = [kind, "config.yaml", "--out", out, "--as-of", "2026-01-01", "--format", form, *options]
        result = CliRunner().invoke(command, arguments)
    finally:
        os.chdir(before)
    if isinstance(result.exception, CommandError):
        return Ran(result.exception.exit_code, "", f"{result.exception}; {result.exception.next_step}", folder / out)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr, folder / out)


ONE = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      input_cost_per_token: 2.5e-6
      output_cost_per_token: 0.00001
"""
"""The least that passes the check."""


def with_params(lines: str, text: str = ONE) -> str:
    """The example with more parameters of its deployment."""
    return text + "".join(f"      {line}\n" for line in lines.splitlines())
