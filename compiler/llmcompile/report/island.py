"""What the page's script draws from: accounts by models, as compact JSON data.

Accounts that answer alike share their answers here, so that ten thousand of them are some megabytes. What is small is
written into the page as HTML instead, and not again here.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from llmcompile.report.data import Account, Answer, Caller, Endpoint, Model, Page, Region, Seat

T = TypeVar("T", bound=Hashable)


class _Table(Generic[T]):
    """Values by position, each once."""

    def __init__(self) -> None:
        self._at: dict[T, int] = {}

    def at(self, value: T) -> int:
        """The value's position."""
        return self._at.setdefault(value, len(self._at))

    @property
    def values(self) -> list[T]:
        """All of them, in order."""
        return list(self._at)


class _Writer:
    def __init__(self) -> None:
        self.names = _Table[str]()
        self.answers = _Table[tuple[str, str, tuple[int, ...]]]()
        self.rows = _Table[tuple[int, ...]]()
        self.allowed = _Table[tuple[int, ...]]()

    def answer(self, answer: Answer) -> int:
        """State, what strands it, and the hops: names and positions in turn."""
        hops = tuple(number for model, at in answer.hops for number in (self.names.at(model), at))
        return self.answers.at((answer.state, answer.strands, hops))

    def seat(self, seat: Seat) -> list[Any]:
        pairs = ((self.names.at(name), self.answer(answer)) for name, answer in seat.answers.items())
        return [
            seat.region,
            seat.spot.line,
            seat.must,
            self.rows.at(tuple(number for pair in pairs for number in pair)),
        ]

    def caller(self, caller: Caller) -> list[Any]:
        names = tuple(self.names.at(each) for each in caller.allowed)
        return [caller.kind, caller.name, caller.spot.line, self.allowed.at(names)]

    def endpoint(self, endpoint: Endpoint) -> list[Any]:
        served = [number for code, line in endpoint.served.items() for number in (self.names.at(code), line)]
        return [endpoint.label, endpoint.provider, endpoint.host, endpoint.geo, endpoint.spot.line, served]

    def account(self, account: Account) -> dict[str, Any]:
        return {
            "id": account.id,
            "file": account.spot.file,
            "line": account.spot.line,
            "source": account.source,
            "tier": account.tier,
            "endpoints": [self.endpoint(each) for each in account.endpoints],
            "groups": dict(account.groups),
            "seats": [self.seat(each) for each in account.seats],
            "callers": [self.caller(each) for each in account.callers],
        }

    def region(self, region: Region) -> dict[str, Any]:
        endpoints = [self.endpoint(each) for each in region.endpoints]
        return {"name": region.name, "file": region.spot.file, "line": region.spot.line, "endpoints": endpoints}

    def model(self, model: Model) -> dict[str, Any]:
        return {
            "code": self.names.at(model.code),
            "type": model.type,
            "groups": list(model.groups),
            "file": model.spot.file,
            "line": model.spot.line,
        }


def island(page: Page, base: str) -> dict[str, Any]:
    """The data; ``base`` makes links of files and lines, as in ``report.links``."""
    writer = _Writer()
    data = {
        "base": base,
        "models": [writer.model(each) for each in page.models],
        "regions": [writer.region(each) for each in page.regions],
        "accounts": [writer.account(each) for each in page.accounts],
        "sizes": [[each.kind, each.owner, each.size, each.spot.file, each.spot.line] for each in page.sizes],
    }
    return data | {
        "names": writer.names.values,
        "answers": writer.answers.values,
        "rows": writer.rows.values,
        "allowed": writer.allowed.values,
    }
