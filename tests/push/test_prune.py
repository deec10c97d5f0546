"""Prune: whatever it destroys, readers of ``latest``, of an alias and of a pinned ref get what they got before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.thorough import thorough
from tests.push.cli import Cli
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import Pusher

from llmcompile.push.ledger import LEDGER
from llmcompile.push.ownership import LABELS
from llmcompile.push.prune import LEDGER_KEEP, Policy, prunable
from llmcompile_secretmanager_emulator import Emulator, VirtualClock

DAY = 86_400.0
A0 = "a0_llm_config"

STATES = st.lists(st.sampled_from(["ENABLED", "ENABLED", "DISABLED", "DESTROYED"]), min_size=1, max_size=8)


def history(server: Emulator, states: Collection[str], aliased: Collection[int]) -> None:
    """A secret with a version a day, in these states, and aliases."""
    client = server.client()
    name = f"projects/{PROJECT}/secrets/{A0}"
    secret = {"replication": {"automatic": {}}, "labels": dict(LABELS)}
    client.create_secret(parent=f"projects/{PROJECT}", secret_id=A0, secret=secret)
    for number, state in enumerate(states, 1):
        client.add_secret_version(parent=name, payload={"data": f"payload {number}".encode()})
        server.clock.sleep(DAY)
        if state == "DISABLED":
            client.disable_secret_version(name=f"{name}/versions/{number}")
        if state == "DESTROYED":
            client.destroy_secret_version(name=f"{name}/versions/{number}")
    aliases = {f"alias-{number}": number for number in aliased if number <= len(states)}
    client.update_secret(secret={"name": name, "version_aliases": aliases}, update_mask={"paths": ["version_aliases"]})


def prune(server: Emulator, keep: int, days: int, referenced: Collection[tuple[str, int]]) -> None:
    store = Pusher(server).store
    now = datetime.fromtimestamp(server.clock.now(), UTC)
    policy = Policy(keep, timedelta(days=days), now, referenced)
    held = store.held(A0)
    assert held is not None
    for old in list(prunable(store, held, policy)):
        store.destroy(old.secret, old.number)


def readable(server: Emulator) -> dict[int, bytes | None]:
    held = server.secret(A0)
    assert held is not None
    return {each.number: each.payload for each in held.versions}


@thorough(60)
@given(
    states=STATES,
    aliased=st.sets(st.integers(1, 8), max_size=2),
    pinned=st.sets(st.integers(1, 8), max_size=2),
    keep=st.integers(1, 4),
    days=st.integers(0, 6),
    lag=st.integers(0, 30),
)
def test_after_any_prune_readers_get_what_they_got_before(
    states: list[str], aliased: set[int], pinned: set[int], keep: int, days: int, lag: int
) -> None:
    with Emulator(PROJECT, clock=VirtualClock()) as server:
        history(server, states, aliased)
        before = readable(server)
        server.lag.set(calls=lag, seed=1)
        prune(server, keep, days, {(A0, number) for number in pinned})
        after, newest = readable(server), len(states)
        gone = {number for number in before if before[number] is not None and after[number] is None}
        assert newest not in gone
        assert not gone & (aliased | pinned)
        assert not gone & set(range(newest - keep + 1, newest + 1))
        assert all(newest - number >= days - 1 for number in gone)  # version N is newest - N + 1 days old
        if states[-1] != "ENABLED":
            assert not gone
        elif not lag:
            old = set(range(1, newest - max(keep, days - 1) + 1)) - aliased - pinned
            assert {number for number in old if newest - number + 1 >= days and after[number] is not None} == set()


@pytest.mark.parametrize("spared", ["newest", "aliased", "pinned", "young", "kept"])
def test_control_without_the_rule_it_would_be_destroyed(server: Emulator, spared: str) -> None:
    history(server, ["ENABLED"] * 3, {2} if spared == "aliased" else ())
    pinned = {(A0, 2)} if spared == "pinned" else set()
    number = 3 if spared == "newest" else 2
    prune(server, 2 if spared == "kept" else 1, 30 if spared == "young" else 0, pinned)
    assert readable(server)[number] is not None
    if spared != "newest":
        server.client().update_secret(
            secret={"name": f"projects/{PROJECT}/secrets/{A0}", "version_aliases": {}},
            update_mask={"paths": ["version_aliases"]},
        )
        prune(server, 1, 0, ())
        assert readable(server)[number] is None


def test_the_command_lists_first_and_destroys_when_told(cli: Cli, server: Emulator) -> None:
    for generation in ("first", "second", "third"):
        fleet = Fleet(accounts=1, regions=1, generation=generation)
        fleet.write(cli.root)
        cli.environment |= fleet.environment
        assert cli("push", "--to", "prod").code == 0
    writes = len(server.journal.writes)
    listed = cli("prune", "--to", "prod", "--keep", "1", "--min-age", "0h")
    assert (listed.code, listed.out.count("would destroy"), len(server.journal.writes)) == (0, 6, writes)
    assert (
        cli("prune", "--to", "prod", "--keep", "1", "--min-age", "9999d", "--yes").out == ""
    )  # the control: too young
    done = cli("prune", "--to", "prod", "--keep", "1", "--min-age", "0h", "--yes")
    assert (done.code, done.out.count("destroyed a0_llm_config version")) == (0, 2)
    assert all(each.method == "DestroySecretVersion" for each in server.journal.writes[writes:])
    ledger = server.secret(LEDGER)
    assert ledger is not None
    assert [each.state for each in ledger.versions] == ["ENABLED"] * 3  # never fewer than 50 runs
    assert LEDGER_KEEP == 50
    assert cli("push", "--to", "prod").err.endswith("0 written, 3 unchanged\n")
    wrong = cli("prune", "--to", "prod", "--keep", "1", "--min-age", "soon")
    assert (wrong.code, "write 12h, 30d or 4w" in wrong.err) == (2, True)


def test_a_version_that_a_ref_in_the_yaml_is_pinned_to_is_kept(cli: Cli, server: Emulator) -> None:
    fleet = Fleet(accounts=1, regions=1, generation="first")
    fleet.write(cli.root)
    cli.environment |= fleet.environment
    assert cli("push", "--to", "prod").code == 0
    pointing = f"ref+gcpsecrets://{PROJECT}/a0_llm_config?version=1#/own/api_key"
    account = cli.root / "accounts" / "a0.yaml"
    text = account.read_text().replace("ref+env://A0_KEY", f'"{pointing}"')
    cli.environment["R0_KEY"] += "-rotated"
    for host in ("two", "three"):  # the configuration changes, with the key from its own first version
        account.write_text(text.replace("https://a0.", f"https://{host}.a0."))
        assert cli("push", "--to", "prod").code == 0
    said = cli("prune", "--to", "prod", "--keep", "1", "--min-age", "0h", "--yes")
    assert "a0_llm_config version 2" in said.out
    assert "a0_llm_config version 1" not in said.out
    assert cli("push", "--to", "prod").code == 0


def test_the_identity_that_pushes_cannot_prune(cli: Cli, server: Emulator) -> None:
    fleet = Fleet(accounts=1, regions=1)
    fleet.write(cli.root)
    cli.environment |= fleet.environment
    server.permissions.deny("secretmanager.versions.destroy")
    assert cli("push", "--to", "prod").code == 0
    cli.environment["A0_KEY"] += "-rotated"
    assert cli("push", "--to", "prod").code == 0
    said = cli("prune", "--to", "prod", "--keep", "1", "--min-age", "0h", "--yes")
    assert (said.code, "Permission 'secretmanager.versions.destroy' denied" in said.err) == (5, True)
