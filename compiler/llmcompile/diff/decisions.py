"""The decisions of two routers for one caller, compared in every situation that could make a difference.

A decision is the answer to one question: a name, what is down, what is preferred, when. What weights may draw belongs
to the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcompile.diff.answers import DETOURS, Answer, Asked, Hidden, Price, Span, Step
from llmcompile.diff.figures import PriceChange, priced
from llmcompile.diff.situations import NOTHING, draws, outages, preferences, spans, tried
from llmrouter.resolve import Detour

Answers = tuple[Answer, ...]
"""What is answered at each draw."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the case when a request comes."""

    down: frozenset[str] = NOTHING
    """Labels of endpoints."""
    tags: frozenset[str] = NOTHING
    """What the request prefers endpoints by."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Something about a step that stays where it is."""

    step: str
    field: str
    before: str | Hidden
    after: str | Hidden


@dataclass(frozen=True, slots=True)
class Change:
    """What changes for a name, alike for everyone of whom this is said."""

    name: str
    """A model or a route group."""
    after: Detour | None
    """None: for a request as it comes; else, for one that the model itself refused for this reason."""
    situation: Situation
    """The plainest in which it shows."""
    was: tuple[str, ...]
    """The steps before; empty where only what is said of them changes."""
    now: tuple[str, ...]
    fields: tuple[FieldChange, ...]
    prices: tuple[PriceChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A change with all decisions that it concerns."""

    change: Change
    decisions: tuple[tuple[Situation, tuple[Span, ...]], ...]
    """Where it shows: at which times in which situations."""

    @property
    def count(self) -> int:
        """How many decisions these are."""
        return sum(len(each) for _, each in self.decisions)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one caller's questions."""

    differences: tuple[Difference, ...]
    asked: int
    """Decisions compared."""


def compare(old: Asked | None, new: Asked | None) -> Outcome:
    """All that changes for a caller; None: there is no such caller, and whoever asks is refused."""
    differences, asked = [], 0
    for name in sorted((old.allowed if old else NOTHING) | (new.allowed if new else NOTHING)):
        for pair in _of_name(old, new, name):
            asked += pair.asked
            found = pair.difference()
            differences += [found] if found else []
    return Outcome(tuple(differences), asked)


def _of_name(old: Asked | None, new: Asked | None, name: str) -> Iterator[_Pair]:
    sides = [each for each in (old, new) if each is not None]
    reached = [tried(each, name) for each in sides]
    endpoints = [endpoint for _, of in reached for endpoint in of]
    points = draws((each, name, models) for each, (models, _) in zip(sides, reached, strict=True))
    times = spans((each, models) for each, (models, _) in zip(sides, reached, strict=True))
    answers = {}
    for down in outages(endpoints):
        for tags in preferences(endpoints):
            both = tuple(
                tuple(side.answer(name, down, tags, point) if side else "refused" for point in points)
                for side in (old, new)
            )
            answers[Situation(down, tags)] = both[0], both[1]
    yield _Pair(old, new, name, None, times, answers)
    if old is not None and new is not None and name in old.allowed & new.allowed:
        for why in DETOURS if name in old.snapshot.models and name in new.snapshot.models else ():
            detour = (old.after(name, why),), (new.after(name, why),)
            models = [{step.model for step in each[0] if not isinstance(step, str)} for each in detour]
            times = spans(zip((old, new), models, strict=True))
            yield _Pair(old, new, name, why, times, {Situation(): detour})


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both sides' answers to all questions about one name, plainest situation first."""

    old: Asked | None
    new: Asked | None
    name: str
    after: Detour | None
    spans: Sequence[Span]
    answers: dict[Situation, tuple[Answers, Answers]]

    @property
    def asked(self) -> int:
        return len(self.answers) * len(self.spans)

    def difference(self) -> Difference | None:
        """Where both sides differ; None: nowhere."""
        found = []
        for situation, (was, now) in self.answers.items():
            differing = [each for each in self.spans if was != now or self._repriced(was, each)]
            found += [(situation, tuple(differing))] if differing else []
        return Difference(self._change(found[0][0]), tuple(found)) if found else None

    def _repriced(self, answers: Answers, span: Span) -> bool:
        """Whether the same steps cost something else."""
        models = {step.model for answer in answers if not isinstance(answer, str) for step in answer}
        return any(_price(self.old, each, span) != _price(self.new, each, span) for each in models)

    def _change(self, situation: Situation) -> Change:
        was, now = self.answers[situation]
        at = next((at for at, (one, other) in enumerate(zip(was, now, strict=True)) if one != other), 0)
        before, after = was[at], now[at]
        moved = _words(before) != _words(after)
        prices = priced(self._costs(before, after, every=not moved), self.spans)
        return Change(
            self.name,
            self.after,
            situation,
            _words(before) if moved else (),
            _words(after) if moved else (),
            () if moved else tuple(_fields(before, after)),
            tuple(prices),
        )

    def _costs(self, before: Answer, after: Answer, *, every: bool) -> Iterator[tuple[str, str, list[_Cost]]]:
        """What each step costs before and after, over time: of the first alone where the steps are others."""
        pairs = list(zip(_steps(before), _steps(after), strict=False))
        for one, other in dict.fromkeys((one.model, other.model) for one, other in (pairs if every else pairs[:1])):
            yield one, other, [(_price(self.old, one, each), _price(self.new, other, each)) for each in self.spans]


_Cost = tuple[tuple[str, Price] | None, tuple[str, Price] | None]


def _price(asked: Asked | None, model: str, span: Span) -> tuple[str, Price] | None:
    return asked.price(model, span) if asked else None


def _steps(answer: Answer) -> tuple[Step, ...]:
    return () if isinstance(answer, str) else answer


def _words(answer: Answer) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else tuple(map(str, answer)) or ("nothing",)


def _fields(before: Answer, after: Answer) -> Iterator[FieldChange]:
    for one, other in zip(_steps(before), _steps(after), strict=True):
        for (field, was), (_, now) in zip(one.facts, other.facts, strict=True):
            if was != now:
                yield FieldChange(str(one), field, was, now)
