"""Refs to Secret Manager: read once, from whichever project they name; what fails names the ref and its place."""

from __future__ import annotations

import json

import pytest
from tests.compiler.repo import FILES, write_repo
from tests.push.cli import Cli
from tests.push.fleet import CANARY, PROJECT

from llmcompile_secretmanager_emulator import Emulator

REF = "ref+gcpsecrets://other-project/azure-key"
STORE = {
    "llmcompile.yaml": f"version: 1\nstores: {{prod: 'gcpsecrets://{PROJECT}'}}\ntiers: {{pro: {{concurrent: 1}}}}\n"
}
KEY = f"{CANARY}-key".encode()


def write(cli: Cli, ref: str) -> None:
    region = FILES["regions/europe-west6.yaml"].replace("ref+env://PRIMARY_KEY", f'"{ref}"')
    write_repo(cli.root, STORE | {"regions/europe-west6.yaml": region})


def put(server: Emulator, *payloads: bytes) -> None:
    """The secret in the other project, by the real client."""
    client = server.client()
    secret = {"replication": {"automatic": {}}}
    client.create_secret(parent="projects/other-project", secret_id="azure-key", secret=secret)
    for payload in payloads:
        client.add_secret_version(parent="projects/other-project/secrets/azure-key", payload={"data": payload})
    server.journal.clear()


def pushed_key(server: Emulator) -> str:
    held = server.secret("azure_openai_europe-west6")
    assert held is not None
    assert held.latest is not None
    assert held.latest.payload is not None
    return str(json.loads(held.latest.payload)["endpoints"]["primary"]["api_key"])


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (f"{REF}?version=1", "first"),
        (f"{REF}?version=2", "second"),
        (REF, "third"),
        ("sm://other-project/azure-key?version=1", "first"),
        ("projects/other-project/secrets/azure-key/versions/2", "second"),
        (f"{REF}?version=4#/keys/0", "pointed"),
    ],
)
def test_a_ref_is_read_from_the_version_that_it_names(cli: Cli, server: Emulator, ref: str, expected: str) -> None:
    put(server, b"first", b"second\n", b"third", json.dumps({"keys": ["pointed"]}).encode())
    if ref == REF:
        server.client().destroy_secret_version(name="projects/other-project/secrets/azure-key/versions/4")
        server.client().add_secret_version(
            parent="projects/other-project/secrets/azure-key", payload={"data": b"third"}
        )
    write(cli, ref)
    said = cli("push", "--to", "prod")
    assert (said.code, pushed_key(server)) == (0, expected), said.err
    noted = f"note: regions/europe-west6.yaml:3:78: {REF} is not pinned: add ?version=N" in said.err
    assert noted == (ref == REF)


def test_each_ref_is_read_once_however_often_it_is_written(cli: Cli, server: Emulator) -> None:
    put(server, KEY)
    write(cli, f"{REF}?version=1")
    path = cli.root / "regions" / "europe-west6.yaml"
    second = f'{{provider: azure, base_url: https://second.example.com, api_key: "{REF}?version=1"}}'
    path.write_text(
        path.read_text().replace("models:", f"  second: {second}\nmodels:").replace("primary]", "primary, second]")
    )
    assert cli("push", "--to", "prod").code == 0
    assert [each.secret for each in server.journal.calls].count("azure-key") == 1


def test_a_version_is_read_once_however_many_refs_point_into_it(cli: Cli, server: Emulator) -> None:
    put(server, json.dumps({"one": "first", "two": "second"}).encode())
    write(cli, f"{REF}?version=1#/one")
    path = cli.root / "regions" / "europe-west6.yaml"
    second = f'{{provider: azure, base_url: https://second.example.com, api_key: "{REF}?version=1#/two"}}'
    text = path.read_text().replace("models:", f"  second: {second}\nmodels:")
    path.write_text(text.replace("primary]", "primary, second]"))
    assert cli("push", "--to", "prod").code == 0
    assert [each.secret for each in server.journal.calls].count("azure-key") == 1


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("missing", "no version 1 of secret azure-key in project other-project"),
        ("no version", "no version latest of secret azure-key in project other-project"),
        ("disabled", "version 1 is disabled"),
        ("destroyed", "version 1 is destroyed"),
        ("latest disabled", "version latest is disabled"),
        ("denied", "Permission 'secretmanager.versions.access' denied"),
        ("empty", "the value is empty"),
        ("NUL", "the value holds a NUL byte"),
        ("not text", "the value is not UTF-8"),
        ("pointer", "nothing at /b"),
    ],
)
def test_a_ref_that_fails_names_itself_and_its_place_and_nothing_is_written(
    cli: Cli, server: Emulator, case: str, problem: str
) -> None:
    ref, payload = f"{REF}?version=1", KEY
    name = "projects/other-project/secrets/azure-key/versions/1"
    match case:
        case "no version" | "latest disabled":
            ref = REF
        case "empty":
            payload = b"\n"
        case "NUL":
            payload = KEY + b"\0"
        case "not text":
            payload = KEY + b"\xff"
        case "pointer":
            ref, payload = f"{ref}#/b", json.dumps({"a": KEY.decode()}).encode()
    if case != "missing":
        put(server, *([] if case == "no version" else [payload]))
    if case in ("disabled", "latest disabled"):
        server.client().disable_secret_version(name=name)
    if case == "destroyed":
        server.client().destroy_secret_version(name=name)
    if case == "denied":
        server.permissions.deny("secretmanager.versions.access", secret="azure-key")
    server.journal.clear()
    write(cli, ref)
    for command in ("plan", "push", "drift"):
        said = cli(command, "--to", "prod")
        assert said.code == 5
        assert "1 ref without a value" in said.err
        assert f"regions/europe-west6.yaml:3:78: {ref}: " in said.err
        assert problem in said.err
    assert not server.journal.writes


def test_without_the_cause_the_same_repository_is_pushed(cli: Cli, server: Emulator) -> None:
    put(server, KEY)
    write(cli, f"{REF}?version=1")
    assert cli("push", "--to", "prod").code == 0
    assert pushed_key(server) == KEY.decode()


def test_a_rotated_secret_changes_the_plan_and_its_digest(cli: Cli, server: Emulator) -> None:
    put(server, KEY)
    write(cli, REF)
    before = json.loads(cli("plan", "--to", "prod", "--format", "json").out)["digest"]
    assert json.loads(cli("plan", "--to", "prod", "--format", "json").out)["digest"] == before  # the control
    server.client().add_secret_version(
        parent="projects/other-project/secrets/azure-key",
        payload={"data": KEY[:-1] + b"?"},  # of the same length
    )
    after = json.loads(cli("plan", "--to", "prod", "--format", "json").out)["digest"]
    assert after != before
    refused = cli("push", "--to", "prod", "--expect", before)
    assert (refused.code, "not the plan that was reviewed" in refused.err) == (4, True)
    assert cli("push", "--to", "prod", "--expect", after).code == 0


def test_exec_reads_them_too(cli: Cli, server: Emulator) -> None:
    put(server, b"made-up")
    write(cli, f"{REF}?version=1")
    said = cli("exec", "acme", "--", "sh", "-c", "printenv PROVISIONED_OPENAI_CONFIG", real=True)
    assert (said.code, json.loads(said.out)["endpoints"]["primary"]["api_key"]) == (0, "made-up")


def test_a_server_elsewhere_is_refused(cli: Cli) -> None:
    write(cli, REF)
    said = cli("push", "--to", "prod", SECRET_MANAGER_EMULATOR_HOST="198.51.100.7:443")
    assert (said.code, "no address of this machine" in said.err) == (2, True)
