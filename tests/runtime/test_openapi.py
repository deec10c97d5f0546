"""The router's own description: it says what is served, no more and no less, and a tool that knows nothing else agrees.

Schemathesis makes requests of the description, right ones and wrong ones, and checks each answer against it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from running import RunningRouter
from standin import StandIn, answering
from worlds import ALICE, model, own, sha256

from llmrouter.entities import Endpoint
from llmrouter.openapi import description
from llmrouter.operations import ROUTES, match
from llmrouter.state import tag

AUTH = {"authorization": f"Bearer {ALICE}"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DOCUMENT: dict[str, Any] = json.loads(description())
PATHS: dict[str, dict[str, Any]] = DOCUMENT["paths"]
MODELS = ["alpha", "beta: 7"]


@pytest.fixture(scope="module")
def served() -> Iterator[RunningRouter]:
    """A router whose upstream answers whatever it is asked."""
    with StandIn("u") as upstream:
        upstream.behaviours |= dict.fromkeys(("", *MODELS), answering(200, {"id": "x"}))
        key = {"id": "alice", "sha256": sha256(ALICE)}
        models = {name: model() for name in MODELS}
        policy = {"version": 1, "account": "acme", "source": "auto", "limits": None, "allowed": sorted(MODELS)}
        policy |= {"teams": {}, "keys": [key], "models": models, "route_groups": {}}
        documents = {"CUSTOMER_LLM_CONFIG": {"x": own(upstream.url, *MODELS, api_key="k")}, "ROUTER_POLICY": policy}
        with RunningRouter(documents, "--cooldown", "0", "--max-body-mib", "1") as router:
            router.upstream_url = upstream.url  # type: ignore[attr-defined]
            yield router


@pytest.fixture(scope="module")
def client(served: RunningRouter) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as found:
        yield found


def filled(template: str) -> str:
    return template.replace("{model}", "alpha").replace("{response}", "resp_1")


def test_it_is_printed_and_served_to_everyone(served: RunningRouter) -> None:
    command = [sys.executable, "-m", "llmrouter", "openapi"]
    printed = subprocess.run(command, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    answer = httpx.get(f"{served.url}/openapi.json")
    assert answer.content + b"\n" == printed.stdout
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content) == DOCUMENT


def test_its_schemas_and_references_are_good() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)):
        found = DOCUMENT
        for step in reference.split("/"):
            found = found[step]
    identities = [each["operationId"] for path in PATHS.values() for name, each in path.items() if name != "parameters"]
    assert len(set(identities)) == len(identities)


def described(path: str) -> set[str]:
    return {method.upper() for method in PATHS[path] if method != "parameters"}


def test_every_path_and_method_is_described() -> None:
    assert {path: described(path) for path in PATHS} == {path: set(route.methods) for path, route in ROUTES.items()}


def test_nothing_else_is_served() -> None:
    prefixes = ("/", "/v1/", "/openai/", "/openai/v1/", "/openai/deployments/alpha/", "/v1/deployments/alpha/", "/v2/")
    ends = {template.rsplit(prefix, 1)[1] for template in ROUTES for prefix in prefixes[1:4] if prefix in template}
    found = {match(filled(prefix + end)) for prefix in prefixes for end in (*ends, "files", "chat", "models/", "")}
    assert {route.template for route in found if route is not None} <= set(PATHS)
    assert None in found  # control: some of them are not


@pytest.mark.parametrize("path", PATHS)
def test_methods_are_those_that_the_router_takes(client: httpx.Client, path: str) -> None:
    taken = set()
    for method in METHODS:
        answer = client.request(method, filled(path), headers=AUTH)
        assert answer.status_code != 500
        assert answer.headers.get("x-request-id")
        if answer.status_code != 405:
            taken.add(method)
        else:
            assert set(answer.headers["allow"].split(", ")) == described(path)
    assert taken == described(path)


@pytest.mark.parametrize("path", PATHS)
def test_who_needs_a_key_is_described(client: httpx.Client, path: str) -> None:
    method = min(described(path) - {"HEAD"})
    is_open = PATHS[path][method.lower()].get("security") == []
    assert (client.request(method, filled(path)).status_code != 401) == is_open


def known(document: dict[str, Any], upstream: str) -> dict[str, Any]:
    """The description with names that exist in this world: a tool cannot guess them."""
    document = json.loads(json.dumps(document))
    document["components"]["schemas"]["Name"]["enum"] = MODELS
    endpoint = Endpoint("x", "tenant", "azure", upstream, "azure", None)
    for path in document["paths"].values():
        for parameter in path.get("parameters", []):
            if parameter["name"] == "response":
                parameter["schema"]["enum"] = [f"resp_1_at_{tag(endpoint)}"]
    return document


def driven(router: RunningRouter, document: dict[str, Any], folder: Path, *more: str) -> tuple[int, str]:
    """Exit code and output of a run of schemathesis against a router."""
    (folder / "openapi.json").write_text(json.dumps(known(document, router.upstream_url)))  # type: ignore[attr-defined]
    # Of realtime a plain HTTP client learns that it is none.
    options = ["--exclude-path-regex", "/realtime$", "--phases", "coverage,fuzzing", "--max-examples", "2"]
    options += ["--generation-deterministic", "--suppress-health-check", "all", "--no-shrink", "--no-color", *more]
    options += ["-H", f"Authorization: Bearer {ALICE}", "--continue-on-failure"]
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", "openapi.json", "--url", router.url, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout


def test_a_tool_that_knows_the_description_alone_finds_no_fault(served: RunningRouter, tmp_path: Path) -> None:
    code, said = driven(served, DOCUMENT, tmp_path)
    assert code == 0, said
    assert f"Tested: {sum(len(described(path)) for path in PATHS if not path.endswith('/realtime'))}" in said
    assert "Missing test data" not in said
    assert "internal_error" not in served.output()
    assert len(served.errors().splitlines()) == 1


def _lies(document: dict[str, Any]) -> None:
    """Say what is not so, one thing for each check."""
    paths, components = document["paths"], document["components"]
    components["schemas"]["Models"]["properties"]["object"]["const"] = "array"
    paths["/openapi.json"]["get"]["responses"]["200"]["headers"] = {"x-nothing": {"required": True, "schema": {}}}
    paths["/metrics"]["get"]["responses"]["200"]["content"] = {"application/json": {}}
    del paths["/v1/models/{model}"]["get"]["responses"]["404"]
    del paths["/healthz"]["get"]["security"]
    del paths["/v1/responses/{response}"]["delete"]
    body = paths["/v1/embeddings"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    body["properties"]["dimensions"] = {"type": "integer"}
    paths["/v1/rerank"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {"type": "object"}


def test_the_tool_finds_what_the_description_says_wrongly(served: RunningRouter, tmp_path: Path) -> None:
    document = json.loads(description())
    _lies(document)
    wrong = "^(/openapi.json|/metrics|/healthz|/v1/(models.*|responses/[^/]*|embeddings|rerank))$"
    code, said = driven(served, document, tmp_path, "--include-path-regex", wrong)
    assert code == 1
    assert all(f"ST{number} " in said for number in (103, 105, 107, 108, 201, 202, 204, 205, 401)), said


def test_a_form_without_parts_is_none(served: RunningRouter) -> None:
    """What the tool found: some parsers see an empty form there, others none."""
    url, headers = f"{served.url}/openai/deployments/alpha/audio/transcriptions", AUTH
    headers = headers | {"content-type": "multipart/form-data; boundary=b"}
    part = b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\ny\r\n'
    assert httpx.post(url, content=b"--b--\r\n", headers=headers).json()["error"]["code"] == "invalid_form"
    assert httpx.post(url, content=part + b"--b--\r\n", headers=headers).status_code == 200  # control
