"""Upstreams over TLS: certificates are checked, against the system's authorities or those of SSL_CERT_FILE."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import RunningRouter
from standin import StandIn, dead_url, slowly
from worlds import own

from llmrouter.outbound import HttpUpstream
from llmrouter.outbox import Outbox
from llmrouter.upstream import TimeLimits, UpstreamFailure, UpstreamRequest

HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody vouches for, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    program = shutil.which("openssl")
    assert program is not None, "openssl is not installed"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "cert").read_text() + (folder / "key").read_text())
    return folder / "both.pem"


@pytest.fixture
def secure(certificate: Path) -> Iterator[StandIn]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with StandIn("secure", tls=context) as upstream:
        yield upstream


def chat(router: RunningRouter, **more: Any) -> httpx.Response:
    return httpx.post(f"{router.url}/v1/chat/completions", json={"model": "m", "messages": HELLO, **more}, timeout=10)


def variables(url: str, *more: str) -> dict[str, Any]:
    endpoints = {f"e{at}": own(each, "m", api_key="k") for at, each in enumerate([url, *more])}
    return {"CUSTOMER_LLM_CONFIG": endpoints}


def test_a_certificate_that_is_vouched_for(secure: StandIn, certificate: Path) -> None:
    secure.behaviours["m"] = slowly(0.01)
    with RunningRouter({**variables(secure.url), "SSL_CERT_FILE": str(certificate)}) as router:
        for _ in range(3):
            assert chat(router, stream=True).text.endswith("[DONE]\n\n")
    assert len(secure.requests) == 3


@pytest.mark.parametrize("case", ["nobody vouches", "another name"])
def test_a_certificate_that_is_not(secure: StandIn, certificate: Path, case: str, upstreams: Any) -> None:
    named = case == "another name"
    url = secure.url.replace("localhost", "127.0.0.1") if named else secure.url
    more = {"SSL_CERT_FILE": str(certificate)} if named else {}
    with RunningRouter({**variables(url), **more}) as router:
        answer = chat(router)
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
        assert "TLS failed" in answer.json()["error"]["message"]
    with RunningRouter({**variables(url, upstreams[0].url), **more}) as router:
        assert chat(router).headers["x-llmrouter-endpoint"] == "e1"
    assert not secure.requests


def test_no_tls_where_it_was_expected(upstreams: Any) -> None:
    with RunningRouter(variables(upstreams[0].url.replace("http:", "https:"))) as router:
        assert "TLS failed" in chat(router).json()["error"]["message"]


def failure(url: str) -> str:
    """Why there is no connection."""

    async def send() -> None:
        await HttpUpstream(Outbox()).send(UpstreamRequest(url, {}, b"", TimeLimits(connect=0.5)))

    with pytest.raises(UpstreamFailure) as caught:
        asyncio.run(send())
    return str(caught.value)


def test_why_there_is_no_connection() -> None:
    assert failure(dead_url()) == "connection refused"
    assert failure("http://nowhere.invalid") == "host not found"
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]  # nobody accepts them: the next one hangs
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        assert failure(f"http://127.0.0.1:{full.getsockname()[1]}") == "no connection in time"
        for each in waiting:
            each.close()
