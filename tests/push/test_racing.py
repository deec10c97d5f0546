"""Two pushers at the same time, call by call in every kind of order: the end is one whole plan, the other is told.

What a call does to the store happens at once, so orders of calls are all that two pushers can do to each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.push.fleet import Fleet
from tests.push.pushers import Pusher, contents, naive, newest, restore
from tests.push.turns import Choose, Turns, by_seed, held_up
from tests.push.watch import Watch

from llmcompile.errors import OutsideError, RefusedError
from llmcompile.push.drift import drifts
from llmcompile.push.ledger import LEDGER
from llmcompile.push.look import look
from llmcompile.push.report import Report
from llmcompile.push.resolve import Payload
from llmcompile_secretmanager_emulator import Emulator
from llmcompile_secretmanager_emulator.model import Snapshot

SECRETS = Fleet(2, 2).secrets
SEEDS = 200
PARTS = 4
SHAPES = {"all": (range(6), range(6)), "some": (range(4), range(2, 6)), "apart": (range(3), range(3, 6))}
"""Which of the six documents each of the two changes; a plan is about all six."""


@dataclass(slots=True)
class Race:
    """A store with the old documents, and what two pushers want it to hold."""

    server: Emulator
    old: list[Payload]
    new: Mapping[str, list[Payload]]
    before: Snapshot

    @classmethod
    def of(cls, server: Emulator, root: Path) -> Race:
        old = Fleet(2, 2, "old").payloads(root)
        new = {name: Fleet(2, 2, name).payloads(root) for name in ("a", "b")}
        Pusher(server).push(old)
        return cls(server, old, new, server.model.state)

    def wanted(self, shape: str) -> dict[str, list[Payload]]:
        """What each of the two pushes: of what it does not change, the old."""
        return {
            name: [new[n] if n in changed else old for n, old in enumerate(self.old)]
            for (name, new), changed in zip(self.new.items(), SHAPES[shape], strict=True)
        }

    def run(self, choose: Choose, shape: str = "all", *, empty: bool = False, lag: float = 0.0) -> tuple[str, str]:
        """Check one race; who has won, and how the other one ended."""
        wanted = self.wanted(shape)
        restore(self.server, {} if empty else self.before)
        plans = [contents(each) for each in (self.old, *wanted.values())]
        watch = Watch(self.server, {secret: {plan[secret] for plan in plans} for secret in SECRETS})
        watch.start()
        self.server.lag.set(calls=int(lag) % 20, seconds=lag, seed=1)
        pushers = {name: partial(Pusher(self.server, name).push, wanted[name]) for name in wanted}
        ended = Turns(self.server, choose).run(pushers)
        end = newest(self.server, SECRETS)
        (won,) = (name for name in wanted if end == contents(wanted[name]))
        (lost,) = wanted.keys() - {won}
        assert not watch.broken
        assert self._complete(ended[won]), ended
        assert self._complete(ended[lost]) or isinstance(ended[lost], RefusedError), ended
        assert not isinstance(ended[lost], Report) or self._ended_before(lost, won)
        restore(self.server, self.server.model.state)
        assert not drifts(look(wanted[won], Pusher(self.server).store, workers=1))
        return won, type(ended[lost]).__name__

    @staticmethod
    def _complete(ended: object) -> bool:
        return isinstance(ended, Report) and ended.data()["complete"]

    def _ended_before(self, lost: str, won: str) -> bool:
        """Whether the one had written all before the other was entered: they did not overlap."""
        writes = [call for call in self.server.journal.writes if call.committed]
        entered = next((call.number for call in writes if (call.caller, call.secret) == (won, LEDGER)), None)
        return entered is None or all(call.number < entered for call in writes if call.caller == lost)


@pytest.fixture
def race(server: Emulator, tmp_path: Path) -> Race:
    return Race.of(server, tmp_path)


def options(seed: int) -> dict[str, object]:
    """Every fourth race begins with an empty store, every other one is on a store whose reads lag by minutes."""
    chance = Random(seed)
    lag = chance.uniform(1, 180) if chance.random() < 0.5 else 0.0
    return {"shape": chance.choice(list(SHAPES)), "empty": chance.random() < 0.25, "lag": lag}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("part", range(PARTS))
def test_one_whole_plan_in_the_end_and_the_other_is_told(race: Race, part: int) -> None:
    ends = Counter(race.run(by_seed(seed), **options(seed)) for seed in range(part, SEEDS, PARTS))  # type: ignore[arg-type]
    assert set(ends) == {(won, lost) for won in "ab" for lost in ("Report", "RefusedError")}, "all happens"


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("lag", [0.0, 90.0])
def test_held_up_at_any_call_while_the_other_runs_to_its_end(race: Race, lag: float) -> None:
    """Among them the add that comes too late: after the claim, when the other one has long ended."""
    ends = Counter(race.run(held_up("a", calls), lag=lag) for calls in range(60))
    assert ends["b", "RefusedError"] > 40


@pytest.mark.usefixtures("unmeasured")
def test_control_without_a_ledger_the_same_races_end_in_a_mix(race: Race) -> None:
    """Each compares and adds. Whoever is later wins, secret by secret."""
    mixed = 0
    for seed in range(SEEDS):
        restore(race.server, race.before)
        wanted = {name: contents(each) for name, each in race.wanted("all").items()}
        pushers = {name: partial(naive, race.server.client(name), wanted[name].items()) for name in wanted}
        Turns(race.server, by_seed(seed)).run(pushers)
        mixed += newest(race.server, SECRETS) not in wanted.values()
    assert mixed > 40


def test_a_claim_that_cannot_be_made_for_minutes_ends_the_push_and_running_it_later_finishes(race: Race) -> None:
    restore(race.server, race.before)
    race.server.lag.set(seconds=3600)
    Pusher(race.server, "a").push(race.new["a"])
    with pytest.raises(OutsideError, match="azure_openai_r0 could not be claimed"):
        Pusher(race.server, "b").push(race.new["b"])
    assert newest(race.server, SECRETS) == contents(race.new["a"])
    race.server.clock.sleep(3600)
    Pusher(race.server, "b").push(race.new["b"])
    assert newest(race.server, SECRETS) == contents(race.new["b"])
