"""Whatever an upstream says: answers of the fault matrix, changed at random, through the real router.

The client gets JSON where it is called JSON, a stream that ends in its end or in an error event, an error in JSON, or a
connection that is cut; the router never fails.
"""

from __future__ import annotations

import json
from random import Random

import httpx
from fault_matrix import FAULTS
from faults import MODES
from running import RunningRouter
from scripted import End, Scripted, Upstreams, said
from worlds import HEADER_SECRET, SECRET, own

COUNT, LONGEST = 300, 4096
BREAKS = [b"\r\n", b"\n", b"\r\n\r\n", b"\x00", b": ", b"0\r\n\r\n", b"data: [DONE]\n\n", b"content-length: 5\r\n"]
BREAKS += [b"transfer-encoding: chunked\r\n", b"HTTP/1.1 100 X\r\n\r\n", b"content-type: text/event-stream\r\n"]


def answers() -> list[bytes]:
    """All that upstreams say in the matrix, but for what is long and what tells a secret."""
    faults = [each for part in FAULTS.values() for each in part]
    scripts = [script for each in faults for mode in MODES for script in each.calls[mode]]
    whole = {b"".join(map(said, script)) for script in scripts}
    secrets = (SECRET[:6].encode(), HEADER_SECRET[:6].encode())
    return sorted(each for each in whole if len(each) < LONGEST and not any(secret in each for secret in secrets))


def changed(random: Random, data: bytes, others: list[bytes]) -> bytes:
    """The same with some bytes lost, doubled, put in or cut off."""
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        at = random.randrange(len(data) + 1)
        until = at + random.randrange(1, 40)
        lost, twice = data[:at] + data[until:], data[:until] + data[at:]
        other = random.choice(others)
        into = random.choice((random.choice(BREAKS), random.randbytes(1), other[len(other) // 2 :]))
        data = random.choice((lost, twice, data[:at] + into + data[at:], data[:at]))
    return data


def complaint(status: int, kind: str, coded: bool, body: bytes) -> str:
    """What a client could not make sense of; empty: nothing."""
    if coded:
        return ""
    if kind.startswith("text/event-stream") and status < 400:
        ended = b"data: [DONE]" in body or b"data:[DONE]" in body
        return "" if ended or (body.endswith(b"\n\n") and b'"stream_broken"' in body[-200:]) else "no end"
    if status < 400 and not kind.startswith("application/json"):
        return ""
    try:
        json.loads(body)
    except ValueError:
        return "no JSON"
    return ""


def asked(client: httpx.Client, url: str, stream: bool) -> str:
    """One call, and what is wrong with what came of it."""
    data = b""
    with client.stream("POST", f"{url}/v1/chat/completions", json={"model": "m", "stream": stream}) as answer:
        try:
            data = b"".join(answer.iter_raw())
        except httpx.RemoteProtocolError:
            return ""
    kind, coded = answer.headers.get("content-type", ""), "content-encoding" in answer.headers
    return complaint(answer.status_code, kind.lower(), coded, data)


def test_whatever_an_upstream_says() -> None:
    random, upstream, all_ = Random(11), Scripted([()]), answers()
    with Upstreams([upstream]), httpx.Client(timeout=60) as client:
        customer = {"x": own(f"http://127.0.0.1:{upstream.port}", "m", api_key=HEADER_SECRET)}
        flags = ("--cooldown", "0", "--retry-after-budget", "0.1")
        with RunningRouter({"CUSTOMER_LLM_CONFIG": customer}, *flags) as router:
            for number in range(COUNT):
                says = changed(random, random.choice(all_), all_)
                upstream.calls = [(says, End.CLOSE)]
                assert asked(client, router.url, number % 2 == 1) == "", says
            router.stop()
            errors = [json.loads(line)["error"] for line in router.output().splitlines()]
            assert "Error" not in router.errors()
    assert len(errors) == COUNT <= len(upstream.heads)
    assert set(errors) == {None, "upstream_failed", "stream_broken"}


def test_what_a_client_could_not_make_sense_of_is_told() -> None:
    assert complaint(200, "application/json", False, b'{"a') == "no JSON"
    assert complaint(200, "text/event-stream", False, b"data: {}\n\n") == "no end"
    assert complaint(503, "text/html", False, b"<p>") == "no JSON"
    assert len(answers()) > 60
