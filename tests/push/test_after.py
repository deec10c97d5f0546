"""After a push: every kind of drift, rollbacks, history, and waiting for readers."""

from __future__ import annotations

import json

import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from tests.push.cli import Cli, Said
from tests.push.fleet import CANARY, PROJECT, Fleet

from llmcompile.push.ownership import LABELS
from llmcompile_secretmanager_emulator import Emulator

FLEET = Fleet(accounts=2, regions=1)
A0 = "a0_llm_config"
THEIRS = f'{{"edited": "{CANARY[:7]}"}}'.encode()


def pushed(cli: Cli, fleet: Fleet = FLEET) -> None:
    fleet.write(cli.root)
    cli.environment |= fleet.environment
    assert cli("push", "--to", "prod").code == 0


def name_of(secret: str) -> str:
    return f"projects/{PROJECT}/secrets/{secret}"


def drift(cli: Cli) -> dict[str, str]:
    said = cli("drift", "--to", "prod", "--format", "json")
    found = {each["secret"]: each["code"] for each in json.loads(said.out)["drift"]}
    assert said.code == (3 if found else 0)
    for form in ("text", "markdown"):
        shown = cli("drift", "--to", "prod", "--format", form)
        assert all(secret in shown.out and code in shown.out for secret, code in found.items())
    return found


def hand_edit(client: SecretManagerServiceClient, payload: bytes = THEIRS) -> None:
    client.add_secret_version(parent=name_of(A0), payload={"data": payload})


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        ("missing", True), ("foreign", False), ("unreadable", True), ("edited", True), ("foreign-version", False),
        ("unrecorded", False), ("respelled", True), ("rotated", True), ("behind", True), ("left", False),
    ],
)  # fmt: skip
def test_every_kind_of_drift_is_told_and_a_push_mends_what_it_may(
    cli: Cli, server: Emulator, code: str, mended: bool
) -> None:
    pushed(cli)
    assert drift(cli) == {}  # the control
    client = server.client()
    ours = server.secret(A0)
    assert ours is not None
    assert ours.latest is not None
    secrets = {A0}
    match code:
        case "missing":
            client.delete_secret(name=name_of(A0))
        case "foreign":
            client.update_secret(secret={"name": name_of(A0), "labels": {}}, update_mask={"paths": ["labels"]})
        case "unreadable":
            client.disable_secret_version(name=f"{name_of(A0)}/versions/1")
        case "edited":
            hand_edit(client)
        case "foreign-version":
            assert ours.latest.payload is not None
            hand_edit(client, ours.latest.payload)
        case "unrecorded":
            changed = {"name": name_of(A0), "annotations": {}}
            client.update_secret(secret=changed, update_mask={"paths": ["annotations"]})
        case "respelled":  # as after adopting: someone else wrote it, in other words, and it is recorded as ours
            assert ours.latest.payload is not None
            hand_edit(client, json.dumps(json.loads(ours.latest.payload), indent=2).encode())
            noted = {**ours.annotations, "llmcompile-version": "2"}
            changed = {"name": name_of(A0), "annotations": noted}
            client.update_secret(secret=changed, update_mask={"paths": ["annotations"]})
        case "rotated":
            cli.environment["A0_KEY"] = f"{CANARY}rotated"
        case "behind":
            path = cli.root / "accounts" / "a0.yaml"
            path.write_text(path.read_text().replace("https://a0.example.com", "https://other.example.com"))
        case "left":
            (cli.root / "accounts" / "a0.yaml").unlink()
            secrets = {A0, "a0_llm_policy"}
    assert drift(cli) == dict.fromkeys(secrets, code)
    cli("push", "--to", "prod")
    assert (drift(cli) == {}) == mended


