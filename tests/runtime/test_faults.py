"""The fault matrix, played over real sockets through the real router; ``fault_matrix.py`` says what is expected."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fault_matrix import FAULTS
from faults import HEALTHY, MODES, TOKEN, WORLDS, Fault, Mode, Row, World, dated
from running import RunningRouter
from scripted import Script, Scripted, Upstreams, said
from worlds import HEADER_SECRET, SECRET, model, oauth, own

ALL = [each for part in FAULTS.values() for each in part]
PATIENT = ("--retry-after-budget", "5")
IMPATIENT = ("--connect-timeout", "2", "--first-byte-timeout", "0.7", "--idle-timeout", "0.7")
PATIENCE = 60  # seconds; less than the router's own, so that whoever waits for those in vain is found out
_DATE = re.compile(rb"DATE\+([0-9.]+)")
_NUMBERS = itertools.count()


@dataclass
class Cell:
    """One fault in one world, asked in one mode."""

    fault: Fault
    world: World
    mode: Mode
    number: int
    first: Scripted = field(init=False)
    tokens: Scripted = field(init=False)

    def __post_init__(self) -> None:
        self.first = Scripted(self.fault.calls[self.mode], self.fault.listens)
        self.tokens = Scripted(self.fault.tokens, self.fault.tokens_listen)

    @property
    def model(self) -> str:
        """Its own, so that no other cell sees what rests."""
        return f"m{self.number}"

    @property
    def other(self) -> str:
        """The model that the second endpoint serves."""
        return f"o{self.number}" if self.fault.fallbacks else self.model

    @property
    def scripted(self) -> list[Scripted]:
        return [self.first, *([self.tokens] if self.fault.tokens else [])]

    def endpoint(self) -> dict[str, Any]:
        """The faulty one, in the document."""
        url = f"{'https' if self.fault.tls else 'http'}://127.0.0.1:{self.first.port}"
        auth = oauth(f"http://127.0.0.1:{self.tokens.port}/token") if self.fault.tokens else {"api_key": HEADER_SECRET}
        return own(url, self.model, **auth)


@dataclass(slots=True)
class Got:
    """What a client got."""

    status: int
    headers: httpx.Headers
    body: bytes
    cut: bool


class Field:
    """All cells with their upstreams, and routers that serve them."""

    def __init__(self, faults: Sequence[Fault], tls: ssl.SSLContext) -> None:
        cells = itertools.product(faults, WORLDS, MODES)
        self.cells = [Cell(fault, world, mode, at) for at, (fault, world, mode) in enumerate(cells)]
        self.elsewhere = Scripted(((HEALTHY["plain"],),))
        self.second: dict[Mode, Scripted] = {mode: Scripted(((HEALTHY[mode],),)) for mode in MODES}
        for each in self.cells:
            each.first.tls = tls if each.fault.tls == "unknown" else None

    def open(self, stack: ExitStack, folder: Path) -> None:
        """Listen, and start the routers; their documents are too long for variables."""
        own_ones = [each for cell in self.cells for each in cell.scripted]
        stack.enter_context(Upstreams([*own_ones, self.elsewhere, *self.second.values()]))
        self._client = stack.enter_context(httpx.Client(timeout=PATIENCE))
        elsewhere = f"http://127.0.0.1:{self.elsewhere.port}".encode()
        for each in own_ones:
            each.calls = [_placed(script, elsewhere) for script in each.calls]
        self.routers = {
            impatient: stack.enter_context(RunningRouter(_written(self._documents(impatient), folder), *flags))
            for impatient, flags in ((False, PATIENT), (True, IMPATIENT))
        }

    def _documents(self, impatient: bool) -> dict[str, Any]:
        cells = [each for each in self.cells if each.fault.impatient == impatient]
        endpoints = {f"first-{each.number}": each.endpoint() for each in cells}
        for mode, second in self.second.items():
            names = [each.other for each in cells if (each.world, each.mode) == ("second", mode)]
            url = f"http://127.0.0.1:{second.port}"
            endpoints[f"second-{mode}"] = own(url, *names, api_key=HEADER_SECRET, timeout_seconds=PATIENCE)
        models = {name: model() for each in cells for name in (each.model, each.other)}
        for each in cells:
            if each.fault.fallbacks and each.world == "second":
                models[each.model][each.fault.fallbacks] = [each.other]
        policy = {"version": 1, "account": "acme", "source": "auto", "limits": None, "allowed": sorted(models)}
        policy |= {"teams": {}, "keys": [], "models": models, "route_groups": {}}
        return {"CUSTOMER_LLM_CONFIG": endpoints, "ROUTER_POLICY": policy}

    def of(self, fault: Fault) -> list[Cell]:
        return [each for each in self.cells if each.fault is fault]

    def play(self, cell: Cell) -> tuple[list[Row], str]:
        """What each of its requests came to, and all that anybody got to read of them."""
        router, rows, read = self.routers[cell.fault.impatient], [], ""
        for _ in cell.fault.rows[cell.world, cell.mode]:
            before = self._calls(cell)
            request_id = f"fault-{next(_NUMBERS)}-"
            got = self._asked(router, cell, request_id)
            line = router.record(request_id)
            after = self._calls(cell)
            calls = after[0] - before[0], after[1] - before[1]
            assert line["status"] == got.status
            assert got.headers["x-llmrouter-attempts"] == str(line["attempts"])
            told = line["tokens_input"], line["tokens_output"]
            rows.append(Row(got.status, seen(got, cell), calls, line["attempts"], line["error"], told, line["cost"]))
            read += f"{got.headers}\n{got.body.decode('latin-1')}\n{json.dumps(line)}\n"
        return rows, read

    def _asked(self, router: RunningRouter, cell: Cell, request_id: str) -> Got:
        body = {"model": cell.model, "stream": cell.mode == "streamed", "user": "x" * cell.fault.padding}
        headers, data, cut = {"x-request-id": request_id}, b"", False
        with self._client.stream("POST", f"{router.url}/v1/chat/completions", json=body, headers=headers) as answer:
            try:
                for each in answer.iter_raw():
                    data += each
            except httpx.RemoteProtocolError:
                cut = True
        return Got(answer.status_code, answer.headers, data, cut)

    def _calls(self, cell: Cell) -> tuple[int, int]:
        path = f"/deployments/{cell.other}/".encode()
        return len(cell.first.heads), sum(path in head for head in self.second[cell.mode].heads)


def _written(documents: dict[str, Any], folder: Path) -> dict[str, str]:
    """The documents in files, and the variables that name them."""
    paths = {name: Path(mkdtemp(dir=folder)) / name for name in documents}
    for name, path in paths.items():
        path.write_text(json.dumps(documents[name]))
    return {f"{name}_FILE": str(path) for name, path in paths.items()}


def _placed(script: Script, elsewhere: bytes) -> Script:
    return tuple(_filled(each.replace(b"ELSEWHERE", elsewhere)) if isinstance(each, bytes) else each for each in script)


def _filled(data: bytes) -> Any:
    """Bytes that are worked out when they are said, where there is a date in them."""
    if _DATE.search(data) is None:
        return data
    return partial(_DATE.sub, lambda found: dated(float(found[1])).encode(), data)


def seen(got: Got, cell: Cell) -> str:
    """What a client got, in words; how a stream ended where it is one."""
    if got.cut:
        return "cut off"
    if got.headers.get("content-type", "").startswith("text/event-stream"):
        return _seen_stream([each for each in got.body.decode().split("\n\n") if each], cell)
    its = _its(cell)
    if "content-encoding" in got.headers:
        return "its bytes" if got.body in its else "other bytes"
    data = json.loads(got.body)
    if "choices" in data:
        assert got.body in its or got.body in HEALTHY["plain"]
        return _whose(data["choices"][0]["message"]["content"])
    if got.body in its:
        return "its error"
    assert {*data["error"]} == {"message", "type", "param", "code"} or "***" in data["error"]["message"]
    return "its error, less the key" if "***" in data["error"]["message"] else f"error {data['error']['code']}"


def _whose(words: str) -> str:
    return {"hello from first": "the answer", "hello from second": "the second's answer"}.get(words, words)


def _its(cell: Cell) -> bytes:
    return b"".join(said(each) for script in cell.first.calls for each in script)


def _seen_stream(events: list[str], cell: Cell) -> str:
    *told, last = [each.removeprefix("data: ") for each in events]
    try:
        chunks = [json.loads(each) for each in told]
    except ValueError:
        return "its bytes" if all(each.encode() in _its(cell) for each in events) else "other bytes"
    if last == "[DONE]":
        assert all(each["choices"] for each in chunks)  # the usage was not asked for
        return _whose("".join(each["choices"][0]["delta"]["content"] for each in chunks))
    return f"{len(chunks)} events, then error {json.loads(last)['error']['code']}"


@pytest.fixture(scope="module")
def field_of_faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("faults")
        field = Field(ALL, _certified(folder))
        field.open(stack, folder)
        yield field


def _certified(folder: Path) -> ssl.SSLContext:
    program = shutil.which("openssl")
    assert program is not None, "openssl is not installed"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def leaked(text: str, *hosts: str) -> list[str]:
    """What is a secret in a text, in any of its spellings, or tells where an upstream is."""
    spelled: set[str] = set(hosts)
    for secret in (SECRET, HEADER_SECRET, TOKEN):
        coded = base64.b64encode(secret.encode()).decode().rstrip("=")
        spelled |= {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""), coded}
        spelled |= {coded.translate(str.maketrans("+/", "-_")), secret[:14], secret[-14:]}
    return [each for each in spelled if each in text]


@pytest.mark.parametrize("fault", ALL, ids=lambda each: each.name)
def test_what_a_fault_comes_to(field_of_faults: Field, fault: Fault) -> None:
    cells = field_of_faults.of(fault)
    with ThreadPoolExecutor(len(cells)) as pool:
        played = list(pool.map(field_of_faults.play, cells))
    found = {(cell.world, cell.mode): tuple(rows) for cell, (rows, _) in zip(cells, played, strict=True)}
    assert found == fault.rows
    for cell, (_, read) in zip(cells, played, strict=True):
        assert not leaked(read, *(f"127.0.0.1:{each.port}" for each in cell.scripted))
    assert not field_of_faults.elsewhere.heads  # where redirects would have led
    assert not any(leaked(each.errors()) for each in field_of_faults.routers.values())


def test_a_leak_would_be_found() -> None:
    for secret in (SECRET, HEADER_SECRET, TOKEN):
        for spelled in (secret, json.dumps(secret), quote(secret), base64.b64encode(secret.encode()).decode()):
            assert leaked(f"x{spelled}x")
    assert leaked("at 127.0.0.1:80", "127.0.0.1:80")
    assert not leaked("hello")
