"""Files that are made to hurt end soon and in diagnostics: huge, deep, expanding, repetitive, no files at all.

No clock is read: every case runs in a worker process that is ended after a minute, where what takes the square
of the input's size would need hours.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.compiler.example import AS_OF, ROOT, codes, compile_and_check
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.load.locate import Locator
from llmcompile.pipeline import compile_repository
from llmcompile.show import text
from llmcompile.show.located import located

MIB = 1024 * 1024
MODEL = "models/gpt-4o.yaml"


def _bomb(key: bool) -> bytes:
    """Billion laughs: each line repeats the one before nine times."""
    start, end = ("? ", "\n: 1") if key else ("a{}: ", "")
    first = f"{start.format(0)}&a0 [x, x, x, x, x, x, x, x, x]{end}\n"
    lines = (f"{start.format(n)}&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]{end}\n" for n in range(1, 25))
    return (first + "".join(lines)).encode()


def _many(count: int, line: str) -> bytes:
    return "".join(line.format(n=n) for n in range(count)).encode()


def _filled(unit: bytes, head: bytes = b"", tail: bytes = b"") -> bytes:
    return head + unit * ((MIB - len(head) - len(tail)) // len(unit)) + tail


ROW = "- {{start: 2024-01-01, currency: USD, per_million_tokens: {{text_input: -1}}}}\n"
CASES: dict[str, tuple[bytes, str]] = {
    "depth 1,000": (b"[" * 1000 + b"]" * 1000, "yaml-depth"),
    "depth 1,000,000": (b"[" * 1_000_000, "yaml-depth"),
    "a mebibyte of open brackets": (_filled(b"["), "yaml-depth"),
    "a mebibyte of dashes": (_filled(b"- "), "yaml-depth"),
    "a mebibyte of question marks": (_filled(b"? "), "yaml-depth"),
    "a mebibyte of open mappings": (_filled(b"{a: "), "yaml-depth"),
    "a mebibyte of braces": (_filled(b"{"), "yaml-depth"),
    "a mebibyte of colons": (_filled(b": "), "yaml-syntax"),
    "a mebibyte of commas": (_filled(b",", b"["), "yaml-syntax"),
    "a mebibyte of quotes": (_filled(b'"'), "yaml-syntax"),
    "a mebibyte of single quotes": (_filled(b"'", tail=b"'")[: MIB - 1], "yaml-syntax"),
    "a mebibyte of stars": (_filled(b"*"), "yaml-syntax"),
    "a mebibyte of ampersands": (_filled(b"&"), "yaml-syntax"),
    "a mebibyte of percent signs": (_filled(b"%"), "yaml-syntax"),
    "a mebibyte of newlines": (_filled(b"\n"), "file-empty"),
    "a mebibyte of documents": (_filled(b"---\n"), "yaml-documents"),
    "one flow sequence": (_filled(b"1,", b"[", b"]"), "yaml-alias"),
    "one word": (_filled(b"a"), "type-wrong"),
    "one line of two words": (_filled(b" ", b"code: a", b"b"), "name-invalid"),
    "one long name": (_filled(b"a", b"code: "), "name-invalid"),
    "one long date": (_filled(b"a", b"code: gpt-4o\ntype: chat\ntoken_costs: [{start: ", b"}]"), "value-invalid"),
    "one long number": (_filled(b"1", b"upstream_max_batch_inputs: "), "yaml-number"),
    "one long exponent": (_filled(b"1", b"upstream_max_batch_inputs: 1e"), "yaml-number"),
    "one long unknown key": (b"a" * 1000 + b": 1\n", "key-unknown"),
    "many anchors": (_many(80_000, "- &a{n} 1\n"), "type-wrong"),
    "many aliases": (_filled(b"*a,", b"[&a 1,", b"]"), "yaml-alias"),
    "many tags on a line": (b"[" + b"!a 1," * 20_000 + b"]", "yaml-tag"),
    "many placeholders": (b'- "${"\n' * 10_000, "yaml-interpolation"),
    "many keys": (b"default_params: {" + _many(100_000, "k{n}: 1,")[:-1] + b"}", "yaml-alias"),
    "many unknown keys": (_many(5_000, "k{n}: 1\n"), "key-unknown"),
    "many repeated keys": (_many(50_000, "k{n}: 1\n") + b"k49999: 1\n" * 20_000, "yaml-duplicate-key"),
    "many secrets": (_many(5_000, "k{n}: {{api_key: xxx{n}}}\n"), "key-unknown"),
    "many bad prices": (b"token_costs:\n" + _many(3_000, ROW), "price-negative"),
    "a laughing billion": (_bomb(key=False), "yaml-alias"),
    "a laughing billion of keys": (_bomb(key=True), "yaml-key"),
    "a list that holds itself": (b"a: &a [*a]", "yaml-alias"),
    "a mapping that holds itself": (b"&a {a: *a}", "yaml-alias"),
}
REGION = "regions/europe-west6.yaml"
REFS = {
    "a ref with many slashes": "ref+file://a#" + "/" * 5000 + " ",
    "a cloud ref with many slashes": "ref+gcpsecrets://my-project/secret#" + "/" * 5000 + " ",
    "a ref of one letter": "ref+file://" + "a" * 100_000 + "\\u2028#",
    "a ref of many hashes": "ref+file://a" + "#/a" * 30_000,
}
CASES |= {
    name: (FILES[REGION].replace("ref+env://PRIMARY_KEY", f'"{ref}"').encode(), "ref-invalid")
    for name, ref in REFS.items()
}


def look(root: Path) -> tuple[bool, list[str]]:
    """Whether it fails, and the codes; everything that ``check`` does on the way."""
    compiled = compile_repository(root, AS_OF)
    found = located(compiled.diagnostics, Locator(root))
    text.render(found)
    return compiled.failed, codes(found)


def worker() -> None:
    """Work through the cases named on standard input, one line of output for each."""
    for line in sys.stdin:
        name = line.rstrip("\n")
        raw, _ = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            root = write_repo(Path(folder))
            (root / (REGION if name in REFS else MODEL)).write_bytes(raw)
            failed, found = look(root)
            print(json.dumps([failed, sorted(set(found))]), flush=True)


@pytest.fixture(scope="module")
def work() -> Iterator[subprocess.Popen[str]]:
    script = "from tests.compiler.test_limits import worker; worker()"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it is killed
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=unmeasured,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def _ask(process: subprocess.Popen[str], name: str, seconds: int = 60) -> str:
    """The worker's answer, or nothing where it takes too long; it is ended then."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    if not ready:
        process.kill()
        return ""
    return process.stdout.readline()


