"""What a proof is, and what it comes to.

A proof looks at each account and leaves a small finding, in any process; at the end it tells, by all findings in the
order of the accounts. It covers every combination that there is, says how many, and gives counter-examples as
diagnostics; what a check says already, it counts and does not say again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmcompile.diagnostics import Diagnostic, Severity
from llmcompile.prove.fleet import Fleet, Ground
from llmcompile.prove.seats import Subject

Finding = Any
"""What is left of an account that was looked at: plain data, as ``fleet.codec`` has it."""
Look = Callable[[Subject], Finding]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a proof found."""

    covered: int
    unit: str
    """What was counted, in the plural."""
    counter_examples: tuple[Diagnostic, ...] = ()
    says: str = ""
    """The result in words; empty: that it holds for what was covered."""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """A claim about the whole fleet."""

    name: str
    claim: str
    codes: tuple[str, ...]
    """Checks that decide a part of it; what they found breaks it."""
    look: Callable[[Ground], Look]
    """Begins to look at accounts, in their order; what is known of one helps with the next."""
    tell: Callable[[Ground, Sequence[Finding]], Outcome]
    """The outcome by all findings, whoever looked: those of one process are in their order, and so are all of them."""

    def prove(self, fleet: Fleet) -> Outcome:
        """The outcome for a fleet that is all at hand."""
        return self.tell(fleet.ground, list(map(self.look(fleet.ground), fleet.subjects)))


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof that was tried."""

    proof: Proof
    outcome: Outcome | None
    """None where errors come first."""
    broken: Counter[str]
    """How often each of the proof's codes was found."""

    @property
    def counter_examples(self) -> tuple[Diagnostic, ...]:
        """What it found itself."""
        return self.outcome.counter_examples if self.outcome else ()

    @property
    def state(self) -> Literal["holds", "fails", "not proven"]:
        """What it came to."""
        if self.broken:
            return "fails"
        return "holds" if self.outcome is not None else "not proven"


def tried(proof: Proof, outcome: Outcome | None, found: Iterable[Diagnostic]) -> Proven:
    """A proof with its outcome; ``found`` is what the checks say. Without an outcome that alone is known."""
    said = [*found, *(outcome.counter_examples if outcome else ())]
    broken = Counter(each.code for each in said if each.code in proof.codes and each.severity is not Severity.NOTE)
    return Proven(proof, outcome, broken)
