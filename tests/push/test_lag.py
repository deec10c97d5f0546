"""A, B, A again, while what is read of a store is behind: the end is A, for the newest version is found by number."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.push.cli import Cli
from tests.push.fleet import Fleet
from tests.push.pushers import Pusher, contents, counts, naive, newest, restore

from llmcompile.push.ledger import LEDGER
from llmcompile.push.resolve import Payload
from llmcompile_secretmanager_emulator import Emulator

FLEETS = [Fleet(2, 2, generation) for generation in ("a", "b", "a")]
SECRETS = FLEETS[0].secrets
SEEDS = 20


def documents(root: Path) -> list[list[Payload]]:
    return [fleet.payloads(root) for fleet in FLEETS]


def lag(server: Emulator, seed: int) -> None:
    """For some calls, for some seconds, or for both; some reads are further behind than others."""
    chance = Random(seed)
    calls, seconds = chance.randint(5, 20), chance.uniform(1, 240)
    kind = seed % 3
    server.lag.set(calls=calls if kind != 0 else 0, seconds=seconds if kind != 1 else 0.0, seed=seed)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whoever_goes_back_gets_what_they_went_back_to(server: Emulator, tmp_path: Path, seed: int) -> None:
    lag(server, seed)
    for number, each in enumerate(documents(tmp_path), 1):
        report = Pusher(server).push(each)
        assert report.data()["complete"]
        assert newest(server, SECRETS) == contents(each)
        assert counts(server) == dict.fromkeys((*SECRETS, LEDGER), number)
        if number == 1:
            server.lag.settle()  # A has been there for long, B has not


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_second_push_writes_nothing_however_far_reads_are_behind(server: Emulator, tmp_path: Path, seed: int) -> None:
    first, _, _ = documents(tmp_path)
    lag(server, seed)
    Pusher(server).push(first)
    server.journal.clear()
    Pusher(server).push(first)
    assert not server.journal.writes


def test_control_whoever_compares_with_latest_stays_at_b(server: Emulator, tmp_path: Path) -> None:
    """In most of the same lags: the second A looks as if it were there already."""
    for secret in SECRETS:
        server.put(secret)
    before, plans, lost = server.model.state, [contents(each) for each in documents(tmp_path)], 0
    for seed in range(SEEDS):
        restore(server, before)
        lag(server, seed)
        for number, each in enumerate(plans, 1):
            naive(server.client(), each.items())
            if number == 1:
                server.lag.settle()
        lost += newest(server, SECRETS) != plans[2]
    assert lost > SEEDS / 2


def test_control_without_lag_it_does_not(server: Emulator, tmp_path: Path) -> None:
    for secret in SECRETS:
        server.put(secret)
    for each in documents(tmp_path):
        naive(server.client(), contents(each).items())
        assert newest(server, SECRETS) == contents(each)


def test_the_command_too(cli: Cli, server: Emulator) -> None:
    for generation in ("old", "new", "old"):
        fleet = Fleet(2, 2, generation)
        wanted = contents(fleet.payloads(cli.root))
        assert cli("push", "--to", "prod", **fleet.environment).code == 0
        assert newest(server, SECRETS) == wanted
        server.lag.set(calls=15)
    assert counts(server) == dict.fromkeys((*SECRETS, LEDGER), 3)
