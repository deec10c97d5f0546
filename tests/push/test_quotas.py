"""500 secrets within the documented quotas, on one virtual clock of pusher and server: nothing is refused, and what
others have used up is waited out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from google.api_core.exceptions import InvalidArgument
from tests.push.fleet import PROJECT, Fleet
from tests.push.pushers import Pusher, contents, counts, newest

from llmcompile.errors import OutsideError
from llmcompile.push.clock import VirtualClock
from llmcompile.push.google.calls import Calls, Limits
from llmcompile.push.google.store import GoogleStore
from llmcompile.push.limits import Backoff, Bucket, Windows
from llmcompile.push.ownership import LABELS, Record
from llmcompile.push.resolve import Payload
from llmcompile_secretmanager_emulator import Call, Emulator, Fault
from llmcompile_secretmanager_emulator.methods import METHODS
from llmcompile_secretmanager_emulator.quotas import PER_PROJECT, Kind, exceeded

OLD, NEW = Fleet(100, 50, "old"), Fleet(200, 100, "new")
KINDS = {method.name: method.kind for method in METHODS}
REFUSED = "RESOURCE_EXHAUSTED"


def busiest(times: Iterable[float], seconds: float) -> int:
    """The most that falls into any span of so many seconds, its end not included."""
    sorted_times, start, most = sorted(times), 0, 0
    for end, at in enumerate(sorted_times):
        while at - sorted_times[start] >= seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def per_minute(calls: Iterable[Call]) -> dict[str, int]:
    """The busiest minute of each quota."""
    times: dict[str, list[float]] = {kind: [] for kind in PER_PROJECT}
    for call in calls:
        times[KINDS[call.method]].append(call.at)
    return {kind: busiest(each, 60) for kind, each in times.items()}


def per_second(calls: Iterable[Call]) -> int:
    """The most writes to one secret in any second."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        if call.is_write:
            times[call.secret].append(call.at)
    return max(busiest(each, 1) for each in times.values())


def refused(server: Emulator) -> int:
    return sum(call.status == REFUSED for call in server.journal.calls)


@pytest.fixture
def fleet(server: Emulator, tmp_path: Path) -> list[Payload]:
    """500 documents: half of their secrets hold other bytes, half are not there."""
    for each in OLD.payloads(tmp_path):
        record = Record(1, each.document.digest, "", "")
        server.put(each.document.secret, each.data, labels=LABELS, annotations=record.onto({}))
    server.quotas.enabled = True
    documents = NEW.payloads(tmp_path)
    assert (len(server.model.state), len(documents)) == (250, 500)
    return documents


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("workers", [1, 16])
def test_500_secrets_without_a_single_refusal(server: Emulator, fleet: list[Payload], workers: int) -> None:
    start = server.clock.now()
    assert Pusher(server, workers=workers).push(fleet).data()["complete"]
    calls = server.journal.calls
    assert newest(server, NEW.secrets) == contents(fleet)
    assert refused(server) == 0
    most = per_minute(calls)
    assert 540 <= most["write"] <= 540 + 20 + workers, "near the limit, and never over it"
    assert most["read"] <= 540 + 20 + workers
    assert per_second(calls) == 2
    writes = sum(call.is_write for call in calls)
    reads = sum(KINDS[call.method] == "read" for call in calls)
    assert writes > 1_500
    assert server.clock.now() - start < (writes + reads) / 9, "no second is lost"


@pytest.mark.usefixtures("unmeasured")
def test_control_without_limits_and_patience_most_is_refused(server: Emulator, fleet: list[Payload]) -> None:
    """Each call takes 20 ms, and what is refused is tried again at once."""
    server.faults.add(Fault("delay", seconds=0.02))
    impatient(server).push(fleet)
    assert newest(server, NEW.secrets) == contents(fleet)
    assert refused(server) > 1_000
    assert per_minute(server.journal.calls)["write"] > 1_000
    assert per_second(server.journal.calls) > 4


def impatient(server: Emulator) -> Pusher:
    """Takes no notice of quotas."""
    free = Limits(*(Bucket(1e9, 1, server.clock) for _ in range(3)), Windows(1, 0, server.clock))
    return pusher(server, Backoff(first=0, attempts=10_000), free)


def pusher(server: Emulator, backoff: Backoff, limits: Limits | None = None) -> Pusher:
    made = Pusher(server)
    calls = Calls(server.clock, limits or Limits.of(server.clock), backoff)
    made.store = GoogleStore(server.client(made.caller), PROJECT, calls)
    return made


LIMITS = {"read": ("reads", 560), "write": ("writes", 560), "access": ("accesses", 81_100)}