@pytest.mark.parametrize("name", CASES)
def test_ends_in_diagnostics(work: subprocess.Popen[str], name: str) -> None:
    assert work.poll() is None, "an earlier case has ended the worker"
    answer = _ask(work, name)
    assert answer, f"no answer: {name}"
    failed, found = json.loads(answer)
    assert failed
    assert CASES[name][1] in found


def test_control_a_worker_that_hangs_is_noticed() -> None:
    script = "import time; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert _ask(process, "anything", seconds=1) == ""


def test_control_the_same_shapes_in_small_are_fine() -> None:
    """The cases above fail for their size, not for what they are made of."""
    deep = b"code: gpt-4o\ntype: chat\ndefault_params: {a: " + b"[" * 20 + b"]" * 20 + b"}\n"
    wide = b"code: gpt-4o\ntype: chat\ndefault_params: {" + _many(1000, "k{n}: 1,")[:-1] + b"}\n"
    aliased = b"code: gpt-4o\ntype: chat\ndefault_params: {a: &a [1, 2], b: *a, c: *a}\n"
    row = b"token_costs: [{start: 2024-01-01, currency: USD, per_million_tokens: {text_input: 1, text_output: 2}}]\n"
    for raw in (deep, wide, aliased):
        with tempfile.TemporaryDirectory() as folder:
            root = write_repo(Path(folder))
            (root / MODEL).write_bytes(raw + row)
            compiled, found = compile_and_check(root)
            assert not compiled.failed, codes(found)