def test_a_fleet_that_left_is_left_alone_once_that_is_confirmed(cli: Cli, server: Emulator) -> None:
    pushed(cli)
    before = {secret: server.secret(secret) for secret in ("a0_llm_config", "a0_llm_policy")}
    (cli.root / "accounts" / "a0.yaml").unlink()
    refused = cli("push", "--to", "prod")
    assert (refused.code, "--confirm-removed account/a0" in refused.err) == (4, True)
    assert cli("push", "--to", "prod", "--confirm-removed", "account/a0").code == 0
    assert drift(cli) == {}
    assert cli("push", "--to", "prod").code == 0
    for secret, old in before.items():
        now = server.secret(secret)
        assert old is not None
        assert now is not None
        assert now.versions == old.versions  # nothing was destroyed or added
    FLEET.write(cli.root)  # it comes back
    assert cli("push", "--to", "prod").code == 0
    assert drift(cli) == {}
    (cli.root / "accounts" / "a0.yaml").unlink()
    assert cli("push", "--to", "prod").code == 4  # and is asked about again


def rollback(cli: Cli, *arguments: str) -> Said:
    return cli("rollback", "--store", "prod", *arguments)


def payloads(server: Emulator, secret: str = A0) -> list[bytes | None]:
    held = server.secret(secret)
    return [each.payload for each in held.versions] if held else []


def two_generations(cli: Cli) -> None:
    pushed(cli, Fleet(accounts=2, regions=1, generation="old"))
    pushed(cli)


