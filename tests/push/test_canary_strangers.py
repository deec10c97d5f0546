"""Secrets of somebody else: what a hand, or another program, put into our secrets is read, and not shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from tests.push.cli import Cli
from tests.push.fleet import CANARY, Fleet
from tests.push.leaks import leaked
from tests.push.looks import LOOKS, clean
from tests.push.pushers import newest
from tests.push.stage import Stage

from llmcompile.push.ledger import LEDGER

OLD, NEW = Fleet(1, 1, "old"), Fleet(1, 1, "new")
URL = f"https://bob:{quote(CANARY, safe='')}@x.example/v1?key={quote(CANARY, safe='')}#{quote(CANARY, safe='')}"
ENDPOINT = {
    "base_url": URL,
    "oauth_token_url": f"{URL}/token",
    "api_key": CANARY,
    "oauth_client_id": CANARY,
    "oauth_client_secret": [CANARY],
    "auth_header": {"name": "x-key", "format": CANARY},
    "headers": {"Authorization": f"Bearer {CANARY}"},
    "timeout_seconds": CANARY,
    "weight": {"a": CANARY},
    "scopes": {"one": CANARY},
    "supported_models": CANARY,
    "models": [CANARY],
}
POLICY = {
    "limits": {"concurrent": CANARY},
    "allowed": CANARY,
    "keys": [{"id": "bot", "sha256": CANARY, "secret": CANARY}, CANARY],
    "models": {
        "gpt-4o": {"default_params": {"password": CANARY, "headers": {CANARY: CANARY}}, "token_costs": [CANARY]}
    },
    "teams": {"support": {"allowed": {"a": CANARY}, "token": CANARY}},
    "batching": {"tenant": {"default": {"mode": {"a": CANARY}}}},
}


def edited(document: Mapping[str, Any]) -> Any:
    """A document of ours with secrets wherever a hand may have put one."""
    match document:
        case {"endpoints": endpoints, "models": models}:
            odd = {name: endpoint | ENDPOINT for name, endpoint in endpoints.items()}
            return {**document, "endpoints": odd, "models": models | {"gpt-4": {CANARY: 1}}, "comment": [CANARY]}
        case {"account": _}:
            return {**document, **POLICY, "comment": {CANARY: CANARY}}
        case _:
            return {name: endpoint | ENDPOINT for name, endpoint in document.items()} | {"comment": CANARY}


def alike(payload: Any) -> Any:
    """The same in each of our secrets."""
    return lambda document: payload


STRANGERS = {
    "a key alone": alike(CANARY.encode()),
    "text": alike(json.dumps(CANARY)),
    "a list": alike(json.dumps([CANARY, {"key": CANARY}])),
    "a login": alike(json.dumps({"username": "bob", "password": CANARY, "token": {"value": CANARY}})),
    "owners by token": alike(json.dumps({"tokens": {CANARY: "alice"}, "more": {"deep": {CANARY: {CANARY: 1}}}})),
    "twice the same key": alike(f'{{"a": 1, "a": {json.dumps(CANARY)}}}'),
    "no text": alike(b"\xff\xfe" + CANARY.encode()),
    "deeper than anyone looks": alike('{"a":' * 5_000 + json.dumps(CANARY) + "}" * 5_000),
    "cut off": lambda document: json.dumps(document)[:-1],
    "edited": lambda document: json.dumps(edited(document)),
}
ADOPT = ("adopt", "--to", "prod", "account/a0", "region/r0")
BACK = ("rollback", "--store", "prod", "account/a0", "--document", "CUSTOMER_LLM_CONFIG")


@pytest.fixture
def stage(cli: Cli) -> Stage:
    return Stage.of(cli, OLD, NEW)


@pytest.mark.parametrize("name", STRANGERS)
def test_what_a_stranger_put_there_is_not_shown(stage: Stage, name: str) -> None:
    """As the newest version of our secrets; then a push goes over it, and a rollback brings it back."""
    for secret, document in stage.old.items():
        payload = STRANGERS[name](json.loads(document))
        stage.server.put(secret, payload if isinstance(payload, bytes) else payload.encode())
    for each in LOOKS:
        assert stage.cli(*each).code in (0, 3, 4), each
    said = stage.push(report=True)
    assert said.code == 0, said.err
    assert newest(stage.server, stage.new) == stage.new
    assert stage.cli(*BACK).code == 0


def test_a_stranger_in_the_ledger_and_in_annotations_is_not_shown(stage: Stage) -> None:
    ledger = stage.server.secret(LEDGER)
    assert ledger
    assert ledger.latest
    entry = json.loads(ledger.latest.payload or b"")
    entry |= {"after": 1, "writes": {CANARY: 1, f"{CANARY}_llm_config": 2, "a0_llm_config": 3}, "comment": CANARY}
    stage.server.put(LEDGER, json.dumps(entry).encode())
    odd = [{**entry, "after": number, key: CANARY} for number, key in enumerate(entry, 2)]
    stage.server.put(LEDGER, *(json.dumps(each).encode() for each in odd), CANARY.encode())
    keys = ("version", "document", "revision", "plan", "retired")
    for secret in stage.old:
        stage.server.put(secret, annotations={f"llmcompile-{key}": CANARY for key in keys} | {"note": CANARY})
    for each in LOOKS:
        assert stage.cli(*each).code in (0, 2, 3, 4), each
    assert stage.push(report=True).code == 0
    assert '"a0_llm_config": 3' in stage.cli(*LOOKS[6]).out, "the control: what is ours is shown"


@pytest.mark.parametrize("name", ["unchanged", "cut off", "edited", "a login", "a key alone"])
def test_what_is_adopted_stays_in_the_store(stage: Stage, name: str) -> None:
    """YAML is written with refs and claimed; or it is refused with reasons, and so is claiming it for other YAML."""
    for secret, document in stage.old.items():
        payload = STRANGERS[name](json.loads(document)) if name in STRANGERS else document
        stage.server.put(secret, payload if isinstance(payload, bytes) else payload.encode(), labels={})
    for file in ("accounts/a0.yaml", "regions/r0.yaml"):
        (stage.cli.root / file).unlink()
    adopted = stage.cli(*ADOPT)
    clean(stage)
    if adopted.code:
        NEW.write(stage.cli.root)
    claimed = stage.cli(*ADOPT, "--claim")
    assert (adopted.code, claimed.code) == ((0, 0) if name == "unchanged" else (4, 4)), adopted.err + claimed.err
    clean(stage)


@pytest.mark.parametrize("name", STRANGERS)
def test_control_whoever_prints_what_is_there_shows_it(stage: Stage, name: str) -> None:
    payloads = [STRANGERS[name](json.loads(document)) for document in stage.old.values()]
    assert [*leaked(CANARY, f"{payloads}")]