# The address space left after the imports is what a check of a small repository needs, and no more.
_BOUNDED = """
import json, resource, sys
from pathlib import Path
from tests.compiler.test_limits import look
look(Path(sys.argv[1]))
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 24 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
if sys.argv[3]:
    bytearray(int(sys.argv[3]))
print(json.dumps(look(Path(sys.argv[2]))[1]))
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs Linux's /proc")


def _bounded(small: Path, large: Path, extra: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(small), str(large), extra],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@needs_proc
@pytest.mark.parametrize("size", [50 * MIB, 2**40], ids=["50 MB", "1 TB"])
@pytest.mark.parametrize("file", [MODEL, "llmcompile.yaml"])
def test_a_huge_file_is_refused_unread(tmp_path: Path, size: int, file: str) -> None:
    small, large = write_repo(tmp_path / "small"), write_repo(tmp_path / "large")
    with (large / file).open("ab") as stream:
        stream.truncate(size)  # sparse: it takes no room on the disk
    result = _bounded(small, large)
    assert result.returncode == 0, result.stderr
    assert "file-too-large" in json.loads(result.stdout)


@needs_proc
def test_control_reading_it_would_not_fit(tmp_path: Path) -> None:
    small = write_repo(tmp_path / "small")
    assert _bounded(small, small).returncode == 0
    result = _bounded(small, small, str(50 * MIB))
    assert result.returncode != 0
    assert "MemoryError" in result.stderr


@pytest.mark.parametrize("file", [MODEL, "accounts/acme.yaml", "regions/europe-west6.yaml"])
def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path, file: str) -> None:
    root = write_repo(tmp_path)
    (root / file).unlink()
    os.mkfifo(root / file)
    result = run_cli("check", cwd=root)
    assert result.returncode == 1, result.stderr
    assert file in result.stdout


def test_a_pipe_that_is_held_open_does_not_hang(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    (root / MODEL).unlink()
    os.mkfifo(root / MODEL)
    held = os.open(root / MODEL, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert run_cli("check", cwd=root).returncode == 1
    finally:
        os.close(held)


def test_a_folder_and_a_socket_in_place_of_a_file(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    (root / MODEL).unlink()
    (root / MODEL).mkdir()
    (root / "accounts/acme.yaml").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        try:
            os.chdir(root)  # a socket's path has room for some 100 characters
            listener.bind("accounts/acme.yaml")
        finally:
            os.chdir(before)
    compiled, found = compile_and_check(root)
    assert compiled.failed
    assert "file-unreadable" in codes(found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_and_folders_that_may_not_be_read(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    (root / MODEL).chmod(0)
    (root / "accounts").chmod(0)
    try:
        failed, found = look(root)
    finally:
        (root / "accounts").chmod(0o755)
    assert failed
    assert found.count("file-unreadable") == 2


def test_links_that_lead_nowhere_in_a_circle_or_outside(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "repo")
    outside = tmp_path / "outside.yaml"
    outside.write_text("topsecretword: 1\n", encoding="utf-8")
    (root / "models/nowhere.yaml").symlink_to("missing.yaml")
    (root / "models/circle.yaml").symlink_to("circle.yaml")
    (root / "models/outside.yaml").symlink_to(outside)
    (root / "models/device.yaml").symlink_to("/dev/zero")
    compiled, found = compile_and_check(root)
    assert compiled.failed
    assert codes(found).count("file-outside") == 2
    assert codes(found).count("file-unreadable") == 2
    for form in ("text", "json", "github", "sarif", "junit"):
        assert "topsecretword" not in run_cli("check", "--format", form, cwd=root).stdout
