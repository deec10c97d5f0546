"""Rests: when an endpoint is left alone, for how long, and who finds out whether it is back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from llmrouter.entities import Candidate, Endpoint
from llmrouter.health import Health, asked_seconds


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def candidate(endpoint: str = "e", model: str = "m") -> Candidate:
    return Candidate(model, model, Endpoint(endpoint, "tenant", "any", f"http://{endpoint}", "azure", None))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(10, clock)


def test_three_failures_in_a_row_and_it_rests(health: Health, clock: Clock) -> None:
    for _ in range(2):
        health.failed(candidate(), "failure")
    assert health.ready(candidate())
    health.worked(candidate())  # not in a row any more
    for _ in range(2):
        health.failed(candidate(), "failure")
    assert health.ready(candidate())
    health.failed(candidate(), "failure")
    assert not health.ready(candidate())
    assert not health.ready(candidate(model="other"))  # the endpoint rests, not one deployment
    assert health.ready(candidate("another"))
    assert health.wait(candidate()) == 0  # as a last resort it may be tried
    assert health.resting() == {"tenant:e": 10.0}
    clock.now += 10.1
    assert health.resting() == {}


def test_one_trial_at_a_time(health: Health, clock: Clock) -> None:
    for _ in range(3):
        health.failed(candidate(), "failure")
    clock.now += 10.1
    assert health.ready(candidate())
    assert not health.ready(candidate())  # somebody is trying
    health.failed(candidate(), "failure")
    clock.now += 10.1
    assert not health.ready(candidate())  # twice as long as the first time
    clock.now += 10
    assert health.ready(candidate())
    health.left(candidate())  # whoever tried has left
    assert health.ready(candidate())
    health.worked(candidate())
    assert health.ready(candidate())
    assert health.ready(candidate())


def test_rests_grow_and_end(health: Health, clock: Clock) -> None:
    for _ in range(50):
        health.failed(candidate(), "failure")
    clock.now += 120.1
    assert health.ready(candidate())


@pytest.mark.parametrize(("asked", "rest"), [(None, 10), (2.5, 2.5), (1e9, 600)])
def test_a_quota_is_shared_and_its_end_is_believed(
    health: Health, clock: Clock, asked: float | None, rest: float
) -> None:
    health.failed(candidate(), "quota", asked)
    assert health.wait(candidate(model="other")) == rest
    assert not health.ready(candidate(model="other"))
    clock.now += rest + 0.1
    assert health.ready(candidate())


def test_a_missing_deployment_says_nothing_about_its_neighbours(health: Health) -> None:
    health.failed(candidate(), "missing")
    assert not health.ready(candidate())
    assert health.ready(candidate(model="other"))


def test_a_trial_that_finds_something_else_missing_ends_too(health: Health, clock: Clock) -> None:
    for _ in range(3):
        health.failed(candidate(), "failure")
    clock.now += 11
    assert health.ready(candidate())
    health.failed(candidate(), "missing")
    assert health.ready(candidate(model="other"))


def test_none_rests_where_there_is_no_cooldown(clock: Clock) -> None:
    health = Health(0, clock)
    for _ in range(9):
        health.failed(candidate(), "quota", 60)
    assert health.ready(candidate())


@pytest.mark.parametrize(
    ("milliseconds", "seconds", "expected"),
    [
        (b"", b"7", 7.0),
        (b"250", b"7", 0.25),
        (b"junk", b"1.5", 1.5),
        (b"", b"-1", None),
        (b"", b"nan", None),
        (b"", b"inf", None),
        (b"", b"tomorrow", None),
        (b"", b"Wed, 21 Oct 2015 07:28:00 +99999999999999999999", None),
        (b"", b"\xff", None),
        (b"", b"", None),
        (b"", b"Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_what_an_upstream_asks_for(milliseconds: bytes, seconds: bytes, expected: float | None) -> None:
    found = asked_seconds(milliseconds, seconds)
    assert found == expected


def test_an_upstream_that_names_a_time() -> None:
    found = asked_seconds(b"", format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True).encode())
    assert found is not None
    assert 50 < found <= 60
