"""Workflows without GitHub: their steps run as GitHub's runner runs them, against a GitHub of our own on loopback.

``Step`` runs one step's script with every ``${{ }}`` of its ``env`` given by the test. ``GitHub`` serves the few calls
of the REST API that the workflows make; ``gh`` is the real program where it is installed, and ``GH`` where it is not.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from llmcompile.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
PAGE = 30
"""Comments on one page, where nobody asks for more."""

GH = f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests" / "gh.py"} "$@"\n'
"""A program ``gh``: ``tests/gh.py``."""


@dataclass
class GitHub:
    """Issues with comments, and every request that was made."""

    token: str = "a-token"
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    address: str = ""
    _last: int = 100

    def comment(self, issue: int, body: str, login: str = "github-actions[bot]") -> dict[str, Any]:
        """Add a comment."""
        self._last += 1
        made = {"id": self._last, "body": body, "user": {"login": login}}
        self.comments.setdefault(issue, []).append(made)
        return made

    def open(self, title: str, body: str, labels: list[str], **more: Any) -> dict[str, Any]:
        """Open an issue."""
        self._last += 1
        issue = {"number": self._last, "title": title, "body": body, "state": "open", "labels": labels, **more}
        self.issues[self._last] = issue
        return issue

    def answer(self, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        """What the API would answer; None for 404."""
        match method, path.removeprefix("/repos/example/config/").split("/"):
            case "GET", ["issues"]:
                newest = reversed(self.issues.values())
                return [
                    each for each in newest if each["state"] == query["state"] and query["labels"] in each["labels"]
                ]
            case "POST", ["issues"]:
                return self.open(body["title"], body["body"], body["labels"])
            case "PATCH", ["issues", number] if number.isdigit():
                self.issues[int(number)].update(body)
                return self.issues[int(number)]
            case "GET", ["issues", number, "comments"]:
                return self.comments.get(int(number), [])
            case "POST", ["issues", number, "comments"]:
                return self.comment(int(number), body["body"])
            case "PATCH", ["issues", "comments", number]:
                (found,) = [each for made in self.comments.values() for each in made if each["id"] == int(number)]
                found.update(body)
                return found
        return None


class _Handler(BaseHTTPRequestHandler):
    github: GitHub

    def _serve(self) -> None:
        url = urlsplit(self.path)  # absolute: gh takes this server for its proxy
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        allowed = self.headers.get("Authorization") == f"token {self.github.token}"
        assert url.netloc == "api.github.localhost"
        self.github.calls.append(f"{self.command} {url.path}")
        answer = self.github.answer(self.command, url.path, query, body) if allowed else None
        self.send_response(401 if not allowed else 404 if answer is None else 200)
        if isinstance(answer, list):
            answer = self._page(answer, query, url.path)
        data = json.dumps(answer).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _page(self, items: list[Any], query: Mapping[str, str], path: str) -> list[Any]:
        size, page = int(query.get("per_page", PAGE)), int(query.get("page", 1))
        if len(items) > size * page:
            more = "".join(f"&{name}={value}" for name, value in query.items() if name != "page")
            link = f"http://api.github.localhost{path}?page={page + 1}{more}"
            self.send_header("Link", f'<{link}>; rel="next"')
        return items[size * (page - 1) : size * page]

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names that the server asks for

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    """The API on loopback for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {"github": github})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        github.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()


def workflow(name: str) -> dict[str, Any]:
    """A workflow of this project, as data."""
    data: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))
    return data


@dataclass
class Step:
    """A step of a job: what it left behind once it has run."""

    name: str
    job: str
    step: str
    folder: Path
    """Holds everything: the checkout in ``work``, programs of the test's own in ``bin``."""

    @property
    def work(self) -> Path:
        """Where the step runs."""
        return self.folder / "work"

    @property
    def summary(self) -> str:
        """What it wrote into the job's summary."""
        return self._text("summary")

    @property
    def outputs(self) -> dict[str, str]:
        """Its outputs."""
        return dict(line.split("=", 1) for line in self._text("output").splitlines())

    def temp(self, name: str) -> Path:
        """A file in the runner's folder for such."""
        return self.folder / "temp" / name

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text("utf-8") if path.exists() else ""

    def program(self, name: str, text: str) -> None:
        """Put a program before all others."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def run(self, values: Mapping[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run its script. ``values`` has every expression of its ``env``, as written between the braces."""
        (step,) = [each for each in workflow(self.name)["jobs"][self.job]["steps"] if each["name"] == self.step]
        for name in ("temp", "work", "bin"):
            (self.folder / name).mkdir(exist_ok=True)
        for name in ("output", "summary"):
            (self.folder / name).unlink(missing_ok=True)
        script = self.folder / "script.sh"
        script.write_text(step["run"], "utf-8")
        given = {
            name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], str(text))
            for name, text in step.get("env", {}).items()
        }
        inherited = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "HOME"))}
        github = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_REPOSITORY": "example/config",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "42",
            "GITHUB_ACTOR": "octocat",
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.work, env=inherited | github | given | environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


def understood(call: list[str]) -> None:
    """Raises click's error where the command line does not take this call of llmcompile."""
    module = importlib.import_module(f"llmcompile.cli.{COMMANDS[call[0]][0]}")
    given = [each for each in call[1:] if each != "${flags[@]}"]  # the shell's, not the program's
    module.command.make_context(call[0], given)


def git(root: Path, *arguments: str) -> None:
    """git in a repository, by somebody."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)