@pytest.mark.parametrize(("kind", "name", "most"), [(kind, *each) for kind, each in LIMITS.items()])
def test_no_minute_holds_more_than_nine_tenths_and_a_burst(kind: Kind, name: str, most: int) -> None:
    """Calls that come at once, after pauses, one by one: whatever the order, no minute has more, and some have it."""
    clock, chance = VirtualClock(), Random(0)
    limit, went = getattr(Limits.of(clock), name), []
    for _ in range(3 * most):
        clock.sleep(chance.choice([0.0] * 500 + [1 / limit.rate, 20 / limit.rate]))
        limit.take()
        went.append(clock.now())
    assert most - limit.burst <= busiest(went, 60) <= most < PER_PROJECT[kind].tokens


def test_no_second_holds_three_writes_to_one_secret() -> None:
    clock, chance = VirtualClock(), Random(0)
    limit, went = Limits.of(clock).secret, defaultdict[str, list[float]](list)
    for _ in range(1_000):
        clock.sleep(chance.choice([0.0, 0.0, 0.3, 0.9, 1.2]))
        name = chance.choice("ab")
        limit.take(name)
        went[name].append(clock.now())
    assert {busiest(each, 1) for each in went.values()} == {2}


def test_control_a_bucket_of_two_a_second_holds_three_in_its_first() -> None:
    clock = VirtualClock()
    bucket, went = Bucket(1.8, 2, clock), []
    for _ in range(3):
        bucket.take()
        went.append(clock.now())
    assert busiest(went, 1) == 3


@pytest.mark.parametrize("seed", range(20))
def test_backoff_doubles_with_jitter_and_ends_after_more_than_a_minute(seed: int) -> None:
    waits = list(Backoff(chance=Random(seed)).waits())
    longest = [0.5, 1, 2, 4, 8, 16, 32, 32, 32]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert 60 < sum(waits) < 128


def test_backoff_spreads_those_who_were_refused_together() -> None:
    came_back = [sum(list(Backoff(chance=Random(seed)).waits())[:3]) for seed in range(100)]
    assert busiest(came_back, 0.1) < 20
    assert busiest([0.5 + 1 + 2] * 100, 0.1) == 100, "control: without jitter all come back at once"


@pytest.mark.parametrize("seed", range(10))
def test_what_others_used_up_of_a_minute_is_waited_out(server: Emulator, tmp_path: Path, seed: int) -> None:
    """The quota of reads is there again when the minute ends, that of writes in the next one: the longest there is."""
    documents, start = Fleet(1, 1).payloads(tmp_path), server.clock.now()
    server.faults.add(
        Fault("none", method="ListSecrets", run=partial(_used_up, server, start + 60)),
        Fault("none", writes_only=True, run=partial(_used_up, server, start + 120)),
    )
    assert pusher(server, Backoff(chance=Random(seed))).push(documents).data()["complete"]
    assert newest(server, Fleet(1, 1).secrets) == contents(documents)
    assert 120 <= server.clock.now() - start < 200
    assert 10 < refused(server) < 20
    assert set(counts(server).values()) == {1}


def test_others_really_using_up_the_quota(server: Emulator, tmp_path: Path) -> None:
    """600 writes of someone else at once: what the server does with them, not what a test says."""
    documents, other = Fleet(1, 1).payloads(tmp_path), server.client("other")
    server.quotas.enabled = True
    for number in range(600):
        with pytest.raises(InvalidArgument):
            other.create_secret(parent=f"projects/{PROJECT}", secret_id=f"s{number}")
    assert Pusher(server).push(documents).data()["complete"]
    assert {(call.caller, call.is_write) for call in server.journal.calls if call.status == REFUSED} == {("ci", True)}


def test_whoever_is_refused_for_good_is_told_and_has_tried_ten_times(server: Emulator, tmp_path: Path) -> None:
    documents = Fleet(1, 1).payloads(tmp_path)
    server.faults.add(Fault("none", run=partial(_used_up, server, math.inf)))
    with pytest.raises(OutsideError, match=r"cannot .*: Quota exceeded for quota metric 'Read requests'"):
        pusher(server, Backoff(chance=Random(7))).push(documents)
    times = [call.at for call in server.journal.calls]
    waited = [after - before for before, after in pairwise(times)]
    assert waited == pytest.approx(list(Backoff(chance=Random(7)).waits()), abs=1e-3)
    assert server.model.state == {}


def _used_up(server: Emulator, until: float, call: Call) -> None:
    if call.at < until:
        raise exceeded(PER_PROJECT[KINDS[call.method]], server.number)