def test_a_rollback_adds_the_old_bytes_once_and_can_be_undone(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    said = rollback(cli, "a0")
    assert (said.code, "version 3 is now version 1 again" in said.out) == (0, True)
    old, new, again = payloads(server)
    assert (again, again == new) == (old, False)
    assert drift(cli) == {A0: "rolled-back", "a0_llm_policy": "rolled-back"}
    repeated = rollback(cli, "account/a0")
    assert (repeated.code, "rolled back already" in repeated.err) == (0, True)
    assert payloads(server) == [old, new, old]  # never what it took away
    assert rollback(cli, "a0", "--to", "2", "--document", "CUSTOMER_LLM_CONFIG").code == 0
    assert payloads(server) == [old, new, old, new]


def test_a_rollback_goes_to_the_version_and_document_that_are_named(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    pushed(cli, Fleet(accounts=2, regions=1, generation="third"))
    ambiguous = rollback(cli, "a0", "--to", "1")
    assert (ambiguous.code, "--document CUSTOMER_LLM_CONFIG or --document ROUTER_POLICY" in ambiguous.err) == (2, True)
    assert rollback(cli, "a0", "--to", "1", "--document", "CUSTOMER_LLM_CONFIG").code == 0
    assert payloads(server)[3] == payloads(server)[0]
    assert len(payloads(server, "a0_llm_policy")) == 3
    assert rollback(cli, "r0", "--to", "2").code == 0
    assert payloads(server, "azure_openai_r0")[3] == payloads(server, "azure_openai_r0")[1]


def test_only_what_the_last_run_wrote_is_rolled_back_together(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    cli.environment["A0_KEY"] = f"{CANARY}rotated"  # the configuration alone changes
    assert cli("push", "--to", "prod").code == 0
    assert rollback(cli, "a0").code == 0
    assert payloads(server)[3] == payloads(server)[1]
    assert len(payloads(server, "a0_llm_policy")) == 2


def test_a_rollback_works_where_the_old_version_is_disabled_and_leaves_it_so(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    server.client().disable_secret_version(name=f"{name_of(A0)}/versions/1")
    said = rollback(cli, "a0", "--to", "1", "--document", "CUSTOMER_LLM_CONFIG")
    held = server.secret(A0)
    assert held is not None
    assert (said.code, [each.state for each in held.versions]) == (0, ["DISABLED", "ENABLED", "ENABLED"])
    assert payloads(server)[2] == payloads(server)[0]


def test_a_rollback_that_cannot_be_is_refused_and_writes_nothing(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    server.client().destroy_secret_version(name=f"{name_of(A0)}/versions/1")
    versions, config = payloads(server), ("--document", "CUSTOMER_LLM_CONFIG")
    for arguments, code, message in (
        (("a0", "--to", "1", *config), 4, "version 1 of a0_llm_config is destroyed"),
        (("a0", "--to", "2", *config), 2, "is the newest already"),
        (("a0", "--to", "9", *config), 2, "has no version 9; the newest is 2"),
        (("nobody",), 2, "no secret of 'nobody'"),
        (("account/../a0",), 2, "names no account or region"),
        (("r0", "--document", "ROUTER_POLICY"), 2, "the store has no ROUTER_POLICY of it"),
    ):
        said = rollback(cli, *arguments)
        assert (said.code, message in said.err) == (code, True), said.err
    dry = rollback(cli, "a1", "--dry-run")
    assert (dry.code, "would become" in dry.out) == (0, True)
    assert payloads(server) == versions
    assert len(payloads(server, "a1_llm_config")) == 2


def test_a_rollback_needs_no_yaml_that_is_right(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    (cli.root / "accounts" / "a0.yaml").write_text("account: [broken\n")
    assert cli("plan", "--to", "prod").code == 1  # the control
    assert rollback(cli, "a0").code == 0
    assert len(payloads(server)) == 3
    assert cli("rollback", "--store", f"gcpsecrets://{PROJECT}", "a0", "--root", "/").code == 0


def test_a_hand_edit_is_rolled_back_to_what_was_before_it(cli: Cli, server: Emulator) -> None:
    pushed(cli)
    hand_edit(server.client())
    assert rollback(cli, "a0", "--to", "1", "--document", "CUSTOMER_LLM_CONFIG").code == 0
    assert payloads(server)[2] == payloads(server)[0]


def test_history_says_which_run_wrote_which_version(cli: Cli, server: Emulator) -> None:
    two_generations(cli)
    rollback(cli, "a0")
    hand_edit(server.client())
    runs = json.loads(cli("history", "--to", "prod", "--format", "json").out)["runs"]
    assert [(each["number"], each["command"], each["count"]) for each in runs] == [
        (3, "rollback", 2),
        (2, "push", 5),
        (1, "push", 5),
    ]
    versions = json.loads(cli("history", "--to", "prod", "--format", "json", "a0").out)["versions"]
    by = [(each["version"], each["run"]) for each in versions if each["secret"] == A0]
    assert by == [(4, None), (3, 3), (2, 2), (1, 1)]
    shown = cli("history", "--to", "prod", "a0").out
    assert "a0_llm_config  version 3  enabled" in shown
    assert cli("history", "--to", "prod", "--limit", "1").out.count("run ") == 1


def test_waiting_for_readers_ends_when_they_get_it_or_says_who_does_not(cli: Cli, server: Emulator) -> None:
    pushed(cli, Fleet(accounts=2, regions=1, generation="old"))
    FLEET.write(cli.root)
    cli.environment |= FLEET.environment
    server.lag.set(seconds=3600)  # readers are an hour behind
    late = cli("push", "--to", "prod", "--wait", "0")
    assert (late.code, "readers do not get yet: a0_llm_config" in late.err) == (5, True)
    server.lag.settle()
    server.lag.set()
    again = cli("push", "--to", "prod", "--wait", "5")
    assert (again.code, again.err.endswith("0 written, 5 unchanged\n")) == (0, True)


def test_annotations_that_someone_made_up_are_not_shown_nor_believed(cli: Cli, server: Emulator) -> None:
    pushed(cli)
    for version in ("0", "-1", "1e9", "99999999999", "<b>"):
        annotations = {"llmcompile-version": version, "llmcompile-revision": "<img src=x>", "kept": "yes"}
        changed = {"name": name_of(A0), "annotations": annotations}
        server.client().update_secret(secret=changed, update_mask={"paths": ["annotations"]})
        said = cli("drift", "--to", "prod", "--format", "markdown")
        assert ("unrecorded" in said.out, "<img" in said.out) == (True, False)
    path = cli.root / "accounts" / "a0.yaml"
    path.write_text(path.read_text().replace("https://a0.example.com", "https://other.example.com"))
    assert cli("push", "--to", "prod").code == 0
    held = server.secret(A0)
    assert held is not None
    assert (held.annotations["kept"], held.annotations["llmcompile-version"]) == ("yes", "2")
    assert dict(held.labels) == dict(LABELS)
