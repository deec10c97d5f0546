"""What holds the router together: what it may import, what it may know, and how large it may grow."""

from __future__ import annotations

import ast
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

import llmrouter
from llmrouter.secret import Secret

SOURCES = sorted(Path(llmrouter.__file__).parent.rglob("*.py"))
PURE = ["documents", "snapshot", "resolve", "prices", "operations", "entities"]
FOREIGN = {"llmcompile", "pydantic", "yaml", "click", "jinja2", "rich", "jsonschema", "jsonschema_rs", "httpx", "redis"}
OPTIONAL = {"tracing": ("opentelemetry",), "limits_redis": ("redis",)}
"""What a module may import besides, inside of the functions that are called where it is asked for."""
NAMING = {"tracing"}
"""Modules that translate providers' names for others to read; nothing is decided by it."""
PROVIDERS = re.compile(
    r"\b(anthropic|openrouter|groq|together|fireworks|deepinfra|perplexity|gemini|bedrock|vllm|lmstudio|ollama"
    r"|mistral|cohere|xai|deepseek|azure_openai)\b"
)


def test_the_decision_needs_the_standard_library_alone() -> None:
    imports = "; ".join(f"import llmrouter.{name}" for name in PURE)
    script = f"import sys; {imports}; print(*sys.modules)"
    # -S leaves out installed packages: whatever is imported beyond the library fails.
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(SOURCES[0].parents[1])!r}); {script}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    roots = {name.partition(".")[0] for name in loaded}
    assert roots - {"llmrouter", "__main__"} <= set(sys.stdlib_module_names) | {"sitecustomize"}


def test_nothing_of_the_compiler_is_loaded() -> None:
    script = "import sys, llmrouter.app, llmrouter.server, llmrouter.outbound, llmrouter.__main__"
    command = [sys.executable, "-c", f"{script}; print(*sys.modules)"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & FOREIGN
    assert "httptools" in roots  # control: it did load what serves


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_foreign_is_imported(path: Path) -> None:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
    ours = {"llmrouter", "httptools", "uvloop", *OPTIONAL.get(path.stem, ()), *sys.stdlib_module_names}
    assert {name.partition(".")[0] for name in found} <= ours


def test_missing_parts_are_named() -> None:
    start = f"import sys; sys.path.insert(0, {str(SOURCES[0].parents[1])!r}); from llmrouter.__main__ import main"
    command = [sys.executable, "-S", "-c", f"{start}; sys.exit(main(['serve']))"]
    environment = {"CUSTOMER_LLM_CONFIG": "{}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'llmcompile[runtime]'" in done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_house_style(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    docstring = ast.get_docstring(tree) or ""
    assert 1 <= len(docstring.splitlines()) <= 6
    assert len(source.splitlines()) <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, node.name


@pytest.mark.parametrize("path", [each for each in SOURCES if each.stem not in NAMING], ids=lambda path: path.name)
def test_no_provider_is_known(path: Path) -> None:
    assert not PROVIDERS.search(path.read_text().lower())


def test_secrets_do_not_show() -> None:
    secret = Secret("value")
    assert {str(secret), repr(secret), f"{secret}", f"{[secret]}"} == {"***", "[***]"}
    assert secret.reveal() == "value"
    assert secret == Secret("value")
    assert secret != Secret("other")
    assert len({secret, Secret("value"), Secret("other")}) == 2
    with pytest.raises(TypeError):
        pickle.dumps(secret)
